"""The benchmark of speaking at its smallest size: it measures what it says it does."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import tiny_voice

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "say.py"


def test_it_measures_a_tiny_voice(tmp_path):
    (tmp_path / "tiny.voice").write_bytes(tiny_voice.voice_bytes())
    command = [sys.executable, BENCHMARK, "tiny.voice", "--runs", "1", "--json", "figures.json"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(figures)
    assert 0 < figures["load_s"] < figures["process_s"]
    assert 0 < figures["first_word_s"] < figures["process_s"]
    assert 20 < figures["process_peak_mb"] < 200
    assert figures["clips_per_s"] > 10
