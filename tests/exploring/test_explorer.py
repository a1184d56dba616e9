"""The explorer page: one bounded file in which no text is taken for markup; and the map as a folder."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from browser import chromium, opened, served
from some_clips import LABELS, some_clips
from voxlet.exploring.explorer import MOST_BYTES, Map, explorer, model_data, sprites_of, write_explorer
from voxlet.exploring.map_folder import Decoding, write_map_folder
from voxlet.exploring.projection import project
from voxlet.serving.static.maps import find_maps


def a_map(count: int = 45) -> Map:
    clips = some_clips(count, generated=5)
    density = np.zeros((4, 4), np.uint8)
    density[1, 1] = 255
    table = tuple((name, "one", "ann") for name in clips.sources)
    return Map(clips, project(clips.latents), density, ((3, "sounds like 'two'"),), table)


def data_of(page: str) -> list[dict]:
    found = re.search(r'<script type="application/json" id="maps">(.*?)</script>', page, re.DOTALL)
    assert found
    return list(json.loads(found[1]))


@pytest.fixture(scope="module")
def page() -> str:
    maps = [a_map(), replace(a_map(30), clips=replace(a_map(30).clips, name="other"))]
    return explorer(maps, sprites_of(maps))


def test_the_page_holds_everything_and_asks_for_nothing(tmp_path: Path) -> None:
    size, _ = write_explorer(tmp_path / "index.html", [a_map(20)])
    page = (tmp_path / "index.html").read_text()
    assert size == len(page.encode()) < MOST_BYTES
    assert not re.search(r"https?:|<link|<img|src=", page)
    assert "default-src 'none'" in page
    assert not re.search(r"\{\{\w+\}\}", page)


def test_names_are_data_and_no_markup(page: str) -> None:
    assert LABELS[2] == "</script>"
    assert page.count("</script>") == 3  # of the page's own elements
    assert data_of(page)[0]["labels"] == list(LABELS)


def test_what_stands_on_the_page_is_what_was_given(page: str) -> None:
    model = data_of(page)[0]
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
    assert [model["name"] for model in data] == ["made up", "other"]
    assert len(data[0]["table"]) == 45


def test_every_module_of_the_page_is_in_it(page: str) -> None:
    found = re.search(r'<script type="importmap">(.*?)</script>', page)
    assert found
    modules = {
        name: base64.b64decode(address.partition(",")[2]).decode()
        for name, address in json.loads(found[1])["imports"].items()
    }
    asked = {
        name
        for text in modules.values()
        for name in re.findall(r"""(?:from|import)\s*['"]([^'"]+)['"]""", text)
    }
    assert asked <= modules.keys()
    assert {"voxlet/explorer.js", "voxlet/map/drawing.js", "voxlet/vendor/preact.js"} <= modules.keys()
    assert "import 'voxlet/explorer.js'" in page


def test_a_place_of_the_map_is_a_latent_again() -> None:
    one = a_map()
    data = model_data(one)
    values = np.frombuffer(base64.b64decode(data["latents"]["values"]), "<i2").reshape(45, -1)
    latents = values * data["latents"]["scale"]
    np.testing.assert_allclose(latents, one.clips.latents, atol=1e-4)
    plane = data["plane"]
    places = (np.array([data["x"], data["y"]]).T * plane["span"]) + plane["low"]
    flat = np.array(plane["centre"]) + places @ np.array(plane["directions"])
    away = latents - flat  # the remainder is orthogonal to the plane
    np.testing.assert_allclose(away @ np.array(plane["directions"]).T, 0, atol=1e-3)


def test_a_map_is_a_folder_that_a_page_takes(tmp_path: Path) -> None:
    one = a_map()
    decoding = Decoding(b"decoder", b"encoder", {"rate": 8000})
    for _ in range(2):  # a second one takes the place of the first
        write_map_folder(tmp_path / "mine", model_data(one), sprites_of([one])[0], decoding)
    (found,) = find_maps([tmp_path])
    assert found.listed.name == "made up"
    assert found.listed.file == "maps/made-up/map.json"
    assert set(found.files) == {path.name for path in (tmp_path / "mine").iterdir()}
    told = json.loads((tmp_path / "mine" / "map.json").read_text())
    assert told["networks"] == {"decoder": "decoder.onnx", "encoder": "encoder.onnx", "rate": 8000}
    assert len(told["places"]) == 45


@pytest.mark.slow
def test_a_doubtful_recording_is_mended_and_the_page_says_so(tmp_path: Path) -> None:
    one = a_map()
    write_explorer(tmp_path / "index.html", [one])
    with (
        chromium() as browser,
        served(tmp_path) as address,
        opened(browser, f"{address}index.html") as page,
    ):
        entry = page.get_by_role("combobox", name=f"label of {one.clips.sources[3]}")
        entry.select_option(LABELS[0])
        page.get_by_text("Labels corrected: 1 · left out: 0 · not saved yet.").wait_for()
        entry.select_option("-")
        page.get_by_text("Labels corrected: 0 · left out: 1 · not saved yet.").wait_for()
        with page.expect_download() as waited:
            page.get_by_role("button", name="Save the corrected table").click()
        page.get_by_text("corrected.csv is saved, with 44 recordings.").wait_for()
        waited.value.save_as(tmp_path / "corrected.csv")
    rows = (tmp_path / "corrected.csv").read_text().splitlines()
    kept = [name for name in one.clips.sources if name != one.clips.sources[3]]
    assert rows == ["path,label,speaker", *(f"{name},one,ann" for name in kept)]
