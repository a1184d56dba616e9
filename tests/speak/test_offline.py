"""Speaking sends nothing and leaves nothing at home: no usage reports, no caches of dependencies."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import in_namespace
import tiny_voice

ROOT = Path(__file__).parents[2]
HELD_OPEN = (
    "import sys, time, voxlet; v = voxlet.load_voice(sys.argv[1]); v.say('4'); time.sleep(15); v.say('2')"
)
# What ONNX Runtime does by itself: where this leaves no file and sends nothing, the tests below show nothing.
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


@pytest.fixture
def home(tmp_path) -> Path:
    folder = tmp_path / "home"
    folder.mkdir()
    return folder


def environment(home: Path) -> dict[str, str]:
    """This one's, with an empty home and without a wish not to be reported on."""
    ours = {"HOME": str(home), "VOXLET_CACHE": str(home.parent / "cache")}
    left_out = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "ORT_DISABLE_TELEMETRY")
    return {key: value for key, value in os.environ.items() if key not in left_out} | ours


def files(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if path.is_file())


def run(home: Path, *arguments: object) -> None:
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(
        command, env=environment(home), cwd=home.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def in_its_own_network(home: Path, *arguments: object) -> list[str]:
    """Where a Python program tried to send something."""
    for program in ("unshare", "ip"):
        if shutil.which(program) is None:
            pytest.skip(f"needs the program {program}")
    unshare = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this system gives no network namespaces")
    command = [*unshare, sys.executable, in_namespace.__file__, sys.executable, *map(str, arguments)]
    done = subprocess.run(
        command, env=environment(home), cwd=home.parent, capture_output=True, text=True, check=True
    )
    answer = json.loads(done.stdout)
    assert answer["status"] == 0, answer["stderr"]
    sent: list[str] = answer["sent"]
    return sent


def test_saying_something_leaves_nothing_at_home(home, voice):
    run(home, "-m", "voxlet", "say", "4091", "--voice", voice, "-o", "a.wav")
    assert (home.parent / "a.wav").exists()
    assert files(home) == []


def test_only_one_place_imports_onnxruntime():
    sources = [
        file for folder in ("src", "tests", "benchmarks", "tools") for file in (ROOT / folder).rglob("*.py")
    ]
    assert sources
    for path in sources:
        assert ("onnxruntime" in imported(path)) == (path.name == "runtime.py"), path


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
    assert in_its_own_network(home, "-c", PLAIN, voice, 15)
    assert files(home)
