"""The benchmarks of the classifiers, of phase and of voices at their smallest size."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stand_ins import StandInClassifier, stand_in_classifiers, tones
from voxlet.evaluation.classifiers.config import ClassifierConfig
from voxlet.evaluation.evaluate import evaluate
from voxlet.evaluation.reference import Reference


def benchmark(name: str):
    path = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
    description = importlib.util.spec_from_file_location(f"benchmark_{name}", path)
    module = importlib.util.module_from_spec(description)
    sys.modules[description.name] = module  # dataclasses look their module up
    description.loader.exec_module(module)
    return module


@pytest.fixture
def reference():
    return Reference("tones", "stratified", tones(40, seed=1), tones(12, seed=2))


@pytest.mark.slow
def test_the_benchmark_of_the_classifiers(reference):
    classifiers = benchmark("classifiers")
    lines = classifiers.measure(reference, stand_in_classifiers())
    assert [line.split("  ")[0] for line in lines] == [
        "in-corpus classifier",
        "in-corpus classifier, speakers",
        "cross-corpus classifier: none here",
        "off-the-shelf classifier: none here",
    ]
    assert "100.0 % [75.8, 100.0] of 12" in lines[0]
    quick = ClassifierConfig(steps=2, batch=4, width=4, features=4)
    alone = classifiers.unknown_speakers(reference, quick)
    assert [line.split("  ")[0] for line in alone] == [
        "trained without ann, tested on ann",
        "trained without bob, tested on bob",
        "unknown speakers, all together",
    ]
    assert "of 12" in alone[-1]


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
