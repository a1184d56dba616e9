"""What is kept and what is gained when words, speakers or both are added to a base or a voice.

    python benchmarks/keeping.py words FOLDER [--who 00000004] [--takes 7] [TIME] [--count 360]
    python benchmarks/keeping.py plain FOLDER [--who 00000004] [--takes 7] [TIME]
    python benchmarks/keeping.py speakers FOLDER [--who theo] [--takes 10] [TIME]
    python benchmarks/keeping.py keep FOLDER --base RUN [--who 00000004] [--takes 7] [TIME]
    python benchmarks/keeping.py voice FOLDER --base RUN [--count 960]

TIME is `--minutes 10`, or `--steps 0,200,120`. What is measured:

- words: the held-out Arabic words, adapted from a test speaker's takes, are said by the base's speakers and
  by new ones. A classifier trained on these words by other people alone (the corpus's validation speakers,
  whom no base hears) is applied to generated clips and to the test speaker's other takes. Voices of Arabic
  speakers of the base are compared with their real takes of other words, and with the person who recorded the
  words. Each kind of speaker says half of `--count` clips.
- plain: the same words in that person's own voice, by plain `voxlet adapt`.
- speakers: a speaker of FSDD, from whom zero to four are recorded, says all digits; the cross-corpus
  classifier is applied to the digits that were recorded, to those that were not, and to all real takes of the
  speaker.
- keep: Arabic words under an English tag and their speaker are added to a voice of digits, whose digits are
  measured before and after with the same seeds.

- voice: a voice of all words by many speakers, `voxlet adapt arabic_speech_commands --split official`, and
  the takes of the corpus's test speakers, both measured by a classifier of other people's takes as in
  `words`.

A run that exists is not made again. Each result is appended as a line to FOLDER/results.jsonl.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from voxlet.corpus.corpus import Clip, Corpus, open_corpus
from voxlet.corpus.held_out import ARABIC_WORDS, use_of
from voxlet.evaluation.classifiers.embedded import EmbeddedClassifier, EmbeddedConfig, Takes, open_embedded
from voxlet.evaluation.classifiers.opened import open_classifiers
from voxlet.evaluation.clipset import ClipSet, plan, read_clips
from voxlet.evaluation.encoders import speech_embedding
from voxlet.evaluation.intervals import wilson
from voxlet.evaluation.metrics import naturalness
from voxlet.evaluation.metrics.speaker import points
from voxlet.evaluation.reference import Reference
from voxlet.recipes.adapt import adapt
from voxlet.recipes.opened import VoiceRun, load
from voxlet.recipes.voice.scope import Adds
from voxlet.training import hardware

ARABIC = "arabic_speech_commands"
ADDED = ("yes", "no", "stop", "open")  # words added to a voice of digits
RECORDED = ("zero", "one", "two", "three", "four")
FILES = {"words": ARABIC_WORDS, "plain": ARABIC_WORDS, "keep": ADDED, "speakers": RECORDED}
COMPARED = 4  # Arabic speakers of the base whose likeness is measured; each needs strings of ten words
LIKE = 4  # the style of the person who recorded is encoded from every fourth take
NEW, NEW_SPEAKERS = "new ", 45  # prefix and number of new speakers, measured beside the named ones
STRINGS = 8  # strings of nine seconds for which naturalness is measured


def takes_of(
    folder: Path, corpus: Corpus, who: str, words: Sequence[str], count: int
) -> tuple[Path, ClipSet]:
    """Copy `count` takes of each word into a folder; return the folder, and the speaker's other takes."""
    others: list[Clip] = []
    for word in words:
        own = sorted((c for c in corpus.clips if (c.label, c.speaker) == (word, who)), key=lambda c: c.path)
        order = np.random.default_rng([0, count]).permutation(len(own))
        for row in order[:count]:
            place = folder / word
            place.mkdir(parents=True, exist_ok=True)
            shutil.copy(own[row].path, place / f"{who}_nohash_{row}{own[row].path.suffix}")
        others += [own[row] for row in order[count:]]
    return folder, clips_of(others, who)


def clips_of(clips: Sequence[Clip], name: str) -> ClipSet:
    """Read real clips into one set."""
    labels, speakers = ({getattr(clip, key) for clip in clips} for key in ("label", "speaker"))
    return read_clips(name, list(clips), tuple(sorted(labels)), tuple(sorted(speakers)))


