"""The page: all of it in one file, within bounds, and nothing in it is taken for markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from some_clips import LABELS, some_clips
from voxlet.exploring.explorer import MOST_BYTES, Map, explorer, write_explorer
from voxlet.exploring.projection import project


def a_map(count: int = 45) -> Map:
    clips = some_clips(count, generated=5)
    density = np.zeros((4, 4), np.uint8)
    density[1, 1] = 255
    table = tuple((name, "one", "ann") for name in clips.sources)
    return Map(clips, project(clips.latents), density, ((3, "sounds like 'two'"),), table)


def data_of(page: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return dict(json.loads(found[1]))


@pytest.fixture(scope="module")
def page() -> str:
    return explorer([a_map(), replace(a_map(30), clips=replace(a_map(30).clips, name="other"))])


def test_the_page_holds_everything_and_asks_for_nothing(tmp_path: Path) -> None:
    size = write_explorer(tmp_path / "index.html", [a_map(20)])
    page = (tmp_path / "index.html").read_text()
    assert size == len(page.encode()) < MOST_BYTES
    assert not re.search(r"(?:https?:)?//\w+\.\w+|<link|<img|\bimport\b\s*[({'\"]|fetch\(|src=", page)
    assert "default-src 'none'" in page
    assert not re.search(r"\{\{\w+\}\}", page)


def test_names_are_data_and_no_markup(page: str) -> None:
    assert LABELS[2] == "</script>"
    assert page.count("</script>") == 2  # of the page's own two elements
    assert data_of(page)["models"][0]["labels"] == list(LABELS)


def test_what_stands_on_the_page_is_what_was_given(page: str) -> None:
    model = data_of(page)["models"][0]
    assert len(model["x"]) == len(model["places"]) == 45
    assert min(*model["x"], *model["y"]) >= 0
    assert max(*model["x"], *model["y"]) <= 1
    assert model["credit"] == "nobody's recordings"
    assert model["kind"][-6:] == [0] + [1] * 5
    assert model["pitch"] == [None] * 45
    assert model["doubtful"] == [{"i": 3, "reason": "sounds like 'two'"}]
    assert len(model["density"]) == 16


def test_two_models_share_a_page(page: str) -> None:
    data = data_of(page)
    assert [model["name"] for model in data["models"]] == ["made up", "other"]
    assert len(data["table"]) == 45
