"""The inputs of DNSMOS, PESQ, STOI and classifiers in training, and the metrics computed from their answers.

Stand-ins record their inputs: the networks themselves are slow, and not ours to test.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from voxlet import audio
from voxlet.errors import MissingExtraError, ScoreError
from voxlet.evaluation.classifiers.inputs import InputConfig, log_mels
from voxlet.evaluation.clipset import ClipSet
from voxlet.evaluation.intervals import wilson
from voxlet.evaluation.metrics import naturalness, reconstruction, utility
from voxlet.evaluation.metrics.naturalness import FEWEST_STRINGS, strings
from voxlet.evaluation.metrics.utility import Examples, UtilityConfig
from voxlet.extras import how_to_install

RATE = 8000
LN2 = math.log(2)


def hum(seconds: float, level: float = 0.1, rate: int = RATE, seed: int = 0) -> np.ndarray:
    """Return noise of a constant level."""
    found = np.random.default_rng(seed).standard_normal(round(seconds * rate))
    return (level * found / found.std()).astype(np.float32)


# Strings of clips


def test_strings_hold_every_clip_before_any_again():
    clips = [
        np.full(round(0.9 * RATE), 0.1, np.float32) * np.sin(np.arange(7200) * w) for w in (0.3, 0.6, 1.2)
    ]
    (string,) = strings(clips, RATE, count=1)
    heard = []
    for start in range(0, 9 * 16_000, 16_000):
        spectrum = np.abs(np.fft.rfft(string[start : start + 14_000]))
        heard.append(round(float(spectrum.argmax()) / 14_000 * 16_000 / RATE * 2 * math.pi, 1))
    assert [sorted(heard[i : i + 3]) for i in (0, 3, 6)] == [[0.3, 0.6, 1.2]] * 3
    assert len({tuple(heard[i : i + 3]) for i in (0, 3, 6)}) > 1  # in a different order each time


def test_strings_are_those_of_a_seed():
    clips = [hum(0.5, seed=seed) for seed in range(8)]
    first = strings(clips, RATE, count=1)[0]
    assert np.array_equal(first, strings(clips, RATE, count=1, seed=0, band_rate=8000)[0])
    assert not np.array_equal(first, strings(clips, RATE, count=1, seed=1)[0])


def test_there_are_as_many_strings_as_hold_every_clip_and_twelve_at_least():
    for clips, expected in [(1, FEWEST_STRINGS), (48, 12), (49, 13)]:
        assert len(strings([hum(2.15)] * clips, RATE)) == expected  # four to a string
    with pytest.raises(ScoreError) as caught:
        strings([], RATE)
    assert str(caught.value) == "there are no clips to string together"


# DNSMOS


@pytest.fixture
def dnsmos(monkeypatch) -> list[np.ndarray]:
    """Replace DNSMOS: its overall score is the loudest sample's position. Return the strings it gets."""
    given: list[np.ndarray] = []

    def run(string: np.ndarray, sr: int) -> dict[str, float]:
        assert sr == 16_000
        given.append(string)
        place = float(np.abs(string).argmax())
        return {"ovrl_mos": place, "sig_mos": place + 1, "bak_mos": place + 2, "p808_mos": place + 3}

    network = SimpleNamespace(run=run)
    monkeypatch.setitem(sys.modules, "speechmos", SimpleNamespace(dnsmos=network))
    monkeypatch.setitem(sys.modules, "speechmos.dnsmos", network)
    return given


def windows(string: np.ndarray) -> list[np.ndarray]:
    """Return what DNSMOS is given of a string: 9.01 s from 2, 5 and 8 s on, of the string repeated once."""
    twice = np.clip(np.concatenate([string, string]), -1, 1)
    return [twice[second * 16_000 :][:144_160] for second in (2, 5, 8)]


def test_dnsmos_is_a_mean_over_strings_by_scale(dnsmos):
    clips = [hum(0.5, seed=seed) for seed in range(5)]
    found = naturalness.dnsmos(clips, RATE, count=3)
    expected = [window for string in strings(clips, RATE, count=3) for window in windows(string)]
    assert all(np.array_equal(one, other) for one, other in zip(dnsmos, expected, strict=True))
    places = [float(np.abs(string).argmax()) for string in dnsmos]
    for number, scale in enumerate(("overall", "signal", "background", "p808")):
        assert (found[scale].value, found[scale].count) == (pytest.approx(np.mean(places) + number), 3)
    assert found == naturalness.dnsmos(clips, RATE, count=3, band_rate=8000, seed=0)
    assert found != naturalness.dnsmos(clips, RATE, count=3, seed=1)