def said(
    opened: VoiceRun, labels: Sequence[str], speakers: Sequence[str], count: int, seed: int = 0
) -> ClipSet:
    """Clips of a voice, equally many (within one) for each pair of label and speaker; a speaker named `NEW`
    and a seed has a random style of that seed."""
    which, whom = plan(len(labels), len(speakers), count, seed)
    sounds: list[np.ndarray] = [np.zeros(0)] * count
    for number, name in enumerate(speakers):
        rows = np.flatnonzero(whom == number)
        asked = [labels[which[row]] for row in rows]
        who, drawn = ("random", int(name.removeprefix(NEW))) if name.startswith(NEW) else (name, 0)
        style = opened.voice.style(who, seed=drawn)
        for row, sound in zip(
            rows, opened.sample(asked, style=style, seed=seed, first=1000 * number), strict=True
        ):
            sounds[row] = sound
    sources = tuple(map(str, range(count)))
    return ClipSet(
        opened.name, tuple(sounds), opened.rate, which, tuple(labels), whom, tuple(speakers), sources
    )


def share(clips: ClipSet, said_labels: np.ndarray, names: Sequence[str]) -> str:
    """The share of clips recognised as the words asked for, in per cent, with an interval."""
    right = sum(
        clips.label_names[asked] == names[heard]
        for asked, heard in zip(clips.labels, said_labels, strict=True)
    )
    found = wilson(int(right), len(clips))
    return f"{100 * found.value:.1f} [{100 * found.low:.1f}, {100 * found.high:.1f}]"


def dnsmos(clips: ClipSet) -> list[float]:
    """DNSMOS of clips: overall, signal, P.808."""
    found = naturalness.dnsmos(clips.sounds, clips.rate, count=STRINGS)
    return [round(found[key].value, 2) for key in ("overall", "signal", "p808")]


def stranger(corpus: Corpus, words: Sequence[str] = ARABIC_WORDS) -> EmbeddedClassifier:
    """A classifier trained on these words by people whom no base has heard."""
    clips = clips_of([c for c in corpus.clips if c.part == "validation" and c.label in words], "others")
    takes = Takes(
        "classifier of other people",
        clips.digest,
        lambda: speech_embedding.log_mels(clips.sounds, clips.rate),
        clips.labels,
        clips.label_names,
    )
    return open_embedded(takes, EmbeddedConfig(versions=1000))


def likeness(generated: ClipSet, real: ClipSet, teacher: ClipSet) -> dict[str, float]:
    """Mean cosine similarities of generated strings to real takes of the speaker asked for, of the other
    speakers, and of the person who recorded the words; and of the real takes to that person's."""
    numbers = list(range(len(generated.speaker_names)))
    ours, theirs = (points(one, numbers, 16000, 0) for one in (generated, real))
    taught = points(teacher, [0], 16000, 0)[0].mean(axis=0)
    centres = {number: found.mean(axis=0) for number, found in theirs.items()}

    def cosine(one: np.ndarray, other: np.ndarray) -> float:
        return float(one @ other / np.linalg.norm(one) / np.linalg.norm(other))

    means = {number: found.mean(axis=0) for number, found in ours.items() if number in centres}
    others = [cosine(means[a], centres[b]) for a in means for b in centres if a != b]
    return {
        "asked": round(float(np.mean([cosine(means[a], centres[a]) for a in means])), 3),
        "others": round(float(np.mean(others)), 3),
        "teacher": round(float(np.mean([cosine(means[a], taught) for a in means])), 3),
        "real to teacher": round(float(np.mean([cosine(centres[a], taught) for a in means])), 3),
    }


