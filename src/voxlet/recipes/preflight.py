"""Estimates of the time, memory and disk that a training needs, told before it starts.

Parameters are counted on a model on the meta device. The rates are measured: effort per clip by
`benchmarks/presets.py` (docs/performance.md); bytes per parameter and frame, and a voice's fixed bytes, by
`benchmarks/preflight.py`.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from voxlet import machine
from voxlet.errors import TrainingError
from voxlet.models.clip.build import build_model
from voxlet.models.clip.config import CNNConfig, CNNLightConfig, MLPConfig
from voxlet.models.voice.wave_vae import samples_per_latent
from voxlet.recipes.clip.config import ClipTraining
from voxlet.recipes.clip.data import held_bytes
from voxlet.recipes.presets import PRESETS
from voxlet.recipes.voice.clips import waveforms
from voxlet.recipes.voice.config import VoiceTraining
from voxlet.training.hardware import has_fast_bfloat16

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from voxlet.models.clip.config import ModelConfig
    from voxlet.recipes.presets import Training
    from voxlet.training.config import Budget, Precision

BASE_BYTES = 0.45e9  # memory of a process with PyTorch, without a model
PARAMETER_BYTES = 34  # memory: weight, gradient, two moments, best weight, copies while saving
CHECKPOINT_BYTES = 16  # disk per parameter: last weight, best weight, two moments
CHECKPOINTS = 2  # that are kept
SAMPLES_BYTES = 20e6  # disk: plots, samples, metrics
STUDY_FRAMES = 69  # frames of the clips with which effort was measured

# Training on one clip of the study's 69 frames takes as long as this many GFLOP of matrix products.
EFFORT: dict[type[ModelConfig], dict[str, float]] = {
    MLPConfig: {"float32": 0.24, "bfloat16": 0.36},
    CNNLightConfig: {"float32": 0.40, "bfloat16": 0.62},
    CNNConfig: {"float32": 7.5, "bfloat16": 8.6},
}
# Bytes of activations for each frame of each clip in a batch.
FRAME_BYTES: dict[type[ModelConfig], float] = {MLPConfig: 4e3, CNNLightConfig: 52e3, CNNConfig: 545e3}

# A voice's three stages together; its networks and batches have fixed sizes.
VOICE_BYTES, VOICE_RATE_BYTES = 0.15e9, 44e3  # memory: fixed, and per hertz of its sampling rate
VOICE_DISK = 0.75e9
# From the model card of `digits`: 60 ms of one core per clip in an epoch of all stages.
VOICE_EFFORT = {"float32": 5.6, "bfloat16": 12.7}
# An epoch of each stage relative to the first: 11, 50 and 14 clips of FSDD per second on one core of a Zen 3
# whose other core was busy, too.
STAGE_EFFORT = (1.0, 0.22, 0.79)

SIZE, TRIES = 1024, 3  # of the matrix products by which this machine's speed is measured


@dataclass(frozen=True)
class Needs:
    """What a training needs: bytes of memory, bytes of disk, and seconds per epoch."""

    memory: float
    disk: float
    epoch_seconds: float

    def sentence(self, budget: Budget | None = None) -> str:
        """The needs as text for a user; the time is that of an epoch, or of the budget if it is given."""
        times = f"about {duration(self.epoch_seconds)} an epoch"
        if budget is not None and budget.epochs is not None:
            times = f"about {duration(budget.epochs * self.epoch_seconds)}"
        elif budget is not None and budget.minutes is not None:
            epochs = 60 * budget.minutes / self.epoch_seconds
            some = (
                f"about {epochs:,.0f} epochs"
                if epochs >= 1.5
                else f"about {max(1, 100 * epochs):.0f} % of an epoch"
            )
            times = f"{budget.minutes:g} minute{'s' * (budget.minutes != 1)}, {some}"
        return f"{times}, {gigabytes(self.memory)} of memory, {gigabytes(self.disk)} of disk"


@dataclass(frozen=True)
class ClipCounts:
    """The clips of a training, in numbers.

    Attributes:
        clips: Number of training clips.
        held: Number of all clips: for training, validation and test.
        seconds: Length of each clip's row.
        labels: C.
        speakers: Number of speakers in all clips.
    """

    clips: int
    held: int
    seconds: float
    labels: int
    speakers: int


def needs_of(config: Training, material: ClipCounts, speed: dict[str, float]) -> Needs:
    """Estimate what a training needs.

    Args:
        config: The training's settings.
        material: Its clips.
        speed: GFLOP per second by precision; see `speed`.
    """
    precision, clips, seconds = resolved_precision(config.precision), material.clips, material.seconds
    if not isinstance(config, ClipTraining):
        fixed = BASE_BYTES + VOICE_BYTES + VOICE_RATE_BYTES * config.preparation.rate
        memory = fixed + views_bytes(config, material)
        effort = VOICE_EFFORT[precision] * mean_effort(config.shares) / mean_effort(VoiceTraining().shares)
        return Needs(memory, VOICE_DISK, clips * effort / speed[precision])
    shape = config.spectrogram.bands, config.spectrogram.frames(round(seconds * config.preparation.rate))
    kind, frames = type(config.model), shape[1]
    count = parameters(config.model, shape, material.labels)
    batch = min(clips, config.loop.batch_size)
    spectrograms = held_bytes(clips, shape[0], frames)
    return Needs(
        BASE_BYTES + PARAMETER_BYTES * count + spectrograms + batch * frames * FRAME_BYTES[kind],
        CHECKPOINTS * CHECKPOINT_BYTES * count + SAMPLES_BYTES,
        clips * EFFORT[kind][precision] * frames / STUDY_FRAMES / speed[precision],
    )


def mean_effort(shares: Sequence[float]) -> float:
    """The cost of an epoch relative to one of the first stage, where stages have these shares of epochs."""
    return sum(share * effort for share, effort in zip(shares, STAGE_EFFORT, strict=True))


def views_bytes(config: VoiceTraining, material: ClipCounts) -> float:
    """Bytes of a voice's clips at every speed, and of their latents from every start, as far as they are held
    in memory. A long training ends up holding all of them."""
    rate = config.preparation.rate
    unit = samples_per_latent(rate)
    frames = math.ceil(material.seconds * rate / unit)
    audio = material.held * frames * unit
    latents = 2 * config.prior.shifts * frames * config.wave.model.latent_size * material.held
    speeds = 1 + len(config.prior.speeds_for(material.speakers))
    moved = waveforms.held_bytes(speeds * audio) if speeds > 1 else 0
    return float(waveforms.held_bytes(audio) + moved + waveforms.held_bytes(speeds * latents))


def presets_on(material: ClipCounts) -> dict[str, str]:
    """What each preset needs for these clips, as text."""
    now = speed()
    return {name: needs_of(config, material, now).sentence() for name, config in PRESETS.items()}


def parameters(model: ModelConfig, shape: tuple[int, int], labels: int) -> int:
    """Number of weights of a model for spectrograms of `shape` (M, F) and C labels."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build_model(model, shape, labels).parameters())


