"""The verdict on an adapted voice and on the takes that it was trained on."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from voxlet import audio
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.look.inspection import measure
from voxlet.evaluation.adapted import ACCURACY, NATURALNESS, TakeFaults, disagreeing, judged
from voxlet.evaluation.classifiers.cross_fitted import cross_fitted_classifier
from voxlet.evaluation.clipset import read_clips
from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.outcome import Row

FINE = TakeFaults({"no": 10, "yes": 10}, {}, 30.0, 0)


def rows(words: float, of_words: float, sound: float, of_sound: float) -> tuple[Row, ...]:
    def value(number: float) -> Interval:
        return Interval(number, number, number, 100)

    return (
        Row(ACCURACY, value(words), value(of_words), percent=True),
        Row(NATURALNESS, value(sound), value(of_sound)),
    )


@pytest.mark.parametrize(
    ("measured", "grade"),
    [
        (rows(0.97, 0.98, 2.40, 2.45), "good"),
        (rows(1.00, 0.98, 2.60, 2.45), "good"),
        (rows(0.97, 0.98, 2.10, 2.45), "usable"),
        (rows(0.92, 0.98, 2.40, 2.45), "usable"),
        (rows(0.80, 0.98, 2.40, 2.45), "record again"),
        (rows(0.97, 0.98, 2.40, 2.45)[1:], "listen yourself"),  # nothing is known of the words
        ((), "listen yourself"),
    ],
)
def test_the_grade_follows_from_what_is_behind_the_takes(measured: tuple[Row, ...], grade: str) -> None:
    found = judged(measured, {"no": 0.9, "yes": 0.9}, {}, FINE)
    assert found.grade == grade
    assert found.sentence == f"{grade}: {found.why}"
    assert found.lines()[-1] == found.sentence
    assert "\n" not in found.sentence
    if len(measured) == 2:
        assert re.search(r"words recognised, % \d+ %, of your takes 98 %", found.why)


def test_words_that_are_seldom_recognised_are_named_worst_first() -> None:
    measured = rows(0.9, 0.98, 2.4, 2.4)
    words = {"no": 0.7, "yes": 0.95, "stop": 0.2, "go": 0.95, "up": 1.0}
    found = judged(measured, words, {}, FINE)
    assert found.sentence == (
        "record again: seldom recognised: 'stop' (20 %), 'no' (70 %); record more takes of these"
    )
    most = judged(measured, {"no": 0.1, "yes": 0.2, "stop": 0.9}, {}, FINE)
    assert most.grade == "not yet"  # takes are not to blame if hardly a word is recognised


def test_what_is_wrong_with_takes_comes_before_what_became_of_them() -> None:
    measured = rows(0.98, 0.98, 2.4, 2.4)
    words = {"no": 1.0, "yes": 1.0}
    spoilt = {
        "noise": judged(measured, words, {}, TakeFaults(FINE.count, {}, 12.0, 0)),
        "level": judged(measured, words, {}, TakeFaults(FINE.count, {}, 30.0, 5)),
        "unlike": judged(measured, words, {}, TakeFaults(FINE.count, {"no": 3}, 30.0, 0)),
        "disagree": judged(measured, words, {"yes": 0.5}, FINE),
    }
    assert {found.grade for found in spoilt.values()} == {"record again"}
    assert len({found.why for found in spoilt.values()}) == 4
    assert "12 dB above the noise" in spoilt["noise"].why
    assert "5 of 20 takes are distorted" in spoilt["level"].why
    assert "'no' (3 of 10 takes unlike the others)" in spoilt["unlike"].why
    assert "'yes' (its takes do not sound like one word)" in spoilt["disagree"].why
    few = TakeFaults(FINE.count, {"no": 2}, 20.0, 4)
    assert judged(measured, words, {}, few).grade == "good"  # a few are no reason


def spoil(kind: str, takes: list[Path], folder: Path) -> Path:
    """Copy takes, all noisy, all too loud, or half of a word's takes swapped with another word's."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    for path in takes:
        sound, name = audio.read(path), path.name
        samples, level = sound.samples, audio.rms(sound.samples)
        if kind == "noisy":
            samples = samples + level * 10 ** (-10 / 20) * rng.standard_normal(len(samples))
        elif kind == "clipped":
            samples = np.clip(samples * 0.8 / level, -1, 1)
        elif kind == "mislabelled" and int(path.stem.split("_")[2]) < 10:
            name = {"2": "6", "6": "2"}.get(name[0], name[0]) + name[1:]
        audio.write(folder / name, samples.astype(np.float32), rate=sound.rate)
    return folder


@pytest.mark.slow
def test_noisy_clipped_and_mislabelled_takes_each_get_another_sentence(
    voxlet_data: Path, tmp_path: Path
) -> None:
    recordings = voxlet_data / "fsdd" / "recordings"
    takes = sorted(path for take in range(5, 15) for path in recordings.glob(f"?_theo_{take}.wav"))
    assert len(takes) == 100
    said = {}
    for kind in ("clean", "noisy", "clipped", "mislabelled"):
        corpus = open_corpus(spoil(kind, takes, tmp_path / kind), language="en")
        clips = read_clips("takes", list(corpus.clips), corpus.labels, corpus.speakers)
        unsure = disagreeing(cross_fitted_classifier(clips, progress=False))
        said[kind] = judged((), {}, unsure, TakeFaults.of(corpus, measure(corpus, progress=False)))
    assert said["clean"].grade == "listen yourself"  # recognition was not measured
    assert {said[kind].grade for kind in ("noisy", "clipped", "mislabelled")} == {"record again"}
    assert re.search(r"\d dB above the noise", said["noisy"].why)
    assert "100 of 100 takes are distorted" in said["clipped"].why
    assert "'two'" in said["mislabelled"].why
    assert "'six'" in said["mislabelled"].why
    assert "'nine'" not in said["mislabelled"].why