def words(asked: argparse.Namespace, takes: Path, others: ClipSet, corpus: Corpus) -> dict[str, object]:
    """The results of `words`: what the classifier recognises, and how alike the voices are."""
    opened = made(asked, takes, "words")
    judge = stranger(corpus)
    named = opened.speakers
    arabic = [name for name in named if name.startswith(ARABIC)]
    found: dict[str, object] = {
        "real": share(others, judge.predict(others.sounds, others.rate).labels, judge.label_names),
        "real dnsmos": dnsmos(others),
    }
    groups = {
        "arabic": arabic,
        "other": [name for name in named if name not in arabic],
        "new": [f"{NEW}{seed}" for seed in range(NEW_SPEAKERS)],
    }
    for name, speakers in groups.items():
        clips = said(opened, ARABIC_WORDS, speakers, asked.count // 2)
        found[name] = share(clips, judge.predict(clips.sounds, clips.rate).labels, judge.label_names)
        found[f"{name} dnsmos"] = dnsmos(clips)
    like = [opened.voice.like(path) for path in sorted(takes.rglob("*.*"))[::LIKE]]
    asked_for = ARABIC_WORDS * 8
    sounds = opened.sample(asked_for, style=np.mean(like, axis=0).astype(np.float32))
    heard = judge.predict(sounds, opened.rate).labels
    right = [judge.label_names[label] == word for label, word in zip(heard, asked_for, strict=True)]
    found["like who recorded"] = round(100 * float(np.mean(right)), 1)
    chosen = arabic[:COMPARED]
    clips = said(opened, ARABIC_WORDS, chosen, 40 * len(chosen))
    bare = tuple(name.partition("/")[2] for name in chosen)
    own = [c for c in corpus.clips if c.speaker in bare and use_of(ARABIC, c) == "base"]
    real = clips_of(own, "base").renamed(tuple(sorted({c.label for c in own})), bare)
    found["likeness"] = likeness(clips, real, replace(others, speakers=np.zeros(len(others), np.int64)))
    return found


def plain(asked: argparse.Namespace, takes: Path, others: ClipSet, corpus: Corpus) -> dict[str, object]:
    """The results of `plain`: the same words in the voice of the person who recorded them."""
    opened = made(asked, takes, "both")
    judge = stranger(corpus)
    clips = said(opened, ARABIC_WORDS, opened.speakers, asked.count)
    return {
        "generated": share(clips, judge.predict(clips.sounds, clips.rate).labels, judge.label_names),
        "real": share(others, judge.predict(others.sounds, others.rate).labels, judge.label_names),
        "generated dnsmos": dnsmos(clips),
        "real dnsmos": dnsmos(others),
    }


def digits(
    opened: VoiceRun, speakers: Sequence[str], labels: Sequence[str], real: ClipSet, count: int
) -> str:
    """The share of generated digits by these speakers that the cross-corpus classifier recognises."""
    clips = said(opened, labels, speakers, count)
    reference = Reference("fsdd", "all", real, real, language="en")
    heard = open_classifiers(reference, 8000, kinds=("cross_corpus",)).ask("cross_corpus", clips)
    assert not isinstance(heard, str)
    return share(clips, heard.labels, real.label_names)


def speakers(asked: argparse.Namespace, takes: Path, _: ClipSet, corpus: Corpus) -> dict[str, object]:
    """The results of `speakers`: digits that were recorded, and those that were not."""
    opened = made(asked, takes, "speakers")
    everything = clips_of([c for c in corpus.clips if c.speaker == asked.who], asked.who)
    everything = everything.renamed(corpus.labels, (asked.who,))
    rest = [label for label in corpus.labels if label not in RECORDED]
    heard = open_classifiers(
        Reference("fsdd", "all", everything, everything, language="en"), 8000, kinds=("cross_corpus",)
    ).ask("cross_corpus", everything)
    assert not isinstance(heard, str)
    clips = said(opened, rest, (asked.who,), asked.count)
    alike = points(clips, [0], 8000, 0)[0] @ _centre(everything)
    return {
        "recorded": digits(opened, (asked.who,), RECORDED, everything, asked.count),
        "not recorded": digits(opened, (asked.who,), rest, everything, asked.count),
        "real": share(everything, heard.labels, everything.label_names),
        "likeness of what was not recorded": round(float(alike.mean()), 3),
        "dnsmos": dnsmos(clips),
        "real dnsmos": dnsmos(everything),
    }


def _centre(clips: ClipSet) -> np.ndarray:
    found = points(clips, [0], 8000, 0)[0].mean(axis=0)
    return np.asarray(found / np.linalg.norm(found))


def keep(asked: argparse.Namespace, takes: Path, others: ClipSet, corpus: Corpus) -> dict[str, object]:
    """The results of `keep`: the voice's digits before and after, and the added words and speaker."""
    before, after = load(asked.base), made(asked, takes, "both", keep=True)
    assert isinstance(before, VoiceRun)
    fsdd = open_corpus("fsdd")
    real = clips_of([c for c in fsdd.clips if c.speaker in before.speakers], "fsdd").renamed(
        fsdd.labels, before.speakers
    )
    judge = stranger(corpus)
    new = said(after, ADDED, (asked.who,), asked.count)
    told = judge.predict(new.sounds, new.rate)
    found: dict[str, object] = {}
    for name, opened in (("before", before), ("after", after)):
        clips = said(opened, fsdd.labels, before.speakers, asked.count)
        found[name] = digits(opened, before.speakers, fsdd.labels, real, asked.count)
        found[f"{name} dnsmos"] = dnsmos(clips)
        found[f"{name} likeness"] = round(float((points(clips, [0], 8000, 0)[0] @ _centre(real)).mean()), 3)
    return {
        **found,
        "new words by the new speaker": share(new, told.labels, judge.label_names),
        "real": share(others, judge.predict(others.sounds, others.rate).labels, judge.label_names),
        "digits by the new speaker": digits(after, (asked.who,), fsdd.labels, real, asked.count),
        "new words by the old speaker": share(
            clips := said(after, ADDED, before.speakers, asked.count),
            judge.predict(clips.sounds, clips.rate).labels,
            judge.label_names,
        ),
    }


def voice(asked: argparse.Namespace, corpus: Corpus) -> dict[str, object]:
    """The results of `voice`: all words by the voice's speakers, beside other people's takes of the words."""
    opened = load(asked.base)
    assert isinstance(opened, VoiceRun)
    judge = stranger(corpus, opened.labels)
    real = clips_of([c for c in corpus.clips if c.part == "test" and c.label in opened.labels], "test")
    clips = said(opened, opened.labels, opened.speakers, asked.count)
    found: dict[str, object] = {}
    for name, one in (("generated", clips), ("real", real)):
        heard = judge.predict(one.sounds, one.rate).labels
        wrong = Counter(
            f"{one.label_names[asked_for]} as {judge.label_names[told]}"
            for asked_for, told in zip(one.labels, heard, strict=True)
            if one.label_names[asked_for] != judge.label_names[told]
        )
        found |= {name: share(one, heard, judge.label_names), f"{name} mistaken": dict(wrong.most_common(5))}
        found[f"{name} dnsmos"] = dnsmos(one)
    return found


def made(asked: argparse.Namespace, takes: Path, adds: Adds, *, keep: bool = False) -> VoiceRun:
    """The run of the adapted voice, opened if it exists, else made."""
    run = asked.folder / "runs" / takes.name
    if (run / f"{run.name}.voice").exists():
        opened = load(run)
    else:
        opened = adapt(
            takes,
            run,
            minutes=asked.minutes,
            steps=None if asked.steps is None else [int(count) for count in asked.steps.split(",")],
            base=asked.base,
            adds=adds,
            keep=keep,
            consent="given",
            language="ar" if asked.what in ("words", "plain") else "en",
        )
    assert isinstance(opened, VoiceRun)
    return opened


def main() -> None:
    """Make the voice that is asked for, and measure it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("what", choices=[*FILES, "voice"])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--who")
    parser.add_argument("--takes", type=int, default=7)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--steps")
    parser.add_argument("--base", type=Path)
    parser.add_argument("--count", type=int, default=360)
    asked = parser.parse_args()
    if asked.base is None and asked.what in ("keep", "voice"):
        parser.error(f"{asked.what} needs --base")
    hardware.set_up()
    asked.who = asked.who or ("theo" if asked.what == "speakers" else "00000004")
    corpus = open_corpus("fsdd" if asked.what == "speakers" else ARABIC)
    if asked.what == "voice":
        note(asked.folder, {"what": asked.what, "run": asked.base.name, **voice(asked, corpus)})
        return
    place = asked.folder / "takes" / f"{asked.what}-{asked.who}-{asked.takes}"
    takes, others = takes_of(place, corpus, asked.who, FILES[asked.what], asked.takes)
    measure = {"words": words, "plain": plain, "speakers": speakers, "keep": keep}[asked.what]
    found = measure(asked, takes, others, corpus)
    steps = json.loads((asked.folder / "runs" / takes.name / "timetable.json").read_text())["steps"]
    line = {"what": asked.what, "who": asked.who, "takes": asked.takes, "steps": steps, **found}
    note(asked.folder, line)


def note(folder: Path, line: dict[str, object]) -> None:
    """Append a result to the results' file, and print it."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "results.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")
    print(json.dumps(line, indent=1), flush=True)


if __name__ == "__main__":
    main()
