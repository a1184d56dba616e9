"""`voxlet doctor`: ten lines, on any machine and in any installation."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from voxlet import machine
from voxlet.cli import doctor
from voxlet.cli.main import COMMANDS, main

REQUIRED = [
    "numpy>=1",
    'onnxruntime<1.24; sys_platform == "darwin" and platform_machine == "x86_64"',
    'onnxruntime>=1.19; sys_platform != "darwin"',
    'nobody-has-this>=2; extra == "train"',
    "pytest[x]; extra == 'train'",
    'voxlet[train]; extra == "study"',
]


@pytest.fixture
def bare(monkeypatch) -> None:
    """Simulate an installation that lacks a package of one extra."""
    monkeypatch.setattr(importlib.metadata, "requires", lambda name: REQUIRED)


def test_packages_are_sorted_by_extra(bare):
    found = machine.packages()
    assert set(found) == {"", "train", "study"}
    assert set(found[""].here) == {"numpy", "onnxruntime"}
    assert found["train"].here == {"pytest": pytest.__version__}
    assert found["train"].missing == ("nobody-has-this",)


def test_what_is_missing_is_said_with_its_commands_and_its_remedy(bare, capsys):
    assert main(["doctor"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 10
    (line,) = [line for line in lines if line.startswith("missing ")]
    assert line.split(maxsplit=1)[1] == (
        "train: nobody-has-this (for corpus, split, adapt, train, generate, export, explore): "
        "pip install -c constraints.txt '.[train]' in the folder of voxlet's sources"
    )
    assert f"extras    study: pytest {pytest.__version__}" in lines


def test_every_command_stands_with_what_it_needs():
    named = {word for text in doctor.NEEDED_BY.values() for word in text.replace(",", "").split()}
    assert {name.split()[0] for name in COMMANDS} <= named


def test_the_answer_as_json(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("VOXLET_VOICES", str(tmp_path))
    assert main(["doctor", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["variables"]["VOXLET_VOICES"] == str(tmp_path)
    assert found["processor"]["usable"] >= 1
    assert found["disk"]["cache"]["free"] > 0


def test_where_voxlet_was_not_installed(monkeypatch, capsys):
    def lost(name):
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(importlib.metadata, "requires", lost)
    assert main(["doctor"]) == 0
    assert "unknown: voxlet was not installed by pip" in capsys.readouterr().out


def test_a_system_that_tells_little(monkeypatch, capsys):
    def closed(*arguments, **options):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", closed)
    monkeypatch.setattr(os, "sysconf", closed)
    monkeypatch.setattr(machine.shutil, "disk_usage", closed)
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "memory    unknown" in out
    assert "cache unknown free" in out


def test_sound_devices_and_servers(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("PULSE_SERVER", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    (tmp_path / "pipewire-0").touch()
    assert machine.sound_device()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / "none"))
    monkeypatch.setenv("PULSE_SERVER", "tcp:there")
    assert machine.sound_device()


def test_nothing_heavy_is_imported():
    code = (
        "import sys; from voxlet.cli.main import main; main(['doctor']); main(['cache']); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.splitlines()[-1].split())
    assert not loaded & {"numpy", "torch", "onnxruntime", "soundfile", "matplotlib", "filelock"}
