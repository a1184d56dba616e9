"""How accurate the classifiers are on real recordings that they were not trained on.

    python benchmarks/classifiers.py [--json FILE]    # all corpora that are here, by corpus and by label
    python benchmarks/classifiers.py --speakers       # the in-corpus one on speakers that it does not know
    python benchmarks/classifiers.py --prepared       # clips as they are, and as training prepares them

The recordings are FSDD's test takes, all of AudioMNIST, and the test speakers of the corpora that reserve
speakers for classifiers, as the held-out list names them. `--speakers` trains, for each of FSDD's speakers, a
classifier on all the others, which takes some minutes each. `--prepared` measures with the cross-corpus
classifier, and with DNSMOS at the clips' own rate, whether preparation costs quality; `--only fsdd` names the
corpora to measure.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxlet import audio
from voxlet.audio import Samples
from voxlet.corpus.catalog import CATALOG, find_known
from voxlet.corpus.corpus import Clip, Corpus, open_corpus
from voxlet.corpus.held_out import use_of
from voxlet.corpus.prepare import TRIM_MARGIN, Preparation, prepare_clip
from voxlet.evaluation.classifiers.config import RELIABLE
from voxlet.evaluation.classifiers.cross_corpus import cross_corpus_classifier, reserving_corpora
from voxlet.evaluation.classifiers.cross_fitted import cross_fitted_classifier
from voxlet.evaluation.classifiers.in_corpus import in_corpus_classifier
from voxlet.evaluation.classifiers.inputs import InputConfig
from voxlet.evaluation.classifiers.pocketsphinx import PocketSphinx
from voxlet.evaluation.clipset import ClipSet, read_clips
from voxlet.evaluation.intervals import Interval, wilson
from voxlet.evaluation.metric import Value
from voxlet.evaluation.metrics.naturalness import dnsmos
from voxlet.evaluation.metrics.recognition import accuracy, by_label
from voxlet.evaluation.reference import open_reference
from voxlet.trimming.regions import find_speech

WIDE_RATE = 16_000
STRINGS = 40  # scored by DNSMOS
NOBODY = -1  # a label that no clip has: the word was not recognised


def unheard_clips(corpus: Corpus) -> list[Clip]:
    """Real clips of a corpus that no classifier was trained on."""
    clips, name = list(corpus.clips), corpus.name
    if name == "fsdd":
        return [clip for clip in clips if int(clip.take) < 5]
    return clips if name == "audiomnist" else [clip for clip in clips if use_of(name, clip) == "tests"]


def unheard(name: str) -> ClipSet:
    """Read the clips of a corpus that no classifier was trained on."""
    corpus = open_corpus(name)
    return read_clips(name, unheard_clips(corpus), corpus.labels, corpus.speakers)


def shown(value: Value) -> str:
    if isinstance(value, str):
        return value
    percent = [f"{100 * end:.1f}" for end in (value.value, value.low, value.high)]
    return f"{percent[0]} % [{percent[1]}, {percent[2]}] of {value.count}"


class Report:
    """Prints results as they come, and keeps their figures."""

    def __init__(self) -> None:
        self.figures: dict[str, object] = {}

    def add(self, title: str, clips: ClipSet, predicted: NDArray[np.int64]) -> None:
        whole = accuracy(clips.labels, predicted)
        single = by_label(clips.labels, predicted, clips.label_names)
        told = {name: value if isinstance(value, str) else asdict(value) for name, value in single.items()}
        self.figures[title] = {"accuracy": asdict(whole), "labels": told}
        print(f"{title:<60} {shown(whole)}")
        weak = [f"{name} {shown(value)}" for name, value in single.items() if below(value)]
        print(f"    labels below 95 %: {'; '.join(weak) or 'none'}", flush=True)


def below(value: Value) -> bool:
    return isinstance(value, Interval) and value.value < RELIABLE


def cross_corpus(corpus: str, report: Report) -> None:
    """Measure the cross-corpus classifier at both bandwidths."""
    clips = unheard(corpus)
    for wide in (False, True):
        if wide and clips.rate < WIDE_RATE:
            continue
        reserving = reserving_corpora(clips.label_names, CATALOG[corpus].language)
        classifier = cross_corpus_classifier(reserving, clips.label_names, wide=wide)
        said = classifier.predict(clips.sounds, clips.rate).labels
        report.add(f"cross-corpus, {16 if wide else 8} kHz, {corpus}", clips, said)


def off_the_shelf(corpus: str, report: Report) -> None:
    """Measure PocketSphinx at both bandwidths: on single words, then on strings of four."""
    clips = unheard(corpus)
    for wide in (False, True):
        if wide and clips.rate < WIDE_RATE:
            continue
        classifier, where = PocketSphinx(clips.label_names, wide=wide), f"{16 if wide else 8} kHz, {corpus}"
        report.add(f"PocketSphinx, {where}", clips, classifier.predict(clips.sounds, clips.rate).labels)
        drawn, right = classifier.found_in_strings(clips.sounds, clips.rate, clips.labels)
        within = clips.take(drawn)
        report.add(f"PocketSphinx, in strings, {where}", within, np.where(right, within.labels, NOBODY))


def cross_fitted(report: Report) -> None:
    """Measure a cross-fitted classifier of ten takes per digit: on left-out takes, then on all others."""
    corpus = open_corpus("fsdd")
    own = [clip for clip in corpus.clips if clip.speaker == "theo"]
    few, rest = (
        read_clips("fsdd", [clip for clip in own if (int(clip.take) < 10) == first], corpus.labels, ("theo",))
        for first in (True, False)
    )
    classifier = cross_fitted_classifier(few)
    report.add("cross-fitted, ten takes of theo, takes left out", few, classifier.predicted)
    said = classifier.predict(rest.sounds, rest.rate).labels
    report.add("cross-fitted, the same, theo's other takes", rest, said)


def in_corpus(report: Report) -> None:
    """Measure the in-corpus classifier of FSDD."""
    reference = open_reference("fsdd")
    classifier = in_corpus_classifier(reference.train, inputs=InputConfig())
    said = classifier.predict(reference.test.sounds, reference.test.rate)
    report.add("in-corpus, 8 kHz, fsdd", reference.test, said.labels)
    print(f"    speakers: {shown(accuracy(reference.test.speakers, said.speakers))}", flush=True)


def unknown_speakers(report: Report) -> None:
    """Measure in-corpus classifiers, each trained without one of FSDD's speakers, on that speaker."""
    reference = open_reference("fsdd")
    train, test, right = reference.train, reference.test, []
    for number, name in enumerate(train.speaker_names):
        classifier = in_corpus_classifier(train.take(train.speakers != number), inputs=InputConfig())
        alone = test.take(test.speakers == number)
        said = classifier.predict(alone.sounds, alone.rate).labels
        report.add(f"in-corpus, trained without {name}, on {name}", alone, said)
        right.append(said == alone.labels)
    together = np.concatenate(right)
    print(f"in-corpus, unknown speakers: {shown(wilson(int(together.sum()), len(together)))}")


