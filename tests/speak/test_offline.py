"""Speaking sends nothing and leaves nothing at home: no usage reports, no caches of dependencies."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import tiny_voice
from offline import files, in_its_own_network, run

ROOT = Path(__file__).parents[2]
HELD_OPEN = (
    "import sys, time, voxlet; v = voxlet.load_voice(sys.argv[1]); v.say('4'); time.sleep(15); v.say('2')"
)
# What ONNX Runtime does by default: if it leaves no file and sends nothing, the tests below prove nothing.
PLAIN = "import sys, time, onnxruntime as o; o.InferenceSession(sys.argv[1]); time.sleep(float(sys.argv[2]))"
NATURALNESS = (
    "import numpy as np; from voxlet.evaluation.metrics.naturalness import dnsmos;"
    "tone = (0.1 * np.sin(np.arange(4000) / 5)).astype(np.float32); dnsmos([tone], 8000, count=2)"
)


@pytest.fixture(scope="module")
def voice(tmp_path_factory) -> Path:
    file = tmp_path_factory.mktemp("voices") / "tiny.voice"
    file.write_bytes(tiny_voice.voice_bytes())
    return file


def test_saying_something_leaves_nothing_at_home(home, voice):
    run(home, "-m", "voxlet", "say", "4091", "--voice", voice, "-o", "a.wav")
    assert (home.parent / "a.wav").exists()
    assert files(home) == []


def test_only_one_place_imports_onnxruntime():
    sources = [
        file for folder in ("src", "tests", "benchmarks", "tools") for file in (ROOT / folder).rglob("*.py")
    ]
    assert sources
    naming = [path for path in sources if "onnxruntime" in path.read_text()]
    assert {path.name for path in naming if "onnxruntime" in imported(path)} == {"runtime.py"}


def imported(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


@pytest.mark.slow
def test_a_voice_held_open_looks_up_nobody(home, voice):
    assert in_its_own_network(home, "-c", HELD_OPEN, voice) == []
    assert files(home) == []


@pytest.mark.slow
def test_naturalness_looks_up_nobody(home):
    pytest.importorskip("speechmos")
    assert in_its_own_network(home, "-c", NATURALNESS + "; import time; time.sleep(12)") == []
    assert [file for file in files(home) if "onnxruntime" in file.lower()] == []


@pytest.mark.slow
def test_the_runtime_alone_would_report(home, voice):
    # It looks up its host after some ten seconds; on a busy machine later.
    assert any(in_its_own_network(home, "-c", PLAIN, voice, seconds) for seconds in (15, 40))
    assert files(home)