def test_dnsmos_is_given_no_sample_beyond_full_scale(dnsmos):
    click = hum(0.5, level=0.01)
    click[[1000, 3000]] = 0.9, -0.9  # at the level of speech, far beyond 1
    naturalness.dnsmos([click], RATE, count=1)
    assert (dnsmos[0].min(), dnsmos[0].max()) == (-1, 1)


def test_dnsmos_figures_have_keys_and_a_seed(dnsmos):
    clips = [hum(0.5, seed=seed) for seed in range(5)]
    found = naturalness.evaluate(clips, RATE)
    scales = naturalness.dnsmos(clips, RATE, band_rate=8000, count=FEWEST_STRINGS, seed=0)
    own = {key: value for key, value in found.items() if key.startswith("naturalness.dnsmos_own_rate.")}
    assert set(own.values()) == {"as above: the clips are at 8,000 Hz"}
    assert {key: value for key, value in found.items() if key not in own} == {
        f"naturalness.dnsmos.{scale}": value for scale, value in scales.items()
    }
    assert found != naturalness.evaluate(clips, RATE, seed=1)
    naturalness.dnsmos(clips, RATE, band_rate=4000, count=1)
    assert np.array_equal(dnsmos[-1], windows(strings(clips, RATE, band_rate=4000, count=1)[0])[-1])


@pytest.mark.parametrize("module", ["speechmos.dnsmos", "pystoi"])
def test_the_extra_that_brings_a_measure_is_named(measures, dnsmos, monkeypatch, module):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=re.escape("'.[study]'")):
        reconstruction.evaluate([hum(0.4)], [hum(0.4)], RATE)


# Reconstructions


@pytest.fixture
def measures(monkeypatch) -> dict[str, list]:
    """Replace PESQ and STOI: they answer with the ratio of two levels. Return their inputs."""
    given: dict[str, list] = {"pesq": [], "stoi": []}

    class PesqError(RuntimeError):
        pass

    def pesq(rate, original, other, mode):
        given["pesq"].append((rate, original, other, mode))
        if not original[:500].any():
            raise PesqError("no utterance")
        return audio.rms(other) / audio.rms(original)

    def stoi(original, other, rate):
        given["stoi"].append((rate, original, other))
        return 0.5 * audio.rms(other) / audio.rms(original)

    monkeypatch.setitem(sys.modules, "pesq", SimpleNamespace(pesq=pesq, PesqError=PesqError))
    monkeypatch.setitem(sys.modules, "pystoi", SimpleNamespace(stoi=stoi))
    return given


def test_a_reconstruction_at_half_the_level(measures):
    clip = hum(0.4)
    found = reconstruction.fidelity([clip], [0.5 * clip], RATE)
    assert found.log_mel_l1.value == pytest.approx(2 * LN2, rel=0.01)  # a quarter of the power
    assert (found.pesq.value, found.stoi.value) == (pytest.approx(0.5), pytest.approx(0.25))
    ((rate, original, other, mode),) = measures["pesq"]
    assert (rate, mode) == (8000, "nb")
    # 0.4 s and a tenth of silence go into two seconds four times.
    assert len(original) == len(other) == 4 * 3200 + 3 * 800
    assert audio.rms(original[:3200]) == pytest.approx(0.08)
    assert audio.rms(other[:3200]) == pytest.approx(0.04)
    assert not original[3200:4000].any()
    assert np.array_equal(original[4000:7200], original[:3200])
    ((rate, *sounds),) = measures["stoi"]
    assert rate == 8000
    assert np.array_equal(sounds, [original, other])


def test_reconstructions_are_compared_one_by_one_over_what_both_last(measures):
    clip, longer = hum(0.6), np.concatenate([hum(0.6), hum(0.3, seed=1)])
    found = reconstruction.fidelity([clip, longer, clip], [longer, clip, 2 * clip], RATE)
    assert found.log_mel_l1.count == 3
    assert found.log_mel_l1.value == pytest.approx(2 * LN2 / 3, rel=0.01)
    assert found.stoi.value == pytest.approx((0.5 + 0.5 + 1) / 3)


