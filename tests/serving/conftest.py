"""A tiny voice served within the test's own process."""

from __future__ import annotations

import pytest
from starlette.testclient import TestClient

import tiny_voice
from voxlet.serving.app import create_app
from voxlet.speak.voice import load_voice

HERE = "http://127.0.0.1"


@pytest.fixture(scope="session")
def voice(tmp_path_factory):
    path = tmp_path_factory.mktemp("served") / "tiny.voice"
    path.write_bytes(tiny_voice.voice_bytes())
    return load_voice(path, threads=1)


@pytest.fixture(scope="session")
def page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    (folder / "index.html").write_text("<!doctype html><title>a page</title>")
    return folder


@pytest.fixture(scope="session")
def client(voice, page):
    app = create_app([voice], threads=2, page=page)
    with TestClient(app, base_url=HERE, raise_server_exceptions=False) as found:
        yield found
