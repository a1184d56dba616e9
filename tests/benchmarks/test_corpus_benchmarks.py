"""The benchmarks of corpora and the pitch tracker at their smallest size."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # they take seconds

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(name: str, *arguments: object) -> list[str]:
    """Return the lines that a benchmark prints."""
    command = [sys.executable, BENCHMARKS / name, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_opening_and_preparing_a_tiny_corpus(names_corpus):
    _, study, voice = (line.replace(" x ", " ").split() for line in run("corpus.py", names_corpus))
    assert study[:4] == ["tiny", "study", "90", "17,640"]
    assert voice[:2] == ["tiny", "voice"]
    for row in (study, voice):
        first, again, build, load = map(float, row[4:8])
        assert again < first
        assert load < build
        assert 20 < float(row[-1]) < 1000  # MB


@pytest.mark.slow  # librosa compiles pyin
def test_the_pitch_tracker_beside_librosas(names_corpus, tmp_path):
    run("pitch.py", "--clips", 2, "--corpus", names_corpus, "--json", tmp_path / "figures.json")
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert list(figures) == ["ours", "pyin 512", "pyin 1024"]
    assert figures["ours"]["ms a clip"] < figures["pyin 512"]["ms a clip"]
    assert figures["ours"]["cents at 30 dB"] < 5


def test_memory_over_a_corpus(tmp_path, voxlet_data):
    head, *steps = run("large_corpus.py", "--clips", 60, "--steps", 2, "--held", 0, "--out", tmp_path)
    assert head.startswith("60 clips, rows of ")
    peaks = [int(line.split("peak ")[1].split()[0].replace(",", "")) for line in steps]
    assert len(peaks) == 4
    assert peaks == sorted(peaks)
    assert 50 < peaks[0] < peaks[-1] < 5000
    assert not list(tmp_path.iterdir())
