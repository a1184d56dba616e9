"""The examples in docstrings run and give the results shown."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src"
MODULES = sorted(
    ".".join(path.relative_to(SOURCE).with_suffix("").parts)
    for path in (SOURCE / "voxlet").rglob("*.py")
    if "\n    >>> " in path.read_text()
)


def test_user_functions_have_examples() -> None:
    assert {"voxlet.audio.writing", "voxlet.corpus.corpus", "voxlet.corpus.prepare"} <= set(MODULES)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # an example may write files
    result = doctest.testmod(importlib.import_module(name))
    assert result.attempted > 0
    assert result.failed == 0
