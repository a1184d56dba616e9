"""The plan of a voice's training: three stages, one after another, and then the voice file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import torch

from voxlet.errors import ConfigError
from voxlet.recipes.voice.base_file import PRIOR as PRIOR_PART
from voxlet.recipes.voice.clips.data import VoiceData, voice_data
from voxlet.recipes.voice.clips.waveforms import evenly
from voxlet.recipes.voice.distillation_task import DistillationTask, StudentConditions, whiten_styles
from voxlet.recipes.voice.finish import write_voice
from voxlet.recipes.voice.prior_task import PriorTask
from voxlet.recipes.voice.samples import SampleWriter
from voxlet.recipes.voice.scope import Scope
from voxlet.recipes.voice.voice_run import VoiceRun
from voxlet.recipes.voice.wave_task import WaveTask
from voxlet.recipes.voice.weights import DISTILLATION, PRIOR, WAVE, load_teacher, load_wave
from voxlet.training import distributed
from voxlet.training.stages import Plan, Stage
from voxlet.words.spelling import find

if TYPE_CHECKING:
    from voxlet.corpus.dataset import Dataset
    from voxlet.recipes.voice.base_file import Base
    from voxlet.recipes.voice.config import VoiceTraining
    from voxlet.training.run import Run

FEWEST_ROWS = 2  # a batch of one has nothing to compare
MOST_VALIDATED = 1024  # clips: more would tell little more, and take time every 250 steps


def plan_voice_training(config: VoiceTraining, dataset: Dataset, run: Run, base: Base | None = None) -> Plan:
    """The plan of a voice's run: wave VAE, prior, few-step prior, then the voice file.

    Without a base, the networks are trained from scratch.

    Raises:
        ConfigError: There are fewer than two training clips.
    """
    split = dataset.split
    if len(split.train) < FEWEST_ROWS:
        raise ConfigError(
            f"{len(split.train)} clip cannot train a voice",
            where=dataset.prepared.name,
            remedy="record another take",
        )
    scope = Scope.of(run)
    kept = None if scope is None or base is None else _Kept(scope, base, dataset.prepared.language)
    tasks = _Tasks(config, dataset, run, base, kept)
    rows, heard = split.train, SampleWriter(run, config, dataset, distributed.device())
    return Plan(
        (
            Stage(WAVE, rows, config.wave.loop, tasks.wave, config.shares[0], heard.after_wave),
            Stage(PRIOR, rows, config.prior.loop, tasks.prior, config.shares[1], heard.after_prior),
            Stage(
                DISTILLATION,
                rows,
                config.distillation.loop,
                tasks.distillation,
                config.shares[2],
                heard.at_last,
            ),
        ),
        tasks.finish,
    )


@dataclass(frozen=True)
class _Kept:
    """What a voice keeps of a base, and the language of the takes."""

    scope: Scope
    base: Base
    language: str

    @cached_property
    def table(self) -> tuple[str, ...]:
        """The labels on which the prior is trained."""
        return self.scope.table(self.base, self.language)

    def fitted(self, clips: VoiceData) -> VoiceData:
        """The takes with label numbers of `table`, in rows that hold the base's longest word."""
        own = [find(name, self.table) or name for name in clips.label_names]
        numbers = torch.tensor([self.table.index(name) for name in own])
        return clips.with_labels(self.table, numbers).with_frames(
            len(self.base.parts[PRIOR_PART]["position"])
        )

    def speaking(self) -> StudentConditions:
        """The labels and speakers on which the student is trained."""
        speakers = self.base.named_speakers().only(self.scope.speakers)
        return StudentConditions(len(self.scope.labels), speakers, self.scope.kept_share)


@dataclass(frozen=True)
class _Tasks:
    """The tasks of a voice's run, each built when its stage begins."""

    config: VoiceTraining
    dataset: Dataset
    run: Run
    base: Base | None
    kept: _Kept | None

    @property
    def validation(self) -> torch.Tensor:
        return evenly(torch.from_numpy(self.dataset.split.validation), MOST_VALIDATED)

    def data(self) -> VoiceData:
        """The clips, with labels as the prior numbers them."""
        clips = voice_data(self.dataset, distributed.device(), self.config.prior.model.attributes)
        return clips if self.kept is None else self.kept.fitted(clips)

    def wave(self) -> WaveTask:
        task = WaveTask(self.config.wave, self.data(), self.validation, self.config.precision)
        if self.base is not None:
            task.begin_from(self.base)
        return task

    def prior(self) -> PriorTask:
        clips, language = self.data(), self.dataset.prepared.language
        task = PriorTask(
            self.config.prior,
            load_wave(self.run, self.config, distributed.device()),
            clips,
            torch.from_numpy(self.dataset.split.train),
            self.validation,
            precision=self.config.precision,
        )
        if self.base is not None:
            rows = [self.base.row_of(label, language) for label in clips.label_names]
            task.begin_from(self.base, rows)
            if self.kept is not None:
                known = [number for number, row in enumerate(rows) if row is not None]
                task.keep(known, self.base.named_speakers())
        return task

    def distillation(self) -> DistillationTask:
        clips = self.data()
        teacher = load_teacher(self.run, self.config, distributed.device())
        speaking = None if self.kept is None else self.kept.speaking()
        if speaking is not None:
            speaking.kept.to(distributed.device())
            teacher.flow.keep_labels(speaking.labels)
        whiten_styles(teacher, clips, self.config.prior.speeds_for(len(clips.count)), speaking)
        return DistillationTask(
            self.config.distillation,
            teacher.flow,
            teacher.style,
            clips,
            self.validation,
            speaking=speaking,
            precision=self.config.precision,
        )

    def finish(self) -> None:
        """Write the voice file."""
        opened = VoiceRun(self.run, self.config, self.dataset)
        write_voice(opened, opened.voice_path)