def test_other_rates_are_brought_to_the_band(measures):
    clip = hum(1.0, rate=16_000)
    reconstruction.fidelity([clip], [clip], 16_000)
    reconstruction.fidelity([clip], [clip], 16_000, band_rate=16_000)
    assert [(rate, len(original)) for rate, original, _, _ in measures["pesq"]] == [(8000, 16_800)] * 2
    assert [(rate, len(original)) for rate, original, _ in measures["stoi"]] == [
        (8000, 16_800),
        (16_000, 33_600),
    ]


def test_clips_without_sound_are_left_out(measures):
    clip, silence = hum(0.4), np.zeros(3200, np.float32)
    found = reconstruction.fidelity([silence, clip[:0], clip], [clip, clip, clip], RATE)
    assert (found.log_mel_l1.value, found.log_mel_l1.count) == (0, 1)
    with pytest.raises(ScoreError) as caught:
        reconstruction.fidelity([silence], [clip], RATE)
    assert str(caught.value) == "all clips are silent"


def test_lists_that_do_not_belong_together(measures):
    for originals, others in (([hum(0.1)], []), ([], []), ([], [hum(0.1)])):
        with pytest.raises(ScoreError) as caught:
            reconstruction.fidelity(originals, others, RATE)
        assert str(caught.value) == (
            f"{len(others)} reconstructions of {len(originals)} clips cannot be compared"
        )


def test_figures_of_reconstructions_and_of_the_clips_themselves(measures, dnsmos):
    clip = hum(0.4)
    found, real = reconstruction.evaluate([clip], [0.5 * clip[::-1]], RATE)
    scales = ["overall", "signal", "background", "p808"]
    assert list(found) == [
        *(f"reconstruction.dnsmos.{scale}" for scale in scales),
        *(f"reconstruction.{name}" for name in ("log_mel_l1", "pesq", "stoi")),
    ]
    assert list(real) == [f"reconstruction.dnsmos.{scale}" for scale in scales]
    first = naturalness.dnsmos([0.5 * clip[::-1]], RATE)["overall"]
    assert found["reconstruction.dnsmos.overall"] == first
    assert real["reconstruction.dnsmos.overall"] == naturalness.dnsmos([clip], RATE)["overall"] != first
    assert found["reconstruction.pesq"].value == pytest.approx(0.5)


def test_pesq_of_clips_that_it_finds_no_words_in(measures, dnsmos):
    clip, late = hum(0.4), np.concatenate([np.zeros(800, np.float32), hum(0.3)])
    found, _ = reconstruction.evaluate([clip, late], [clip, late], RATE)
    assert (found["reconstruction.pesq"].count, found["reconstruction.stoi"].count) == (1, 2)
    found, _ = reconstruction.evaluate([late], [late], RATE)
    assert found["reconstruction.pesq"] == "no clip was long enough"
    assert found["reconstruction.stoi"].value == pytest.approx(0.5)


def test_without_pesq_its_line_says_so(measures, dnsmos, monkeypatch):
    """PESQ is compiled on installation, which not every machine can do."""
    monkeypatch.setitem(sys.modules, "pesq", None)
    found, _ = reconstruction.evaluate([hum(0.4)], [hum(0.4)], RATE)
    assert found["reconstruction.pesq"] == f"PESQ is not installed: {how_to_install('pesq')}"
    assert found["reconstruction.stoi"].value == pytest.approx(0.5)


# Utility


@pytest.fixture
def trained(monkeypatch) -> list:
    """Replace classifiers: they answer 0 for every clip. Return the sets that they are trained on."""
    given = []

    def open_classifier(training_set, *, progress):
        assert not progress
        given.append(training_set)
        return SimpleNamespace(
            predict_log_mels=lambda rows: SimpleNamespace(labels=np.zeros(len(rows), np.int64))
        )

    monkeypatch.setattr(utility, "open_classifier", open_classifier)
    return given


