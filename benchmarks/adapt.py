"""How good voices from a few takes are: bases adapted to speakers of FSDD, which no base was trained on.

    python benchmarks/adapt.py FOLDER [--speakers theo,george] [--takes 10] [--draws 0,1,2]
        [--minutes 10 | --steps 85,411,74] [--base FILE] [--count 1000]

For each speaker and draw, some takes of every digit go into a folder and `voxlet adapt` makes a voice from
them. The voice's clips and the speaker's other takes are measured by the same metrics at 8 kHz; energy above
4 kHz is given as a share of all energy. Recall and coverage are measured against one half of those other
takes; where these takes are measured themselves, only their other half is. `spread` is the distance between
two clips of one word; `still` means clips whose speed and pitch never vary; `learned` are the takes that the
voice learned from, as few takes may themselves be hard to recognise. `--steps` are those of the three stages,
for the same voice on any machine; `--minutes` then only names the folder. A run that exists is not made
again. Each result is appended as a line to FOLDER/results.jsonl.
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxlet.corpus.corpus import Corpus, open_corpus
from voxlet.evaluation.classifiers.inputs import InputConfig, log_mels
from voxlet.evaluation.classifiers.opened import Classifiers, open_classifiers
from voxlet.evaluation.clipset import ClipSet, read_clips, sample_clips
from voxlet.evaluation.metrics import band, distribution, memorisation, naturalness, speaker
from voxlet.evaluation.reference import Reference
from voxlet.recipes.adapt import adapt
from voxlet.recipes.opened import VoiceRun, load
from voxlet.speak.manner import Manner
from voxlet.training import hardware

KINDS = ("cross_corpus", "off_the_shelf")
DNSMOS_STRINGS = 12


def drawn(corpus: Corpus, who: str, takes: int, draw: int) -> tuple[list[Path], list[Path]]:
    """Files to learn from, `takes` of each label, and the speaker's other files."""
    rng = np.random.default_rng([draw, takes])
    learned, others = [], []
    for label in corpus.labels:
        own = [clip.path for clip in corpus.clips if (clip.label, clip.speaker) == (label, who)]
        order = rng.permutation(len(own))
        learned += [own[row] for row in order[:takes]]
        others += [own[row] for row in order[takes:]]
    return learned, others


def clips_of(corpus: Corpus, paths: list[Path], who: str) -> ClipSet:
    wanted = set(paths)
    return read_clips(who, [clip for clip in corpus.clips if clip.path in wanted], corpus.labels, (who,))


def figures(classifiers: Classifiers, clips: ClipSet, real: ClipSet, learned: ClipSet) -> dict[str, float]:
    """Metrics of a set of clips of one speaker, compared with the speaker's real takes."""
    found = accuracies(classifiers, clips)
    scores = naturalness.dnsmos(clips.sounds, clips.rate, count=DNSMOS_STRINGS)
    found |= {name: round(value.value, 3) for name, value in scores.items()}
    found["above_4k_db"] = round(
        float(np.mean([band.above_telephone(sound, clips.rate) for sound in clips.sounds])), 1
    )
    # Real takes are compared with the other half of them, so generated clips are compared with that half too.
    halves = np.arange(len(real)) % 2 == 0
    compared = clips.take(~halves) if clips is real else clips
    # Equally many clips of each set, since recall and coverage grow with their number.
    some = compared.take(np.linspace(0, len(compared) - 1, int((~halves).sum())).astype(int))
    said, heard = (classifiers.predict("cross_corpus", one) for one in (some, real.take(halves)))
    shared = distribution.feature_overlap(distribution.features_of(heard), distribution.features_of(said))
    found |= {"recall": round(shared.recall, 3), "coverage": round(shared.coverage, 3)}
    alike = speaker.similarity(compared, real.take(halves))[speaker.SIMILARITY]
    if not isinstance(alike, str):
        found["similarity"] = round(alike.value, 4)
    inputs = InputConfig(rate=8000)
    pictures = [log_mels(one.sounds, one.rate, inputs) for one in (clips, learned)]
    found["spread"] = round(spread(pictures[0], clips.labels), 4)
    distances = memorisation.nearest(*pictures).distance
    found["nearest_p1"] = round(float(np.percentile(distances, 1)), 4)
    return found


def accuracies(classifiers: Classifiers, clips: ClipSet) -> dict[str, float]:
    """The share of clips that each classifier recognises as their label."""
    found = {}
    for kind in KINDS:
        said = classifiers.ask(kind, clips)
        if not isinstance(said, str):
            found[kind] = round(float(np.mean(said.labels == clips.labels)), 4)
    return found


def spread(pictures: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """The mean distance between two clips of one word, from log-mels (B, M, F) at the best shift."""
    rng = np.random.default_rng(0)
    far = []
    for label in np.unique(labels):
        rows = rng.permutation(np.flatnonzero(labels == label))
        far += [
            memorisation.nearest(pictures[[one]], pictures[[other]]).distance[0]
            for one, other in itertools.pairwise(rows)
        ]
    return float(np.mean(far))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--speakers", default="theo,george,jackson,lucas,nicolas,yweweler")
    parser.add_argument("--takes", type=int, default=10)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--draws", default="0")
    parser.add_argument("--steps")
    parser.add_argument("--base", type=Path)
    parser.add_argument("--count", type=int, default=1000)
    asked = parser.parse_args()
    hardware.set_up()
    corpus = open_corpus("fsdd")
    steps = [int(number) for number in asked.steps.split(",")] if asked.steps else None
    minutes = None if steps else asked.minutes
    for who in asked.speakers.split(","):
        for draw in map(int, asked.draws.split(",")):
            learned, others = drawn(corpus, who, asked.takes, draw)
            name = f"{who}-{asked.takes}-takes-{asked.minutes:g}-minutes-{draw}"
            takes, run = asked.folder / "takes" / name, asked.folder / "runs" / name
            if not takes.is_dir():
                takes.mkdir(parents=True)
                for path in learned:
                    shutil.copy(path, takes)
            began = time.monotonic()
            done = (run / f"{run.name}.voice").exists()
            opened = (
                load(run)
                if done
                else adapt(
                    takes,
                    run,
                    base=asked.base,
                    consent="licence",
                    language="en",
                    minutes=minutes,
                    steps=steps,
                )
            )
            assert isinstance(opened, VoiceRun)
            took = time.monotonic() - began
            real, kept = clips_of(corpus, others, who), clips_of(corpus, learned, who)
            classifiers = open_classifiers(
                Reference("fsdd", "all", kept, real, language="en"), 8000, kinds=KINDS
            )
            voice = opened.voice
            clear, own, still = (
                sample_clips(voice.in_manner(manner), asked.count).renamed(real.label_names, (who,))
                for manner in (Manner(), Manner(clarity=0.0), Manner(variation=0.0))
            )
            line = {
                "speaker": who,
                "takes": asked.takes,
                "minutes": asked.minutes,
                "draw": draw,
                "seconds": None if done else round(took),
                "generated": figures(classifiers, clear, real, kept),
                "generated, as clear as the takes": figures(classifiers, own, real, kept),
                "generated, still": figures(classifiers, still, real, kept),
                "variation": dict(voice.info.variation),
                "learned": accuracies(classifiers, kept),
                "real": figures(classifiers, real, real, kept),
            }
            with (asked.folder / "results.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(json.dumps(line, indent=1), flush=True)


if __name__ == "__main__":
    main()
