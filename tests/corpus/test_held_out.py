"""Held-out lists: no base is trained on a speaker that classifiers or tests use."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from voxlet.corpus.corpus import Clip, open_corpus
from voxlet.corpus.held_out import ARABIC_WORDS, AUDIOMNIST_TESTS, use_of


def clip(label="one", speaker="ann", part="") -> Clip:
    return Clip(Path("a.wav"), label, speaker, "0", 16000, 16000, "", part)


def test_digits_of_six_speakers_are_for_adapting():
    assert use_of("fsdd", clip()) == "adapting"
    assert use_of("my_words", clip()) == "adapting"


def test_half_of_the_speakers_are_for_classifiers():
    uses = [use_of("speech_commands", clip(speaker=f"{number:08x}")) for number in range(4000)]
    assert uses.count("classifiers") / 4000 == pytest.approx(0.5, abs=0.03)
    assert uses.count("tests") / 4000 == pytest.approx(0.05, abs=0.01)
    assert uses.count("base") / 4000 == pytest.approx(0.45, abs=0.03)


def test_a_speaker_has_one_use_whatever_the_word():
    speakers = [f"{number:08x}" for number in range(50)]
    for speaker in speakers:
        assert len({use_of("speech_commands", clip(word, speaker)) for word in ("one", "six", "no")}) == 1


@pytest.mark.parametrize("speaker", AUDIOMNIST_TESTS)
def test_three_speakers_are_for_tests(speaker):
    assert use_of("audiomnist", clip(speaker=speaker)) == "tests"
    assert use_of("audiomnist", clip(speaker="01")) == "base"


@pytest.mark.parametrize("word", ARABIC_WORDS)
def test_held_out_words_are_never_for_a_base(word):
    uses = {part: use_of("arabic_speech_commands", clip(word, part=part)) for part in ("train", "validation")}
    assert uses == {"train": "classifiers", "validation": "classifiers"}
    assert use_of("arabic_speech_commands", clip(word, part="test")) == "tests"


def test_other_words_are_for_a_base_where_their_speaker_is():
    uses = [
        use_of("arabic_speech_commands", clip("zero", part=part)) for part in ("train", "validation", "test")
    ]
    assert uses == ["base", "classifiers", "tests"]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["speech_commands", "audiomnist"])
def test_real_speakers_have_one_use(voxlet_data, name):
    uses = defaultdict(set)
    for each in open_corpus(name).clips:
        uses[each.speaker].add(use_of(name, each))
    assert {len(found) for found in uses.values()} == {1}
    assert {"base", "tests"} <= set.union(*uses.values())