def resolved_precision(precision: Precision) -> str:
    """The precision that training on the CPU uses."""
    fast = precision == "auto" and has_fast_bfloat16(torch.device("cpu"))
    return "bfloat16" if fast or precision == "bfloat16" else "float32"


def speed() -> dict[str, float]:
    """GFLOP per second of large matrix products on this machine under its present load, by precision."""
    found = {}
    for precision in {"float32", resolved_precision("auto")}:
        one = torch.ones(SIZE, SIZE, dtype=getattr(torch, precision))
        one @ one  # the first product allocates memory
        began = time.perf_counter()
        for _ in range(TRIES):
            one @ one
        found[precision] = TRIES * 2 * SIZE**3 / (time.perf_counter() - began) / 1e9
    return {"bfloat16": found["float32"], **found}


def check_needs(config: Training, needs: Needs, run: Path) -> None:
    """Check that this machine has the memory and disk that a training needs.

    Raises:
        TrainingError: Memory or disk is too small.
    """
    fixed = not isinstance(config, ClipTraining)  # a voice has fixed sizes of model and batch
    memory = machine.memory()
    if memory is not None and memory.available is not None and needs.memory > memory.available:
        raise TrainingError(
            f"training needs {gigabytes(needs.memory)} of memory, but only "
            f"{gigabytes(memory.available)} are free",
            where=run,
            remedy="shorten clips with --preparation.length, or free some memory"
            if fixed
            else "use a smaller model or batch, shorten clips with --preparation.length, or free some memory",
        )
    free = machine.free_space(run)
    if free and needs.disk > free:  # 0 means no disk or a full one: the error of writing tells which
        raise TrainingError(
            f"training needs {gigabytes(needs.disk)} of disk, but only {gigabytes(free)} are free",
            where=run,
            remedy="free some space, or name a folder on another disk"
            if fixed
            else "free some space, name a folder on another disk, or use a smaller model",
        )


def gigabytes(count: float) -> str:
    """A number of bytes as text."""
    return f"{count / 1e9:.1f} GB" if count >= 0.95e9 else f"{count / 1e6:.0f} MB"


def duration(seconds: float) -> str:
    """A rounded duration as text."""
    if seconds < 90:
        return f"{max(1, seconds):.0f} s"
    return f"{seconds / 60:.0f} minutes" if seconds < 5400 else f"{seconds / 3600:.1f} hours"
