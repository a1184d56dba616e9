"""Choosing the channel, or the difference of two channels, that contains speech."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from synthetic import word
from voxlet import audio
from voxlet.corpus.corpus import open_corpus
from voxlet.decoding.channels import choose

RATE = 8000
RNG = np.random.default_rng(0)
PAUSE = np.zeros(RATE // 3, np.float32)
WORD = np.concatenate([PAUSE, word(1, 0, 0), PAUSE])
TIME = np.arange(len(WORD)) / RATE
HUM = (0.3 * np.sin(2 * np.pi * 50 * TIME) + 0.15 * np.sin(2 * np.pi * 150 * TIME)).astype(np.float32)
NOISE = RNG.standard_normal((2, len(WORD))).astype(np.float32)
NOTHING = np.zeros_like(WORD)

CASES = {
    "alike": ([WORD, WORD], ""),
    "one weaker": ([WORD, 0.5 * WORD], ""),
    "noise of their own": ([WORD + 0.005 * NOISE[0], WORD + 0.005 * NOISE[1]], ""),
    "opposite hum": ([WORD + HUM, WORD - HUM], ""),
    "antiphase": ([WORD, -WORD], "channel 1 of 2"),
    "unequal antiphase": ([0.5 * WORD, -WORD], "channel 2 of 2"),
    "antiphase with a common hum": ([WORD + HUM, HUM - WORD], "the difference of 2 channels"),
    "left silent": ([NOTHING, WORD], "channel 2 of 2"),
    "right all but silent": ([WORD, 1e-4 * NOISE[0]], "channel 1 of 2"),
    "noise in the other": ([0.1 * NOISE[0], WORD], "channel 2 of 2"),
    "hum in the other": ([HUM, WORD], "channel 2 of 2"),
    "three alike": ([WORD, WORD, WORD], ""),
    "one of three": ([HUM, NOTHING, WORD], "channel 3 of 3"),
    "one of six": ([NOTHING, NOTHING, WORD, NOTHING, NOTHING, NOTHING], "channel 3 of 6"),
    "pairs in antiphase": ([WORD, -WORD, WORD, -WORD], "channel 1 of 4"),
    "silence": ([NOTHING, NOTHING], ""),
}


@pytest.mark.parametrize("case", CASES)
def test_the_channel_that_holds_speech(case):
    channels, expected = CASES[case]
    samples = np.stack(channels, axis=1).astype(np.float32)
    choice = choose(samples, RATE)
    assert choice.name == expected
    mono = choice.of(samples)
    if case != "silence":
        assert np.corrcoef(mono, WORD)[0, 1] ** 2 > 0.9


def test_the_account_counts_channels_and_the_clip_is_whole(tmp_path):
    for take in range(3):
        samples = word(1, 0, take)
        soundfile.write(tmp_path / f"yes_ann_{take}.wav", np.stack([samples, -samples], 1), RATE)
    corpus = open_corpus(tmp_path)
    assert corpus.account == "3 files: 3 used (3 by channel 1 of 2)"
    sound = audio.read(corpus.clips[0].path)
    assert sound.channel == "channel 1 of 2"
    np.testing.assert_allclose(sound.samples, word(1, 0, 0), atol=1e-4)


def test_the_choice_does_not_depend_on_how_much_is_asked_for(tmp_path):
    """In both channels, the first third of a second is a pause."""
    soundfile.write(tmp_path / "a.wav", np.stack([0.01 * NOISE[0], WORD], axis=1), RATE)
    whole, part = audio.read(tmp_path / "a.wav"), audio.read(tmp_path / "a.wav", seconds=0.3)
    assert whole.channel == part.channel == "channel 2 of 2"
    np.testing.assert_array_equal(part.samples, whole.samples[: len(part.samples)])