def clips_of(labels: list[int], seed: int) -> ClipSet:
    sounds = tuple(hum(0.2, seed=100 * seed + number) for number in range(len(labels)))
    nobody = np.full(len(labels), -1)
    return ClipSet(
        f"set {seed}", sounds, RATE, np.array(labels), ("no", "yes"), nobody, (), ("",) * len(labels)
    )


def test_what_classifiers_are_trained_on_and_how(trained):
    clips, train, test = clips_of([0, 1, 1], 1), clips_of([0] * 6 + [1] * 4, 2), clips_of([0, 0, 0, 1], 3)
    config = UtilityConfig(classifier=replace(utility.CONFIG, strength=0.6), few=(2, 5), seed=3)
    found = utility.evaluate(clips, train, test, config)
    assert set(found.values()) == {wilson(3, 4)}
    ways = ("real", "augmented", "generated", "generated_augmented")
    assert list(found) == [
        "utility.alone.accuracy",
        *(f"utility.few_{count}.{way}.accuracy" for count in (2, 5) for way in ways),
    ]
    assert [t.config.strength for t in trained] == [0.6] + [0.0, 0.6] * 4
    assert [np.bincount(t.labels).tolist() for t in trained] == [
        [1, 2],
        *[[2, 2]] * 2, *[[2 + 2, 2 + 2]] * 2,  # the three, then the first again: no, yes, yes, no
        *[[5, 4]] * 2, *[[5 + 3, 4 + 6]] * 2,  # three times
    ]  # fmt: skip
    for one in trained:
        assert (one.name, one.label_names, one.speakers, one.speaker_names) == (
            "utility",
            ("no", "yes"),
            None,
            (),
        )
        assert one.inputs == config.inputs
        assert one.config == replace(config.classifier, strength=one.config.strength, seed=3)
        assert len(one.read()) == len(one.labels)
    generated = log_mels(clips.sounds, RATE, InputConfig())
    assert np.array_equal(trained[0].read(), generated)
    assert np.array_equal(trained[3].read()[4:], generated[[0, 1, 2, 0]])
    assert len({t.source for t in trained}) == 5
    assert trained[0].source == clips.digest


def test_utility_is_usually_measured_with_the_usual_settings(trained):
    clips, test = clips_of([0, 1], 1), clips_of([0, 1], 3)
    assert len(utility.evaluate(clips, clips, test)) == 1 + 4 * len(utility.FEW)
    assert trained[0].config == replace(utility.CONFIG, seed=0)


def test_sets_with_other_labels(trained):
    clips = clips_of([0, 1], 1)
    other = replace(clips, name="the other", label_names=("non", "oui"))
    for sets in ((other, clips, clips), (clips, other, clips), (clips, clips, other)):
        with pytest.raises(ScoreError) as caught:
            utility.evaluate(*sets)
        assert str(caught.value) == f"{sets[0].name}: utility needs sets with the same labels"


def test_examples_are_named_by_what_they_are_and_which():
    some = Examples("a", np.arange(12.0).reshape(4, 3, 1), np.arange(4))
    picked = some.take(np.array([2, 0]))
    assert picked.labels.tolist() == [2, 0]
    assert picked.log_mels[:, 0, 0].tolist() == [6, 0]
    assert picked.source.startswith("a/")
    assert picked.source == some.take(np.array([2, 0])).source != some.take(np.array([0, 2])).source
    both = picked.beside(some)
    assert both.labels.tolist() == [2, 0, 2, 0, 0, 1, 2, 3]
    assert both.log_mels[:, 0, 0].tolist() == [6, 0, 6, 0, 0, 3, 6, 9]
    assert some.beside(picked).labels.tolist() == [0, 1, 2, 3, 2, 0, 2, 0]
    assert both.source.count(" ") == 1


def test_a_few_of_each_label_are_drawn_by_a_seed():
    labels = np.array([1, 0, 1, 0, 0, 1, 0, 1] * 4)
    drawn = {seed: utility.few_of_each(labels, 3, seed).tolist() for seed in range(4)}
    for rows in drawn.values():
        assert labels[rows].tolist() == [0, 0, 0, 1, 1, 1]
        assert len(set(rows)) == 6
    assert len({tuple(rows) for rows in drawn.values()}) == 4
    assert utility.few_of_each(labels, 3, 0).tolist() == drawn[0]
