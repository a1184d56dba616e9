"""The notebook from recordings to a voice to a map, run from beginning to end at the smallest budget."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest

from voxlet.recipes.train import export

pytestmark = pytest.mark.slow

NOTEBOOK = Path(__file__).parents[2] / "docs" / "notebook.ipynb"


def cells() -> list[str]:
    told = json.loads(NOTEBOOK.read_text())
    assert all(cell.get("outputs", []) == [] for cell in told["cells"])
    return ["".join(cell["source"]) for cell in told["cells"] if cell["cell_type"] == "code"]


def test_it_runs_and_shows_itself(voice_run: Path, tmp_path: Path) -> None:
    settings, *steps = cells()
    names: dict[str, object] = {}
    exec(settings, names)
    base = export(voice_run, tmp_path / "tiny.safetensors")
    smallest = {
        "RECORDINGS": voice_run.parent / "clips",
        "OUT": tmp_path / "out",
        "BUDGET": {"steps": [2, 3, 2]},
        "BASE": base,
        "CLIPS": 12,
    }
    assert smallest.keys() <= names.keys()
    names |= smallest
    shown = []
    for step in steps:
        tree = ast.parse(step)
        last = tree.body.pop()
        assert isinstance(last, ast.Expr)
        exec(compile(tree, "notebook", "exec"), names)
        value = eval(compile(ast.Expression(last.value), "notebook", "eval"), names)
        shown.append(value._repr_html_() if hasattr(value, "_repr_html_") else repr(value))
    corpus, said, page, walked = shown
    assert "takes of zero, one by ann, bob" in corpus
    assert "<audio" in said
    assert 'srcdoc="&lt;!doctype html&gt;' in page
    assert "<audio" in walked
    assert "<img" in walked
