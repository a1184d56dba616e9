"""Checks that a test meets the remedies that it follows: a mark whose remedy no error had is a mistake."""

from __future__ import annotations

import sys

import pytest

from remedies_in_sources import Remedy, pattern
from voxlet.errors import VoxletError


@pytest.fixture(autouse=True)
def _met(request, monkeypatch):
    """Fails a test unless it provokes, for each remedy that its marks name, an error from the named file."""
    made: list[Remedy] = []
    plain = VoxletError.__init__

    def recording(self, what, *, where=None, remedy=None):
        plain(self, what, where=where, remedy=remedy)
        frame = sys._getframe(1)
        while frame is not None and remedy is not None:
            made.append(Remedy(frame.f_code.co_filename.partition("/voxlet/")[2], remedy))
            frame = frame.f_back

    monkeypatch.setattr(VoxletError, "__init__", recording)
    yield
    for mark in request.node.iter_markers("follows"):
        file, _, text = mark.args[0].partition(": ")
        met = any(one.file == file and pattern(text).fullmatch(one.text) for one in made)
        assert met, f"no error had the remedy {mark.args[0]!r}"
