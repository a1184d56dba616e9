"""What is said of sound files, followed."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from messages import message
from voxlet import audio
from voxlet.errors import AudioError

follows = pytest.mark.follows
RATE = 8000
TONE = (0.1 * np.sin(np.arange(RATE) / 5)).astype(np.float32)


@follows("decoding/decoders.py: give a WAV, FLAC, OGG or MP3 file")
def test_a_file_of_another_kind(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"no sound at all")
    kinds = message(AudioError, audio.read, path).partition("give a ")[2].removesuffix(" file")
    for kind in kinds.replace(" or ", ", ").split(", "):
        soundfile.write(path, TONE, RATE, format=kind)
        assert audio.read(path).samples.size


@follows("audio.py: cut it into shorter files")
def test_a_file_that_is_too_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "MOST_SAMPLES", RATE - 1)
    audio.write(tmp_path / "a.wav", TONE, RATE)
    message(AudioError, audio.read, tmp_path / "a.wav")
    for name, part in (("b.wav", TONE[: RATE // 2]), ("c.wav", TONE[RATE // 2 :])):
        audio.write(tmp_path / name, part, RATE)
        assert len(audio.read(tmp_path / name).samples) == RATE // 2


@follows("audio.py: write it in several parts")
def test_more_than_a_wav_file_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audio, "WAV_SAMPLES", RATE - 1)
    message(AudioError, audio.write, tmp_path / "a.wav", TONE, RATE)
    assert not (tmp_path / "a.wav").exists()
    for name, part in (("a.wav", TONE[:5000]), ("b.wav", TONE[5000:])):
        audio.write(tmp_path / name, part, RATE)
        assert len(audio.read(tmp_path / name).samples) == len(part)
