"""The input of DNSMOS, and the metrics computed from its answers."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from voxlet import audio
from voxlet.errors import ScoreError
from voxlet.evaluation.metrics import naturalness
from voxlet.evaluation.metrics.naturalness import FEWEST_STRINGS, GAP_SECONDS, STRING_SECONDS, strings

RATE = 8000


def bursts(count: int, seconds: float) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.standard_normal(round(seconds * RATE)).astype(np.float32) for _ in range(count)]


def tone(frequency: float, level: float, rate: int = RATE) -> np.ndarray:
    time = np.arange(rate // 2) / rate
    return (level * np.sin(2 * np.pi * frequency * time)).astype(np.float32)


def test_every_clip_is_used():
    each = 2.0
    in_a_string = -(-STRING_SECONDS // (each + GAP_SECONDS))
    few, many = 5, 100
    assert len(strings(bursts(few, each), RATE)) == FEWEST_STRINGS
    assert len(strings(bursts(many, each), RATE)) == many / in_a_string > FEWEST_STRINGS
    assert len(strings(bursts(many, each), RATE, count=3)) == 3


def test_strings_last_nine_seconds_at_sixteen_kilohertz():
    assert {len(string) for string in strings(bursts(7, 0.4), RATE)} == {9 * 16_000}


def test_clips_come_levelled_with_a_tenth_of_a_second_between_them():
    (string,) = strings([tone(500, 0.7), tone(500, 0.01)], RATE, count=1)
    loud = np.abs(string[: 9 * 16_000 // 160 * 160].reshape(-1, 160)).max(axis=1) > 0.02  # steps of 10 ms
    starts = np.flatnonzero(np.diff(loud.astype(int)) == 1) + 1
    assert np.diff(starts) == pytest.approx(60, abs=2)  # half a second of tone and 0.1 s of silence
    assert audio.rms(string[:8000]) == pytest.approx(0.08, rel=0.02)
    assert audio.rms(string[9600:17600]) == pytest.approx(0.08, rel=0.02)  # however faint it was


def test_nothing_above_the_band_is_left():
    wide = tone(500, 0.1, 16_000) + tone(6000, 0.1, 16_000)
    (string,) = strings([wide], 16_000, count=1)
    spectrum = np.abs(np.fft.rfft(string))
    frequency = np.fft.rfftfreq(len(string), 1 / 16_000)
    assert spectrum[frequency > 4100].max() < 0.01 * spectrum.max()


def test_nothing_to_string_together():
    with pytest.raises(ScoreError, match="no clips"):
        strings([], RATE)


def test_means_of_the_networks_answers_have_keys(monkeypatch):
    """The stand-in network answers with the string's level, times another factor on each scale."""

    def run(string, sr):
        assert sr == 16_000
        level = audio.rms(string)
        return {"ovrl_mos": level, "sig_mos": 2 * level, "bak_mos": 3 * level, "p808_mos": 4 * level}

    network = SimpleNamespace(run=run)
    monkeypatch.setitem(sys.modules, "speechmos", SimpleNamespace(dnsmos=network))
    monkeypatch.setitem(sys.modules, "speechmos.dnsmos", network)
    found = naturalness.evaluate([tone(500, 0.2)], RATE)
    overall = found["naturalness.dnsmos.overall"]
    assert overall.value == pytest.approx(0.08 * np.sqrt(0.5 / 0.6), rel=0.03)  # five sixths are tone
    assert overall.count == FEWEST_STRINGS
    assert found["naturalness.dnsmos.p808"].value == pytest.approx(4 * overall.value)
    scales = ("overall", "signal", "background", "p808")
    assert list(found) == [
        f"naturalness.{key}.{scale}" for key in ("dnsmos", "dnsmos_own_rate") for scale in scales
    ]
    assert found["naturalness.dnsmos_own_rate.overall"] == "as above: the clips are at 8,000 Hz"


def test_wide_clips_are_given_whole_and_at_telephone_bandwidth(monkeypatch):
    """The stand-in network answers with the share of the energy above 4 kHz."""

    def run(string, sr):
        energy = np.square(np.abs(np.fft.rfft(string)))
        share = energy[np.fft.rfftfreq(len(string), 1 / sr) > 4100].sum() / energy.sum()
        return dict.fromkeys(naturalness.ANSWERS.values(), share)

    network = SimpleNamespace(run=run)
    monkeypatch.setitem(sys.modules, "speechmos", SimpleNamespace(dnsmos=network))
    monkeypatch.setitem(sys.modules, "speechmos.dnsmos", network)
    wide = tone(500, 0.1, 16_000) + tone(6000, 0.1, 16_000)
    found = naturalness.evaluate([wide], 16_000)
    assert found["naturalness.dnsmos.signal"].value < 0.001
    assert found["naturalness.dnsmos_own_rate.signal"].value == pytest.approx(0.5, abs=0.01)
