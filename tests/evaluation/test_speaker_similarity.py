"""Speaker similarity with known answers: the same voice, another one, and points on a sphere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from voxlet.evaluation.clipset import ClipSet
from voxlet.evaluation.encoders import voice_encoder
from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.metrics import speaker

RATE = 16_000
FORMANTS = ((500, 1500, 2500, 3500), (700, 1150, 2900, 3900))  # Hz, of two vocal tracts
PITCHES = (110.0, 220.0)  # Hz


def vowel(pitch: float, formants: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Return a vowel of 0.4 s: harmonics of a pitch, louder near the formants."""
    time = np.arange(round(0.4 * RATE)) / RATE
    pitch *= rng.uniform(0.97, 1.03)
    harmonics = np.arange(1, int(7000 / pitch))
    level = sum(1 / (1 + ((harmonics * pitch - formant) / 120) ** 2) for formant in formants) / harmonics**0.5
    sound = level @ np.sin(2 * np.pi * pitch * harmonics[:, None] * time + rng.uniform(0, 6, (len(level), 1)))
    return (0.1 * sound / np.abs(sound).max()).astype(np.float32)


def two_people(count: int, seed: int) -> ClipSet:
    """Return `count` words by each of two speakers."""
    rng = np.random.default_rng(seed)
    speakers = np.arange(2 * count) % 2
    sounds = tuple(vowel(PITCHES[who], FORMANTS[who], rng) for who in speakers)
    names = ("",) * len(speakers)
    return ClipSet("people", sounds, RATE, np.zeros(len(speakers), int), ("a",), speakers, ("x", "y"), names)


def test_a_voice_is_like_itself_and_unlike_another():
    found = speaker.similarity(two_people(20, seed=0), two_people(20, seed=1))
    assert found[speaker.SIMILARITY].value > 0.9
    assert found[speaker.SIMILARITY].low > found[speaker.OTHERS].high + 0.1
    assert found[speaker.SIMILARITY].count == 4  # two strings of ten words of each


def test_who_speaks_as_somebody_else_is_found_out():
    clips = two_people(20, seed=0)
    swapped = replace(clips, speakers=1 - clips.speakers)
    found = speaker.similarity(swapped, two_people(20, seed=1))
    assert found[speaker.SIMILARITY].high < found[speaker.OTHERS].low


def test_loudness_and_silence_around_words_do_not_matter():
    clips = two_people(10, seed=0)
    plain = voice_encoder.embed(voice_encoder.strung(clips.sounds[::2], RATE, RATE))
    other = [np.pad(3 * sound, 4000) for sound in clips.sounds[::2]]
    assert plain @ voice_encoder.embed(voice_encoder.strung(other, RATE, RATE)) > 0.98
    assert np.linalg.norm(plain) == pytest.approx(1)


def test_similarities_of_known_points():
    ours = {0: np.array([[1.0, 0.0]]), 1: np.array([[0.6, 0.8]]), 7: np.array([[1.0, 0.0]])}
    theirs = {0: np.array([[1.0, 0.0], [1.0, 0.0]]), 1: np.array([[0.0, 2.0]])}
    own, others = speaker.similarities(ours, theirs)
    assert own == pytest.approx([1.0, 0.8])  # speaker 7 is in no training clip
    assert others == pytest.approx([0.0, 0.6])


def test_why_there_is_no_similarity():
    clips = two_people(20, seed=0)
    nobody = replace(clips, speakers=np.full(len(clips), -1))
    assert speaker.similarity(nobody, clips)[speaker.SIMILARITY] == speaker.NOBODY
    few = clips.take(np.arange(8))
    assert speaker.similarity(few, clips)[speaker.SIMILARITY].startswith("no speaker has 10 clips")
    alone = clips.take(clips.speakers == 0)
    found = speaker.similarity(alone, alone)
    assert isinstance(found[speaker.SIMILARITY], Interval)
    assert found[speaker.OTHERS] == "only one speaker"
