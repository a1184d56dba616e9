"""All of `voxlet explore`: what it writes for runs and voices, and the page in a browser."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import Mock

import numpy as np
import pytest
import torch

import tiny_voice
import voxlet
from browser import chromium, opened, served, until
from voxlet import audio
from voxlet.cli.main import main
from voxlet.corpus.corpus import open_corpus
from voxlet.exploring import explore as exploring
from voxlet.exploring.clips import gather
from voxlet.exploring.directions import find_directions, in_voice_of, properties
from voxlet.exploring.explore import Request, corpus_for, explore
from voxlet.exploring.explorer import Map, explorer, sprites_of
from voxlet.exploring.projection import project
from voxlet.exploring.reconstruct import learn_words, reconstruct
from voxlet.exploring.walks import render, sequence_walk
from voxlet.recipes.opened import ClipRun, Voice, VoiceRun, load
from voxlet.serving.static.page import write_page
from voxlet.speak.runtime import import_onnxruntime

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def explored(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run the command on a tiny run beside another one, with everything that it can write."""
    out = tmp_path_factory.mktemp("explored") / "out"
    asked = ["explore", str(runs / "plain"), "--beside", str(runs / "conditional"), "--out", str(out)]
    asked += ["--clips", "50", "--walk", "zero,one", "--walk", "ann,bob", "--path", "-1,0,1,1"]
    assert main([*asked, "--sound", str(next((runs / "tones").glob("one_bob_3.wav")))]) == 0
    return out


def test_all_is_there(explored: Path) -> None:
    written = {path.relative_to(explored).as_posix() for path in explored.rglob("*") if path.is_file()}
    assert written >= {
        *("index.html", "map.png", "doubts.csv", "figures.json", "sheet.png", "sheet.wav", "traversals.png"),
        *(f"walks/{pair}-{way}.wav" for pair in ("zero-one", "ann-bob") for way in ("straight", "spherical")),
        *(
            f"maps/{name}/{file}"
            for name in ("plain", "conditional")
            for file in ("map.json", "decoder.onnx")
        ),
        *("walks/path.png", "traversals/unit-01.wav", "steering/directions.png", "steering/voices.wav"),
        *("sounds/01-one_bob_3.wav.wav", "sounds/01-one_bob_3.wav.png"),
    }
    assert not [path for path in written if "/." in path or path.startswith(".")]