def laid_back(clip: Clip, ready: Samples, rate: int) -> Samples:
    """A recording (T,) at its own rate, with its word replaced by the prepared word `ready`."""
    whole = audio.read(clip.path).samples
    whole = whole - np.float32(whole.mean(dtype=np.float64))
    start = max(0, find_speech(whole, rate).start - round(TRIM_MARGIN * rate))
    word = whole[start : start + len(ready)]
    gain = np.float32(float(ready @ word) / float(word @ word))
    return np.concatenate([gain * whole[:start], ready, gain * whole[start + len(ready) :]])


def prepared(name: str, report: Report) -> None:
    """Measure clips as they are, as training prepares them (outliers left in), and as prepared but laid back.

    The classifier and DNSMOS both trim their input. They cut more off a prepared clip than off its recording,
    since little background is left to tell the word from; laid back into recordings, words are cut alike.
    """
    corpus = open_corpus(name)
    drawn = unheard_clips(corpus)
    clips = read_clips(name, drawn, corpus.labels, corpus.speakers)
    preparation = Preparation(rate=clips.rate)
    ready = tuple(prepare_clip(clip.path, preparation) for clip in drawn)
    reserving = reserving_corpora(clips.label_names, CATALOG[name].language)
    classifier = cross_corpus_classifier(reserving, clips.label_names, wide=False)
    back = tuple(laid_back(clip, one, clips.rate) for clip, one in zip(drawn, ready, strict=True))
    for title, sounds in (("as they are", clips.sounds), ("prepared", ready), ("prepared, laid back", back)):
        said = classifier.predict(sounds, clips.rate).labels
        report.add(f"{name}, {title}", clips, said)
        scales = dnsmos(sounds, clips.rate, band_rate=min(clips.rate, WIDE_RATE), count=STRINGS)
        told = ", ".join(f"{scale} {value.value:.2f}" for scale, value in scales.items())
        print(f"    DNSMOS: {told}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument(
        "--speakers", action="store_true", help="the in-corpus classifier on unknown speakers"
    )
    parser.add_argument("--prepared", action="store_true", help="clips as training prepares them")
    parser.add_argument("--only", default="", help="names of corpora, with commas between")
    asked = parser.parse_args()
    report = Report()
    asked_for = asked.only.split(",") if asked.only else CATALOG
    here = [name for name in asked_for if find_known(name) is not None]
    if asked.speakers:
        unknown_speakers(report)
    elif asked.prepared:
        for name in here:
            prepared(name, report)
    else:
        for name in here:
            cross_corpus(name, report)
        if "fsdd" in here:
            cross_fitted(report)
        for name in here:
            if CATALOG[name].language == "en":
                off_the_shelf(name, report)
        if "fsdd" in here:
            in_corpus(report)
    if asked.json is not None:
        asked.json.write_text(json.dumps(report.figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
