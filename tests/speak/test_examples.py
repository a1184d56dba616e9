"""The examples in the docstrings of the public functions run."""

from __future__ import annotations

import doctest
import importlib

import pytest

pytestmark = pytest.mark.slow


MODULES = ("voxlet.speak.voice",)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_hold(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    tried = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert tried.attempted > 0
    assert tried.failed == 0
