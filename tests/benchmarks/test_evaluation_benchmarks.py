"""The benchmarks of classifiers, phase and voices at their smallest size."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stand_ins import StandInClassifier, stand_in_classifiers, tones
from voxlet.evaluation.evaluate import evaluate
from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.reference import Reference

pytestmark = pytest.mark.slow  # they take seconds


def benchmark(name: str):
    path = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
    description = importlib.util.spec_from_file_location(f"benchmark_{name}", path)
    module = importlib.util.module_from_spec(description)
    sys.modules[description.name] = module  # dataclasses look up their module
    description.loader.exec_module(module)
    return module


@pytest.fixture
def reference():
    return Reference("tones", "stratified", tones(40, seed=1), tones(12, seed=2))


def test_the_benchmark_of_the_classifiers_names_weak_labels(reference, capsys):
    classifiers = benchmark("classifiers")
    clips, report = reference.train, classifiers.Report()
    said = clips.labels.copy()
    weak = np.flatnonzero(said == 0)[:5]
    said[weak] = 1
    report.add("a classifier", clips, said)
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("a classifier")
    assert f"{100 * (1 - 5 / len(said)):.1f} % [" in first
    assert second.strip().startswith(f"labels below 95 %: {clips.label_names[0]} ")
    assert report.figures["a classifier"]["accuracy"]["count"] == len(said)


def test_the_benchmark_of_phase(reference):
    phase = benchmark("griffin_lim")
    kinds, settings = ["in_corpus", "cross_corpus"], ((0, 0.0), (2, 0.99))
    head, *lines = phase.measure(reference.test, stand_in_classifiers(), kinds, settings)
    assert "in-corpus classifier" in head
    names = ["as recorded", "own phase", "random phase", "2 steps, momentum 0.99"]
    assert [line[:26].strip() for line in lines] == names
    recorded, own, random, found = lines
    assert "100.0 %" in recorded
    near, far, nearer = (float(line[26:38]) for line in (own, random, found))
    assert near < nearer < far


def test_the_benchmark_of_voices(reference):
    voice = benchmark("voice")
    classifiers = stand_in_classifiers(off_the_shelf=StandInClassifier())
    only = ["recognition", "speaker"]
    card = evaluate(tones(20, seed=3), reference, classifiers, only=only, progress=False)
    rows = {row.name: row for row in voice.targets(card)}
    assert rows["accuracy, in-corpus classifier"].reached == "yes"
    assert rows["accuracy, cross-corpus classifier"].reached == "-"
    assert rows["speaker accuracy"].reached == "yes"
    wrong = replace(tones(20, seed=3), labels=np.arange(20) // 10 % 2)
    worse = {row.name: row for row in voice.targets(evaluate(wrong, reference, classifiers, only=only))}
    assert worse["accuracy, in-corpus classifier"].reached == "NO"


def test_the_benchmark_of_voices_prints_scores_and_targets(reference, monkeypatch, capsys):
    voice = benchmark("voice")
    card = evaluate(tones(20, seed=3), reference, stand_in_classifiers(), only=["speaker"], progress=False)
    monkeypatch.setattr(voice, "score", lambda request, outputs: card)
    monkeypatch.setattr(sys, "argv", ["voice.py", "digits"])
    voice.main()
    shown = capsys.readouterr().out
    assert shown.startswith("\n".join(card.lines()))
    assert "speaker accuracy" in shown.splitlines()[-1]


def test_the_benchmark_of_attributes():
    attributes = benchmark("attributes")
    rng = np.random.default_rng(0)
    word = [0.1 * np.sin(0.9 * np.arange(4000)) * np.hanning(4000) + 1e-4 * rng.standard_normal(4000)]
    lines = list(attributes.report([np.pad(sound, 3000).astype(np.float32) for sound in word], 16000))
    assert len(lines) == 1 + 5 + len(list(attributes.cases()))
    found = {line[:24].strip(): line[39:].split() for line in lines if "noise_db" in line}
    loud, faint = (float(found[f"noise of {level} dB"][2]) for level in (-10, -40))
    assert loud > faint + 15


@pytest.mark.slow
def test_the_benchmark_of_utility_can_be_continued(tmp_path, monkeypatch):
    utility = benchmark("utility")
    order = list(utility.jobs("digits", list(utility.WAYS), 2))
    points = len(utility.POINTS["digits"])
    assert len(order) == 2 * (2 * points + 1)  # generated clips alone do not depend on the takes
    assert [draw for draw, _, _ in order] == sorted(draw for draw, _, _ in order)
    rows = [
        utility.Row("digits", way, point.people, point.takes, draw, 5, Interval(0.5, 0.4, 0.6, 10), 12.5)
        for draw, point, way in order[:4]
    ]
    utility.write(rows[::-1], tmp_path / "rows.json")
    assert sorted(utility.read(tmp_path / "rows.json"), key=lambda row: row.key) == sorted(
        rows, key=lambda row: row.key
    )
    monkeypatch.setitem(utility.POINTS, "digits", (utility.Point(2, 2, 12),))
    clips = tones(16, seed=1)
    given = utility.Examples(np.zeros((16, 40, 100), np.float32), clips.labels)
    task = utility.Task(clips, given, given, given.log_mels, lambda draw: given)
    found = list(utility.measure("digits", task, 1, []))
    assert [(row.way, row.people, row.takes) for row in found] == [
        ("takes", 2, 2),
        ("both", 2, 2),
        ("generated", 0, 0),
    ]
    assert list(utility.measure("digits", task, 1, found)) == []
    assert {line[1] for line in utility.table(found)} == set(utility.WAYS.values())
    utility.figure(found, tmp_path / "curves.png")
    assert (tmp_path / "curves.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("parts", "alone"),
    [
        ([0.4], True),
        ([0.3, -0.10, 0.1], True),  # the closure of a t
        ([0.3, -0.30, 0.3], False),  # another word after it
        ([1.2], False),  # a long one
    ],
)
def test_nothing_but_the_word(parts, alone):
    one_word = benchmark("one_word")
    pieces = [
        0.1 * np.sin(2 * np.pi * 200 * np.arange(round(abs(seconds) * 8000)) / 8000) * (seconds > 0)
        for seconds in (-0.2, *parts, -0.2)
    ]
    noise = 1e-4 * np.random.default_rng(0).standard_normal(sum(map(len, pieces)))
    assert one_word.nothing_else((np.concatenate(pieces) + noise).astype(np.float32), 8000, 0.5) == alone


def test_what_a_process_takes_is_its_own():
    one_word = benchmark("one_word")
    held = np.ones(60_000_000)  # this process is larger than the one that it starts
    cost = one_word.process_cost([sys.executable, "-S", "-c", "x = bytearray(40_000_000)"])
    assert 40 < cost["process_peak_mb"] < 150 < held.nbytes / 1e6
    assert 0 < cost["process_cpu_s"] < cost["process_s"] + 1
    with pytest.raises(RuntimeError, match="failed"):
        one_word.process_cost([sys.executable, "-S", "-c", "raise SystemExit(3)"])


def test_a_system_by_the_ruler_of_the_scorecard(reference, monkeypatch):
    one_word = benchmark("one_word")
    scores = {scale: Interval(2.5, 2.4, 2.6, 12) for scale in ("overall", "signal", "p808")}
    monkeypatch.setattr(one_word, "dnsmos", lambda sounds, rate: scores)
    usual = one_word.usual_lengths(reference.train, seed=0)
    assert usual == pytest.approx([0.25, 0.25], abs=0.06)
    found = one_word.judge(
        "tones",
        "Tones",
        reference.test,
        classifiers=stand_in_classifiers(),
        usual=usual,
        cost={"load_s": 1.0},
    )
    assert found.recognised["in_corpus"].value == 1.0
    assert found.recognised["cross_corpus"] == "none here"
    assert found.alone.value == 1.0
    assert "Tones: in_corpus 100.0 %; alone 100.0 %; DNSMOS 2.50 / 2.50 / 2.50" in one_word.text(found)


def test_what_debian_lacks_is_left_out(tmp_path, monkeypatch):
    one_word = benchmark("one_word")
    monkeypatch.setenv("PATH", str(tmp_path))
    espeak = next(system for system in one_word.SYSTEMS if system.key == "espeak")
    assert one_word.environment(espeak, tmp_path) is None
    (tmp_path / "espeak-ng").write_text("#!/bin/sh\n")
    (tmp_path / "espeak-ng").chmod(0o755)
    assert one_word.environment(espeak, tmp_path) == tmp_path
    assert one_word.command(espeak, tmp_path, "six", tmp_path / "six.wav")[:3] == ["espeak-ng", "-v", "en-us"]


def test_what_is_no_word_of_a_spotter(monkeypatch):
    spotter = benchmark("spotter")
    clips = replace(tones(60, seed=1), label_names=("one", "nine"))  # in turn: thirty others
    found = spotter.classed(clips)
    assert np.bincount(found.labels)[[0, spotter.OTHER, spotter.MADE]].tolist() == [30, 30, 90]
    assert len(found.log_mels) == len(found.labels)
    assert not np.array_equal(found.log_mels[60], found.log_mels[90])
    for count in (1, 4000):
        noise = spotter.hiss(count, np.random.default_rng(3))
        assert np.abs(noise).max() == pytest.approx(0.3)
    halves = spotter.cut(clips.sounds[0], clips.rate)
    assert abs(len(halves[0]) - len(halves[1])) <= 1

    # A spotter whose score is the clip's level, and whose answer is the second word.
    def sure(network, log_mels):
        rows = np.zeros((len(log_mels), 11))
        rows[:, 1] = log_mels[:, 0, 0]
        return rows

    monkeypatch.setattr(spotter, "probabilities", sure)

    def set_of(words, none):
        levels = np.array([*words, *none])[:, None, None]
        return spotter.Examples(levels, np.array([1] * len(words) + [spotter.OTHER] * len(none)))

    least = spotter.threshold(None, set_of([0.9], np.linspace(0, 0.5, 101)))
    assert least == pytest.approx(0.495)
    test = spotter.Test(
        set_of([0.9, 0.6, 0.2, 0.1], [0.1, 0.7]), np.array([0.3, 0.5, 0.4, 0.1])[:, None, None]
    )
    worth = spotter.worth(None, least, test)
    assert {name: one.value for name, one in worth.items()} == {
        "accuracy": 1.0,
        "found": 0.5,
        "digits": 0.5,
        "foreign": 0.25,
    }
