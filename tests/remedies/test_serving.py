"""Following the remedies in messages about serving voices."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import uvicorn

import tiny_voice
from messages import message
from voxlet.cli.main import main
from voxlet.errors import ConfigError, VoiceError
from voxlet.serving.app import create_app
from voxlet.serving.server import bind
from voxlet.serving.voices import parse_speaker
from voxlet.speak.voice import load_voice

follows = pytest.mark.follows


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a voice file; the server binds its address and ends."""
    monkeypatch.delenv("VOXLET_KEY", raising=False)
    monkeypatch.setattr(uvicorn.Server, "run", lambda *_, sockets: [one.close() for one in sockets])
    path = tmp_path / "mine.voice"
    path.write_bytes(tiny_voice.voice_bytes())
    return path


def serve(file: Path, *arguments: str) -> int:
    return main(["serve", str(file), *arguments])


@follows("cli/sharing/serve.py: give 1 or more")
def test_threads(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert serve(file, "--threads", "0") == 2
    assert "give 1 or more" in capsys.readouterr().err
    assert serve(file, "--threads", "1", "--port", "0") == 0


@follows("serving/server.py: put a key of your own into the variable VOXLET_KEY")
@follows("serving/guard.py: give 8 or more ASCII characters without spaces")
def test_a_key(file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    everywhere = ("--host", "0.0.0.0", "--port", "0")
    assert serve(file, *everywhere) == 2
    assert "VOXLET_KEY" in capsys.readouterr().err
    monkeypatch.setenv("VOXLET_KEY", "short")
    assert serve(file, *everywhere) == 2
    assert "8 or more" in capsys.readouterr().err
    monkeypatch.setenv("VOXLET_KEY", "as-long-as-8")
    assert serve(file, *everywhere) == 0


@follows("serving/server.py: choose another port (--port; 0 picks a free one)")
def test_a_port(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with bind("127.0.0.1", 0) as taken:
        assert serve(file, "--port", str(taken.getsockname()[1])) == 2
        assert "0 picks a free one" in capsys.readouterr().err
        assert serve(file, "--port", "0") == 0


@follows("serving/voices.py: name a voice file")
def test_a_voice(file: Path) -> None:
    message(ConfigError, create_app, [])
    assert create_app([load_voice(file)]).title == "voxlet"


@follows("serving/voices.py: rename one of the files, or serve one of them")
def test_two_of_a_name(file: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Path(shutil.copy(file, tmp_path / "other"))
    message(ConfigError, create_app, [load_voice(file), load_voice(other)])
    assert create_app([load_voice(file)]).title == "voxlet"
    renamed = other.rename(other.with_name("another.voice"))
    assert create_app([load_voice(file), load_voice(renamed)]).title == "voxlet"


@follows("serving/voices.py: load it again")
def test_a_voice_that_was_replaced(file: Path) -> None:
    loaded = load_voice(file)
    file.write_bytes(tiny_voice.voice_bytes(tiny_voice.info(("yes", "no"))))
    assert "has been replaced since it was loaded" in message(VoiceError, create_app, [loaded])
    assert create_app([load_voice(file)]).title == "voxlet"


@follows("serving/voices.py: such as style:0.3,-1.2")
def test_a_style() -> None:
    message(VoiceError, parse_speaker, "style:x")
    assert parse_speaker("style:0.3,-1.2").style.tolist() == pytest.approx([0.3, -1.2])
