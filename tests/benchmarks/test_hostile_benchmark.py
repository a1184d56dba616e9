"""The benchmark's table of files from unknown sources: a row for each input, with the message it produced."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import tiny_voice

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "hostile.py"


@pytest.mark.slow
def test_each_input_has_its_line(tmp_path: Path) -> None:
    (tmp_path / "good.voice").write_bytes(tiny_voice.voice_bytes())
    (tmp_path / "bad.voice").write_bytes(b"")
    (tmp_path / "nul.csv").write_text("path,label\na\0b.wav,one\n")
    (tmp_path / "damaged-runs").mkdir()
    (tmp_path / "damaged-runs" / "m.jsonl").write_text('{"stage": "a", "step": 1}\n{"st\n')
    command = [sys.executable, BENCHMARK, str(tmp_path), "--markdown", str(tmp_path / "table.md")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = dict(line.strip("| ").split(" | ", 1) for line in done.stdout.splitlines()[2:])
    assert list(rows) == ["`bad.voice`", "`damaged-runs/m.jsonl`", "`good.voice`", "`nul.csv`"]
    seconds, peak, said = rows["`good.voice`"].split(" | ")
    assert 0 < float(seconds) < 20
    assert 20 < float(peak) < 500
    assert said.startswith("speaks: 0.")
    assert "is damaged, or not a voice file" in rows["`bad.voice`"]
    assert "1 of 2 lines are read" in rows["`damaged-runs/m.jsonl`"]
    assert "holds a control character" in rows["`nul.csv`"]
    assert (tmp_path / "table.md").read_text() == done.stdout
