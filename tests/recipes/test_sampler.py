"""A tiny run trained on tones: it speaks, its pictures exist, and missing files are reported in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from voxlet import audio
from voxlet.cli.main import main
from voxlet.errors import RunError, VoiceError
from voxlet.recipes.clip.label_posterior import fit_posterior
from voxlet.recipes.clip.sampler import FILE, finish
from voxlet.recipes.opened import load

pytestmark = pytest.mark.slow


def pitch(clip: np.ndarray, rate: int) -> float:
    spectrum = np.abs(np.fft.rfft(clip, 8 * len(clip)))
    return float(spectrum.argmax() * rate / (8 * len(clip)))


@pytest.mark.parametrize("name", ["plain", "conditional"])
def test_a_run_says_what_it_is_asked_for(runs: Path, name: str) -> None:
    sampler = load(runs / name)
    assert sampler.labels == ("zero", "one")
    assert sampler.name == name
    clips = sampler.sample(["zero", "one"] * 10, seed=3)
    low = [pitch(clip, sampler.rate) for clip in clips[::2]]
    high = [pitch(clip, sampler.rate) for clip in clips[1::2]]
    assert np.median(low) == pytest.approx(300, abs=150)
    assert np.median(high) == pytest.approx(900, abs=200)
    assert all(clip.dtype == np.float32 and np.abs(clip).max() <= 1 for clip in clips)


def test_a_clip_depends_on_seed_and_place_alone(runs: Path) -> None:
    sampler = load(runs / "plain")
    latents = sampler.draw(["one", "zero", "zero"], seed=5)
    torch.testing.assert_close(sampler.draw(["zero"], seed=5, first=2), latents[2:], rtol=0, atol=0)
    assert not torch.equal(latents[1], latents[2])
    first, second = sampler.sample(["one"], seed=5), sampler.sample(["one"], seed=5)
    np.testing.assert_array_equal(first[0], second[0])


def test_the_run_holds_its_test_loss_pictures_and_samples(runs: Path) -> None:
    run = runs / "plain"
    test = json.loads((run / "test.json").read_text())
    assert test["loss"] == pytest.approx(test["reconstruction"] + test["kl"])
    assert len(test["kl_per_unit"]) == 3
    names = {path.name for path in (run / "plots").iterdir()}
    assert names == {"loss.png", "kl.png", "latents.png", "spectrograms.png"}
    assert {path.stem for path in (run / "samples").iterdir()} == {"zero", "one"}


def test_generate_writes_wavs_with_their_seed(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "clips"
    asked = ["generate", str(runs / "plain"), "10 01", "-n", "3", "--seed", "7", "--out", str(out)]
    assert main(asked) == 0
    assert capsys.readouterr().out.splitlines()[-1] == str(out)
    paths = sorted(out.iterdir())
    assert [path.name for path in paths] == [f"10-01-seed{seed}.wav" for seed in (7, 8, 9)]
    comment = json.loads(audio.read_metadata(paths[1])["comment"])
    assert (comment["seed"], comment["voice"], comment["text"]) == (8, "plain", "10 01")
    assert comment["synthetic"] is True
    before = paths[0].read_bytes()
    assert main(asked) == 0
    assert paths[0].read_bytes() == before
    # Another text has other files, even if it begins alike or differs only in characters not in file names.
    for text in ("10, 01", "0 " * 20 + "1", "0 " * 20 + "0"):
        assert main(["generate", str(runs / "plain"), text, "--seed", "7", "--out", str(out)]) == 0
    assert len(list(out.iterdir())) == 6
    assert paths[0].read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["RUN", "12x"], "zero"),
        (["RUN", ""], "text"),
        (["RUN", "0", "-n", "0"], "-n"),
        (["RUN", "0", "--speaker", "bob"], "cannot choose"),
        (["nowhere/at-all", "0"], "no run and no voice"),
        (["EMPTY", "0"], "config.json"),
    ],
)
def test_what_cannot_be_generated_is_said_in_a_line(
    runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    (tmp_path / "empty").mkdir()
    places = {"RUN": str(runs / "plain"), "EMPTY": str(tmp_path / "empty")}
    given = [places.get(argument, argument) for argument in arguments]
    assert main(["generate", *given, "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert "\n" not in error
    assert not (tmp_path / "out").exists()


def test_damaged_and_unfinished_runs(runs: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(runs / "plain", run)
    with pytest.raises(VoiceError, match="it says: zero, one"):
        load(run).sample(["two"])
    (run / FILE).write_bytes((run / FILE).read_bytes()[:-100])
    with pytest.raises(RunError, match="damaged"):
        _ = load(run).labels
    (run / FILE).unlink()
    with pytest.raises(RunError, match="is not finished"):
        _ = load(run).labels


def test_the_posterior_finds_two_islands_and_their_weights() -> None:
    generator = np.random.default_rng(0)
    islands = np.concatenate([generator.normal(-3, 0.3, (150, 2)), generator.normal(3, 0.3, (50, 2))])
    one = generator.normal((5, 0), (0.1, 1.0), (100, 2))
    latents = np.concatenate([islands, one])
    posterior = fit_posterior(latents, np.repeat([0, 1], [200, 100]), 4)
    assert sorted(posterior.weights[0][posterior.weights[0] > 0]) == pytest.approx([0.25, 0.75])
    assert (posterior.weights[1] > 0).sum() == 1
    drawn = np.array([posterior.draw(1, generator) for _ in range(2_000)])
    np.testing.assert_allclose(drawn.mean(axis=0), one.mean(axis=0), atol=0.1)
    np.testing.assert_allclose(drawn.std(axis=0), one.std(axis=0), rtol=0.15)
    # Labels without clips are drawn from the prior.
    prior = np.array([posterior.draw(2, generator) for _ in range(2_000)])
    np.testing.assert_allclose(prior.std(axis=0), 1.0, atol=0.1)


def test_finished_clips_have_one_level_quiet_ends_and_no_clipping() -> None:
    rate = 22_050
    tone = (0.5 * np.sin(2 * np.pi * 440 * np.arange(round(0.8 * rate)) / rate)).astype(np.float32)
    silence = np.zeros(5_000, np.float32)
    quiet = np.concatenate([silence, 0.01 * tone, silence])
    spiky = 2e-3 * tone
    spiky[9_000:9_010] = 3.0
    found = finish(quiet, rate)
    spoken = found[round(0.03 * rate) : -round(0.03 * rate)]  # without the margins
    assert np.sqrt(np.mean(spoken**2)) == pytest.approx(0.08, rel=0.02)
    assert len(found) == pytest.approx(len(quiet) - 10_000 + 2 * 0.03 * rate, abs=500)
    assert max(abs(found[0]), abs(found[-1])) < 1e-3
    assert np.abs(finish(spiky, rate)).max() <= 1.0
    assert not finish(np.zeros(1_000, np.float32), rate).any()
