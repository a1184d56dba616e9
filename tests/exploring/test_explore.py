"""The whole of `voxlet explore`: what it writes of runs and voices, and the page in a browser."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

import voxlet
from browser import chromium, opened, until
from voxlet import audio
from voxlet.cli.main import main
from voxlet.exploring.clips import gather
from voxlet.exploring.directions import find_directions, in_voice_of, properties
from voxlet.exploring.explore import Request, explore
from voxlet.exploring.explorer import Map, explorer
from voxlet.exploring.projection import project
from voxlet.exploring.reconstruct import reconstruct
from voxlet.exploring.walks import render, sequence_walk
from voxlet.recipes.opened import ClipRun, VoiceRun, load

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def explored(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything of a tiny run beside another, by the command."""
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
        *("walks/path.png", "traversals/unit-01.wav", "steering/directions.png", "steering/voices.wav"),
        *("sounds/01-one_bob_3.wav.wav", "sounds/01-one_bob_3.wav.png"),
    }
    assert not [path for path in written if "/." in path or path.startswith(".")]


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
    first, again, other = (
        explorer([Map(clips, project(clips.latents), np.zeros((2, 2), np.uint8))])
        for clips in (gather(load(runs / "plain"), 20, seed=seed, progress=False) for seed in (3, 3, 4))
    )
    assert first == again != other


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
    assert audio.read(tmp_path / "walks" / "george-theo-straight.wav").rate == 8000


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
    directions = find_directions(clips, properties(clips))
    read = {one.name: one for one in directions}
    assert read["speaker theo"].read > 0.6 > 3 * read["speaker theo"].chance
    rows = np.flatnonzero((clips.rows >= 0) & (clips.speaker_names.index("theo") != clips.speakers))[::60]
    moved = in_voice_of(clips, rows, directions, "theo")
    own = clips.latents[clips.speakers == clips.speaker_names.index("theo")]
    nearer = [np.linalg.norm(own - to, axis=1).min() < np.linalg.norm(own - at, axis=1).min()
              for to, at in zip(moved, clips.latents[rows], strict=True)]  # fmt: skip
    assert np.mean(nearer) > 0.8
    said = [clips.label_names[clips.labels[row]] for row in rows]
    assert all(len(clip) > 400 for clip in render(run, moved, said))


def test_the_page_in_a_browser(explored: Path) -> None:
    address = (explored / "index.html").as_uri()
    with chromium() as browser:
        with opened(browser, address) as page:
            until(page, "document.body && document.body.dataset.ready")
            assert page.evaluate("document.querySelectorAll('figure').length") == 2
            page.mouse.click(5, 5)
            until(page, "document.getElementById('hint').hidden")
            for key in ("ArrowRight", "ArrowUp", "Enter", "c"):
                page.keyboard.press(key)
            until(page, "document.body.dataset.latency")  # a sound was begun
            assert page.evaluate("document.getElementById('pins').children.length") == 1
            shown = page.evaluate("document.getElementById('about').textContent")
            until(page, "location.hash.includes('colour=speaker')")
            link = page.evaluate("location.href")
        with opened(browser, link) as page:  # the link restores view and sound
            until(page, "document.body && document.body.dataset.ready")
            assert page.evaluate("document.getElementById('about').textContent") == shown
            assert page.evaluate("document.getElementById('colour').value") == "speaker"
            assert page.evaluate("document.getElementById('pins').children.length") == 1
            page.evaluate("search.value = 'ann'; search.oninput()")
            until(page, "document.querySelector('figcaption').textContent.includes(' of ')")
            found, total = page.evaluate("[models[0].found, models[0].n]")
            assert 0 < found < total
