"""Samples on the way: what each stage of a voice makes of some words so far, in the run's `samples/`.

    samples/STAGE-STEP-NUMBER-LABEL.wav

The wave VAE gives takes back, the prior says their words anew. The seed is the same each time, so that what
is heard to change is what was learned.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, cast

import numpy as np
import torch

from voxlet import audio, files
from voxlet.models.voice.flow_prior import described, lengths_of
from voxlet.recipes.voice.weights import DISTILLATION, PRIOR, WAVE, load_wave
from voxlet.run_files import SAMPLES

if TYPE_CHECKING:
    from torch import Tensor

    from voxlet.corpus.dataset import Dataset
    from voxlet.models.voice.flow_prior import FlowPrior
    from voxlet.models.voice.style_encoder import StyleEncoder
    from voxlet.models.voice.wave_vae import WaveVAE
    from voxlet.recipes.voice.clips.data import VoiceData
    from voxlet.recipes.voice.config import VoiceTraining
    from voxlet.recipes.voice.distillation_task import DistillationTask
    from voxlet.recipes.voice.prior_task import PriorTask
    from voxlet.recipes.voice.wave_task import WaveTask
    from voxlet.training.run import Run
    from voxlet.training.stages import Task

WORDS = 3
STEPS = 16  # of a prior that is not distilled
SEED = 0
LONGEST_STEM = 60  # characters of a label in a file's name


class Heard:
    """Writes samples of a run's stages: one training clip of each of some labels, the same all the way."""

    def __init__(self, run: Run, config: VoiceTraining, dataset: Dataset, device: torch.device) -> None:
        self.run, self.config, self.device = run, config, device
        self.rate = dataset.prepared.rate
        labels = dataset.prepared.labels[dataset.split.train]
        firsts = [int((labels == label).argmax()) for label in np.unique(labels)]
        self.rows = torch.from_numpy(dataset.split.train[firsts[:WORDS]])

    @cached_property
    def wave(self) -> WaveVAE:
        """The wave VAE, once its stage is over."""
        return load_wave(self.run, self.config, self.device).eval()

    def after_wave(self, task: Task, step: int) -> None:
        """The takes, encoded and decoded."""
        own = cast("WaveTask", task)
        model = cast("WaveVAE", own.ema.module)
        decoded = model.decode(model.encode(own.data.audio.read(self.rows)).mean).waveform
        self._write(WAVE, step, own.data, decoded, own.data.lengths[self.rows])

    def after_prior(self, task: Task, step: int) -> None:
        """Their words, in their speaker's style."""
        own = cast("PriorTask", task)
        prior, style = cast("FlowPrior", own.prior_ema.module), cast("StyleEncoder", own.style_ema.module)
        label = own.data.labels[self.rows]
        attributes = own.as_read(own.attributes(self.rows))
        said = self._say(prior, label, self._style(style, own.data), attributes, STEPS)
        self._write(PRIOR, step, own.data, *said)

    def at_last(self, task: Task, step: int) -> None:
        """The same, in the few steps of the voice."""
        own = cast("DistillationTask", task)
        student, style = cast("FlowPrior", own.ema.module), self._style(own.style, own.data)
        wishes = torch.zeros(len(style), len(own.data.names), device=self.device)
        attributes = described(student.asked(style, wishes)) if own.data.names else None
        label = own.data.labels[self.rows]
        said = self._say(student, label, style, attributes, own.config.steps)
        self._write(DISTILLATION, step, own.data, *said)

    def _style(self, encoder: StyleEncoder, data: VoiceData) -> Tensor:
        """Of each clip by itself, and by this process alone."""
        posterior = encoder(*data.cut(self.rows[:, None], int(data.lengths[self.rows].max())))
        return cast("Tensor", posterior.mean)

    def _say(
        self, prior: FlowPrior, label: Tensor, style: Tensor, attributes: Tensor | None, steps: int
    ) -> tuple[Tensor, Tensor]:
        """Waveforms (B, T) and lengths (B,) of these labels."""
        generator = torch.Generator().manual_seed(SEED)
        noise = torch.randn(len(label), prior.frames, prior.channels, generator=generator)
        sequence = prior.sample(noise.to(self.device), label, style, attributes, steps=steps)
        latents, presence = prior.denormalise(sequence)
        lengths = lengths_of(presence, self.wave.samples_per_latent)
        return self.wave.decode(latents).waveform, lengths

    def _write(self, stage: str, step: int, data: VoiceData, waveforms: Tensor, lengths: Tensor) -> None:
        names = [data.label_names[int(label)] for label in data.labels[self.rows]]
        folder = files.make_folder(self.run.path / SAMPLES)
        sounds = waveforms.float().clamp(-1, 1).cpu().numpy()
        for number, (sound, length) in enumerate(zip(sounds, lengths.tolist(), strict=True)):
            name = files.safe_name(names[number], LONGEST_STEM)
            audio.write(folder / f"{stage}-{step:06}-{number}-{name}.wav", sound[:length], self.rate)