def test_a_walk_to_nowhere_is_refused_before_the_long_work(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def never(*_: object) -> None:
        raise AssertionError("recordings are doubted already")

    monkeypatch.setattr(exploring, "doubts_of", never)
    asked = ["explore", str(runs / "plain"), "--out", str(tmp_path), "--clips", "20"]
    assert main([*asked, "--walk", "zero,one", "--walk", "zero,eleven"]) == 2
    assert "walk: 'eleven' is not a word, speaker or clip of the map; use words: " in capsys.readouterr().err


def test_walks_whose_names_become_one_have_a_file_each(runs: Path, tmp_path: Path) -> None:
    opened = load(runs / "plain")
    pairs = (("zero", "one"), ("Zero", "one"), ("zero", "one"))
    explore(opened, tmp_path, Request(20, walks=pairs), progress=False)
    written = {path.name for path in (tmp_path / "walks").glob("*.wav")}
    assert len(written) == 4  # two walks, two ways


def test_the_table_lists_every_recording(explored: Path, runs: Path) -> None:
    rows = list(csv.DictReader((explored / "doubts.csv").open()))
    assert {Path(row["path"]) for row in rows} == {path.resolve() for path in (runs / "tones").glob("*.wav")}
    assert all(float(row["loss"]) > 0 for row in rows)
    assert max(float(row["doubt"]) for row in rows) < 0.5  # two tones are easily told


def test_the_figures_say_what_was_made(explored: Path) -> None:
    found = json.loads((explored / "figures.json").read_text())
    assert found["page_bytes"] == (explored / "index.html").stat().st_size
    assert {unit["unit"] for unit in found["units"]} == {1, 2, 3}
    assert found["clips"] == 51
    assert found["sounds"][0]["label"] == "one"
    assert found["sounds"][0]["difference_db"] > 0


def test_the_same_seed_gives_the_same_page(runs: Path) -> None:
    def page(seed: int) -> str:
        clips = gather(load(runs / "plain"), 20, seed=seed, progress=False)
        maps = [Map(clips, project(clips.latents), np.zeros((2, 2), np.uint8))]
        return explorer(maps, sprites_of(maps))

    assert page(3) == page(3) != page(4)


def test_a_run_without_its_recordings_has_a_map_of_what_it_generates(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = load(runs / "plain")
    assert isinstance(run, ClipRun)
    monkeypatch.setitem(run.run.record["corpus"], "source", str(tmp_path / "gone"))
    found = explore(run, tmp_path / "out", Request(count=20), progress=False)
    assert found.doubts is None
    assert found.maps[0].clips.generated.all()
    assert not (tmp_path / "out" / "doubts.csv").exists()


def test_a_voice_has_a_map_of_styles(tmp_path: Path, runs: Path) -> None:
    found = explore(
        voxlet.load("digits"), tmp_path, Request(count=40, walks=(("george", "theo"),)), progress=False
    )
    (one,) = found.maps
    assert one.clips.latents.shape == (40, 16)
    assert "FSDD" in one.clips.credit
    assert not one.is_of_words
    assert audio.read(tmp_path / "walks" / "george-theo-straight.wav").rate == 16000


def test_a_voice_hears_the_word_in_a_file(tmp_path: Path) -> None:
    """A voice's styles do not depend on the word, so the nearest style would give any word."""
    voice = voxlet.load("digits")
    assert isinstance(voice, Voice)
    clips = gather(voice, 120, progress=False)
    words = learn_words(clips)
    right = []
    for number, word in enumerate(voice.labels):
        path = tmp_path / f"{number}.wav"
        audio.write(path, voice.sample([word], speaker="theo", seed=77 + number)[0], voice.rate)
        right.append(reconstruct(voice, path, clips, words=words).label == word)
    assert sum(right) >= 9
    assert right[-1]
    told = reconstruct(voice, path, clips, label="two")
    assert told.label == "two"
    assert reconstruct(voice, path, clips).label == "nine"


def test_a_voice_run_walks_through_latent_sequences(voice_run: Path, tmp_path: Path) -> None:
    run = load(voice_run)
    assert isinstance(run, VoiceRun)
    lengths = run.prepared.rows.lengths
    walked = sequence_walk(run, 0, 5, ("from", "half", "to"))
    unit = run.wave.samples_per_latent
    assert [len(clip) % unit for clip in walked.clips] == [0, 0, 0]
    ends = run.decode([posterior.mean for posterior in run.encode(np.array([0, 5]))])
    np.testing.assert_allclose(walked.clips[0], ends[0], atol=1e-5)
    np.testing.assert_allclose(walked.clips[2], ends[1], atol=1e-5)
    assert len(walked.clips[0]) >= lengths[0]
    assert not np.allclose(walked.clips[1], ends[0][: len(walked.clips[1])])
    explore(run, tmp_path, Request(count=15, walks=(("zero", "one"),)), progress=False)
    assert (tmp_path / "walks" / "zero-one.wav").stat().st_size > 1000


def test_a_clip_is_near_its_own_reconstruction(runs: Path) -> None:
    run = load(runs / "plain")
    assert isinstance(run, ClipRun)
    clips = gather(run, 40, progress=False)
    row = int(np.flatnonzero(~clips.generated)[5])
    path = run.prepared.clips[clips.rows[row]].path
    found = reconstruct(run, path, clips)
    assert found.label == clips.label_names[clips.labels[row]]
    np.testing.assert_allclose(found.latent, clips.latents[row], atol=0.05)
    assert len(found.made) == len(found.given)


def test_the_shipped_model_opens_without_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VOXLET_DATA", raising=False)
    run = voxlet.load("cnn-light-digits")
    assert isinstance(run, ClipRun)
    assert (run.rate, run.config.model.latent_size, len(run.labels)) == (8000, 16, 10)
    assert sum(path.stat().st_size for path in run.path.rglob("*") if path.is_file()) < 6_000_000
    clips = run.sample(["three", "seven"], seed=1)
    assert [clip.tobytes() for clip in clips] == [
        clip.tobytes() for clip in run.sample(["three", "seven"], seed=1)
    ]
    assert all(800 < len(clip) < 8000 for clip in clips)


def test_real_clips_in_another_voice_keep_their_word(voxlet_data: Path) -> None:
    run = voxlet.load("cnn-light-digits")
    clips = gather(run, 300, progress=False)
    read = {one.name: one for one in find_directions(clips, properties(clips))}
    assert read["speaker theo"].read > 0.6
    assert not read["loudness"].beats_chance  # clips are normalised to one level for the model
    theo = clips.speaker_names.index("theo")
    rows = np.flatnonzero((clips.rows >= 0) & (clips.speakers != theo))[::5]
    moved = in_voice_of(clips, rows, "theo")
    real = np.flatnonzero(clips.rows >= 0)
    nearest = real[[np.linalg.norm(clips.latents[real] - one, axis=1).argmin() for one in moved]]
    assert (
        np.mean(clips.speakers[nearest] == theo) > 0.2
    )  # of four takes of a word; 0.04 by one shift for all
    assert np.mean(clips.labels[nearest] == clips.labels[rows]) > 0.6
    rows, moved = rows[::10], moved[::10]
    said = [clips.label_names[clips.labels[row]] for row in rows]
    assert all(len(clip) > 400 for clip in render(run, moved, said))


def test_networks_say_what_the_model_says(runs: Path) -> None:
    runtime = import_onnxruntime()
    for name in ("plain", "conditional"):
        run = load(runs / name)
        assert isinstance(run, ClipRun)
        networks = run.networks()
        asked = [run.labels[1]]
        latent = run.draw(asked, seed=3)
        wanted = run.decode_spectrograms(latent, asked).numpy()
        label = {"label": np.array([1])} if name == "conditional" else {}
        made = runtime.InferenceSession(networks.decoder).run(None, {"latent": latent.numpy(), **label})[0]
        np.testing.assert_allclose(made, wanted, atol=0.02)
        with torch.inference_mode():
            mean = run.model.encode(torch.from_numpy(wanted), torch.tensor([1])).mean.numpy()
        found = runtime.InferenceSession(networks.encoder).run(None, {"spectrogram": wanted, **label})[0]
        np.testing.assert_allclose(found, mean, atol=0.1)


def test_the_page_in_a_browser(explored: Path) -> None:
    address = (explored / "index.html").as_uri()
    with chromium() as browser:
        with opened(browser, address) as page:
            until(page, "document.querySelectorAll('canvas.map').length === 2")
            page.locator("canvas.map").first.focus()
            for key in ("ArrowRight", "ArrowUp", "Enter", "c"):
                page.keyboard.press(key)
            until(page, "played.length > 1")
            pinned = page.get_by_role("region", name="Pinned").get_by_role("listitem")
            pinned.wait_for()
            shown = pinned.inner_text()
            until(page, "location.hash.includes('colour=speaker') && location.hash.includes('pins=')")
            link = page.url
        with opened(browser, link) as page:  # the link restores the view
            until(page, "document.querySelectorAll('canvas.map').length === 2")
            assert page.get_by_role("region", name="Pinned").get_by_role("listitem").inner_text() == shown
            assert page.get_by_role("combobox", name="Colour by").input_value() == "speaker"
            page.get_by_role("searchbox", name="Find").fill("ann")
            until(page, "/[1-9]\\d* of 51/.test(document.querySelector('figcaption').innerText)")
            page.get_by_role("button", name="Hear the walk").click()
            until(page, "played.length >= 9")  # of clips: nothing decodes in a page that lies on a disk


def test_the_map_of_the_page_decodes_and_places_and_mends(explored: Path, runs: Path, tmp_path: Path) -> None:
    (tmp_path / "tiny.voice").write_bytes(tiny_voice.voice_bytes())
    write_page(tmp_path / "site", [tmp_path / "tiny.voice"], [explored])
    with (
        chromium() as browser,
        served(tmp_path / "site") as address,
        opened(browser, f"{address}#view=map&map=plain", viewport={"width": 1280, "height": 1000}) as page,
    ):
        canvas = page.locator("canvas.map")
        canvas.wait_for()
        page.get_by_text("Every place is decoded here").wait_for()
        page.get_by_role("button", name="Draw a path").click()
        box = canvas.bounding_box()
        assert box
        page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.7 * box["width"], box["y"] + 0.6 * box["height"], steps=5)
        page.mouse.up()
        page.get_by_role("button", name="Download the walk").wait_for()
        assert page.evaluate("played.length") >= 9
        own = next((runs / "tones").glob("one_bob_3.wav"))
        page.locator("input[type=file]").set_input_files(own)
        page.get_by_text(f"{own.name} lies here. It sounds like one.").wait_for()
        page.get_by_role("combobox", name="beside it").select_option("the voice tiny")
        until(page, "document.querySelectorAll('canvas.map').length === 2")
        axe_finds_nothing(page)
        with page.expect_download() as saved:
            page.evaluate(
                "import('./map/state.js').then((m) => { m.mend('one_bob_3.wav', 'zero'); m.saveTable(); })"
            )
        table = saved.value.path().read_text()
    (runs / "tones" / "corrected.csv").write_text(table)
    try:
        mended = open_corpus(runs / "tones" / "corrected.csv")
    finally:
        (runs / "tones" / "corrected.csv").unlink()
    assert {clip.path.name: clip.label for clip in mended.clips}["one_bob_3.wav"] == "zero"
    assert len(mended.clips) == len(list((runs / "tones").glob("*.wav")))


def axe_finds_nothing(page: Page) -> None:
    """At three widths, light and dark."""
    from axe_playwright_python.sync_playwright import Axe

    for width in (360, 768, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            found = Axe().run(page)
            assert found.violations_count == 0, (width, scheme, found.generate_report())


def test_a_corpus_is_that_of_the_voice_where_a_run_stands_beside_it() -> None:
    run, voice = Mock(spec=ClipRun), Mock(spec=Voice)
    assert corpus_for(voice, None, "fsdd") == corpus_for(voice, run, "fsdd") == "fsdd"
    assert corpus_for(run, voice, "fsdd") is None
    assert corpus_for(run, None, "fsdd") == corpus_for(run, run, "fsdd") == "fsdd"  # and refused there
