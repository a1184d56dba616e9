"""The stages of a voice's training, one after another, and the voice file that they end with."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from voxlet.errors import ConfigError
from voxlet.models.voice.style_encoder import standardise
from voxlet.recipes.voice.clips.data import VoiceData, voice_data
from voxlet.recipes.voice.distillation_task import DistillationTask, training_styles
from voxlet.recipes.voice.finish import write_voice
from voxlet.recipes.voice.heard import Heard
from voxlet.recipes.voice.prior_task import PriorTask
from voxlet.recipes.voice.voice_run import VoiceRun
from voxlet.recipes.voice.wave_task import WaveTask
from voxlet.recipes.voice.weights import DISTILLATION, PRIOR, WAVE, load_teacher, load_wave
from voxlet.training import distributed
from voxlet.training.stages import Plan, Stage

if TYPE_CHECKING:
    from voxlet.corpus.dataset import Dataset
    from voxlet.recipes.voice.base_file import Base
    from voxlet.recipes.voice.config import VoiceTraining
    from voxlet.training.run import Run

FEWEST_ROWS = 2  # a batch of one has nothing to compare


def plan_voice_training(config: VoiceTraining, dataset: Dataset, run: Run, base: Base | None = None) -> Plan:
    """The plan of a voice's run: wave VAE, prior, few-step prior, then the voice file.

    Without a base its networks begin from nothing.

    Raises:
        ConfigError: There is one clip alone.
    """
    split, labels = dataset.split, len(dataset.prepared.label_names)
    if len(split.train) < FEWEST_ROWS:
        raise ConfigError(
            f"{len(split.train)} clip cannot train a voice",
            where=dataset.prepared.name,
            remedy="record another take",
        )
    train, validation = torch.from_numpy(split.train), torch.from_numpy(split.validation)
    device = distributed.device()

    def data() -> VoiceData:
        return voice_data(dataset, device, config.prior.model.attributes)

    def wave() -> WaveTask:
        task = WaveTask(config.wave, data(), validation, config.precision)
        if base is not None:
            task.begin_from(base)
        return task

    def prior() -> PriorTask:
        task = PriorTask(
            config.prior,
            load_wave(run, config, device),
            data(),
            train,
            validation,
            labels=labels,
            precision=config.precision,
        )
        if base is not None:
            task.begin_from(base, dataset.prepared.label_names, dataset.prepared.language)
        return task

    def distillation() -> DistillationTask:
        clips = data()
        teacher = load_teacher(run, config, frames=clips.frames, labels=labels, device=device)
        varied = clips.with_speeds(config.prior.speeds_for(len(clips.count)))
        standardise(teacher.flow, teacher.style, training_styles(teacher.style, varied))
        if varied.names:
            styles = training_styles(teacher.style, varied).mean
            teacher.flow.fit_neutral(styles, varied.attributes[varied.by_speaker])
        return DistillationTask(
            config.distillation, teacher.flow, teacher.style, clips, validation, precision=config.precision
        )

    def finish() -> None:
        opened = VoiceRun(run, config, dataset)
        write_voice(opened, opened.voice_path)

    rows, heard = split.train, Heard(run, config, dataset, device)
    shares = (config.wave_share, config.prior_share, 1 - config.wave_share - config.prior_share)
    return Plan(
        (
            Stage(WAVE, rows, config.wave.loop, wave, shares[0], heard.after_wave),
            Stage(PRIOR, rows, config.prior.loop, prior, shares[1], heard.after_prior),
            Stage(DISTILLATION, rows, config.distillation.loop, distillation, shares[2], heard.at_last),
        ),
        finish,
    )
