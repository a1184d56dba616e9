"""A voice to upload."""

from __future__ import annotations

import pytest

import tiny_voice


@pytest.fixture
def voice(tmp_path):
    path = tmp_path / "mine.voice"
    path.write_bytes(tiny_voice.voice_bytes())
    return path
