"""Held-out lists: which recordings are for training a base, which for classifiers, which for tests only.

A score is meaningless if the model was trained on the recordings that it is scored with. These lists were
drawn once, before any base was trained. All code takes them from here, and a base's card repeats them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from voxlet.corpus.splits import speaker_hash

if TYPE_CHECKING:
    from voxlet.corpus.corpus import Clip

# base: a base may be trained on the clip. adapting: only voices adapted from a base may, not the base.
# classifiers: only independent classifiers may. tests: nothing is trained on the clip.
Use = Literal["base", "adapting", "classifiers", "tests"]

AUDIOMNIST_TESTS = ("05", "12", "43")  # three of the seven speakers with 40 clips each in part of the corpus
ARABIC_WORDS = ("yes", "no", "stop", "open", "next", "zoom in", "eight", "nine")

CLASSIFIERS_SHARE, TESTS_SHARE = 50.0, 55.0  # per cent: upper ends of the ranges of `speaker_hash`
# Chosen so that classifiers get 23 of the 27 takes of six, seven and nine in a part of the corpus.
DRAW = 977

# The same rules in words, for a base's card.
LISTS = {
    "fsdd": "no base hears it",
    "speech_commands": f"half of the speakers for classifiers, of the others a tenth for tests (draw {DRAW})",
    "audiomnist": f"speakers {', '.join(AUDIOMNIST_TESTS)} for tests",
    "arabic_speech_commands": "test speakers for tests; validation speakers, and of the others the words "
    f"{', '.join(ARABIC_WORDS)}, for classifiers",
}


def use_of(corpus: str, clip: Clip) -> Use:
    """What a clip may be used for.

    - `fsdd`: adapting; no base is trained on it.
    - `speech_commands`: half of the speakers, by hash, for classifiers; a tenth of the others for tests.
    - `audiomnist`: three speakers for tests.
    - `arabic_speech_commands`: its test speakers for tests; its validation speakers, and eight words by all
      other speakers, for classifiers.
    - A corpus that is not in the catalog: adapting.
    """
    if corpus == "speech_commands":
        share = speaker_hash(f"{clip.speaker} {DRAW}")
        if share < CLASSIFIERS_SHARE:
            return "classifiers"
        return "tests" if share < TESTS_SHARE else "base"
    if corpus == "audiomnist":
        return "tests" if clip.speaker in AUDIOMNIST_TESTS else "base"
    if corpus == "arabic_speech_commands":
        if clip.part == "test":
            return "tests"
        return "classifiers" if clip.part == "validation" or clip.label in ARABIC_WORDS else "base"
    return "adapting"
