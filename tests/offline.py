"""Programs run with an empty home or without a network, to see what they write and try to send."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import in_namespace


def environment(home: Path) -> dict[str, str]:
    """This process's environment, with an empty home and without what stops ONNX Runtime's telemetry: the
    request not to send it, and `CI`, the sign of automated tests."""
    ours = {"HOME": str(home), "VOXLET_CACHE": str(home.parent / "cache")}
    left_out = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "ORT_DISABLE_TELEMETRY", "CI")
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
    """The destinations to which a Python program tried to send something."""
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
