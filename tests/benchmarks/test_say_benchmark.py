"""The benchmark of `voxlet say` at its smallest size: it measures what it claims to."""

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
    # Which is longer depends on what else the machine does: each is a measurement of a process of its own.
    assert all(figures[name] > 0 for name in ("load_s", "process_s", "first_word_s", "clips_per_s"))
    assert 20 < figures["process_peak_mb"] < 200
