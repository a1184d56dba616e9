"""A voice's clips are the same to the bit, whether held in memory or computed on demand."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from tiny_training import TINY_VOICE
from voxlet import audio
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.dataset import Dataset, make_dataset
from voxlet.models.voice.wave_vae import WaveVAE
from voxlet.recipes.opened import VoiceRun, load_run
from voxlet.recipes.train import train
from voxlet.recipes.voice.clips import waveforms
from voxlet.recipes.voice.clips.data import VoiceData, voice_data
from voxlet.recipes.voice.clips.views import HeldViews, Views, views_of
from voxlet.recipes.voice.clips.waveforms import AtSpeeds, Held, Stored
from voxlet.recipes.voice.distillation_task import DistillationTask
from voxlet.recipes.voice.prior_task import PriorTask
from voxlet.recipes.voice.wave_task import WaveTask
from voxlet.training.stages import Task

SPEEDS = (0.8, 0.94, 1.25)
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make clips of 0.15 to 0.6 s: a tone each, in noise."""
    folder, rng = tmp_path_factory.mktemp("waveforms"), np.random.default_rng(0)
    for number in range(20):
        time = np.arange(int(8000 * rng.uniform(0.15, 0.6))) / 8000
        tone = np.sin(2 * np.pi * rng.uniform(150, 900) * time) + 0.1 * rng.standard_normal(len(time))
        name = f"{('zero', 'one')[number % 2]}_{('ann', 'bob')[number // 2 % 2]}_{number}.wav"
        audio.write(folder / name, (0.3 * tone).astype(np.float32), 8000)
    return folder


@pytest.fixture
def dataset(corpus: Path) -> Dataset:
    return make_dataset(open_corpus(corpus), TINY_VOICE.preparation, split="all", progress=False)


@pytest.fixture
def held(dataset: Dataset) -> VoiceData:
    return voice_data(dataset, CPU)


@pytest.fixture
def made(dataset: Dataset, monkeypatch: pytest.MonkeyPatch, held: VoiceData) -> VoiceData:
    assert isinstance(held.audio, Held)  # computed before the bound is changed
    monkeypatch.setattr(waveforms, "HELD_BYTES", 0)
    return voice_data(dataset, CPU)


def test_clips_on_disk_are_those_in_memory(held: VoiceData, made: VoiceData) -> None:
    assert isinstance(made.audio, Stored)
    assert made.audio.shape == held.audio.shape
    every = torch.arange(len(held.lengths))
    assert torch.equal(made.audio.read(every), held.audio.read(every))
    some = torch.tensor([[3, 0], [0, 5]])
    assert torch.equal(made.audio.read(some, 700), held.audio.read(some, 700))
    assert made.audio.read(some, 700).shape == (2, 2, 700)


def test_so_they_are_at_other_speeds_and_in_longer_rows(held: VoiceData, made: VoiceData) -> None:
    frames = held.frames + 3
    wide, other = (data.with_frames(frames) for data in (held, made))
    moved = other.with_speeds(SPEEDS)
    assert isinstance(moved.audio, AtSpeeds)
    # Clips in memory are computed all at once, in the same way.
    whole = AtSpeeds(wide.audio, wide.lengths, int(wide.lengths.max()), SPEEDS)
    assert moved.audio.shape == whole.shape == (4 * len(held.lengths), wide.audio.shape[1])
    every = torch.arange(len(moved.lengths))
    together = whole.read(every)
    assert torch.equal(moved.audio.read(every), together)
    shuffled = every[torch.randperm(len(every))]
    one_by_one = torch.cat([moved.audio.read(row[None]) for row in shuffled])
    assert torch.equal(one_by_one, together[shuffled])
    for row in every.tolist():
        assert not together[row, int(moved.lengths[row]) :].any()
    assert moved.frames == frames


def test_what_fits_is_held(held: VoiceData, monkeypatch: pytest.MonkeyPatch) -> None:
    bytes_ = 4 * int(np.prod(held.audio.shape))
    for most, kind in ((2 * bytes_, Held), (2 * bytes_ - 1, AtSpeeds)):
        monkeypatch.setattr(waveforms, "HELD_BYTES", most)
        assert isinstance(held.with_speeds((1.1,)).audio, kind)


def test_crops_and_their_pitches_are_the_same(held: VoiceData, made: VoiceData) -> None:
    crops = []
    for data in (held, made):
        task = WaveTask(TINY_VOICE.wave, data, torch.arange(2), "float32")
        torch.manual_seed(0)
        crops.append(task.crops(torch.tensor([0, 4, 4, 7])))
    assert torch.equal(crops[0].audio, crops[1].audio)
    torch.testing.assert_close(crops[0].pitch, crops[1].pitch, rtol=1e-5, atol=1e-5)


def test_views_that_are_encoded_when_drawn_are_those_that_are_held(
    held: VoiceData, made: VoiceData, monkeypatch: pytest.MonkeyPatch
) -> None:
    wave, rows = WaveVAE(TINY_VOICE.wave.model, held.rate), torch.arange(len(held.lengths))
    found = []
    for data, most, kind in ((held, 1 << 30, HeldViews), (made, 0, Views)):
        monkeypatch.setattr(waveforms, "HELD_BYTES", most)
        views = views_of(wave, data.with_speeds(SPEEDS), clips=len(rows), shifts=3, a_step=1000)
        assert type(views) is kind
        views.encode_more()  # all of them
        torch.manual_seed(0)
        found.append((views.draw(rows, 0.3), views.own(rows)))
    (first, own), (second, other) = found
    assert torch.equal(first.rows, second.rows)
    assert not torch.equal(first.rows, rows)
    assert torch.equal(first.lengths, second.lengths)
    for one, two in ((first.latents, second.latents), (own, other)):
        torch.testing.assert_close(tuple(one), tuple(two), rtol=1e-4, atol=1e-4)


def interrupted_at_the_third(task: type[Task]) -> Callable[..., object]:
    steps, whole = itertools.count(1), task.train_step

    def step(self: Task, rows: Tensor, progress: float) -> object:
        if next(steps) == 3:
            raise KeyboardInterrupt
        return whole(self, rows, progress)

    return step


@pytest.mark.slow
def test_a_voice_of_clips_that_are_not_held_ends_the_same_however_often_it_is_broken_off(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waveforms, "HELD_BYTES", 0)
    ends = []
    for name, interrupted in (("whole", ()), ("parted", (WaveTask, PriorTask, DistillationTask))):
        for task in interrupted:
            with monkeypatch.context() as patch:
                patch.setattr(task, "train_step", interrupted_at_the_third(task))
                with pytest.raises(KeyboardInterrupt):
                    train("voice", corpus, tmp_path / name / "tiny", epochs=4, config=TINY_VOICE)
        train("voice", corpus, tmp_path / name / "tiny", epochs=4, config=TINY_VOICE)
        opened = load_run(tmp_path / name / "tiny")
        assert isinstance(opened, VoiceRun)
        assert isinstance(opened.data.audio, Stored)
        ends.append(opened.voice.sample(["zero", "one"]))
    assert ends[0][0].any()
    assert all(np.array_equal(*pair) for pair in zip(*ends, strict=True))
