"""The stages of a voice's training, and the voice file that they end with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn

from voxlet.corpus.catalog import CATALOG
from voxlet.errors import ConfigError, RunError, VoiceError
from voxlet.files import write_atomically
from voxlet.models.voice.flow_prior import FlowPrior
from voxlet.models.voice.style_encoder import StyleEncoder, standardise
from voxlet.models.voice.wave_vae import WaveVAE
from voxlet.recipes.voice.data import VoiceData, voice_data
from voxlet.recipes.voice.distillation_task import DistilTask, told_styles
from voxlet.recipes.voice.export import SpeakerGraph, export_voice, with_card
from voxlet.recipes.voice.prior_task import PriorTask
from voxlet.recipes.voice.wave_task import WaveTask
from voxlet.speak.voice_file import SUFFIX, VoiceFile, VoiceInfo, read_voice
from voxlet.training import checkpoints, distributed
from voxlet.training.ema import Average
from voxlet.training.stages import Plan, Stage
from voxlet.version import __version__

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.corpus.prepare import Prepared
    from voxlet.corpus.splits import Split
    from voxlet.recipes.voice.config import VoiceTraining
    from voxlet.training.run import Run, Which

WAVE, PRIOR, DISTIL = "wave", "prior", "distil"
SCORES = "scores"  # of a model card: what `voxlet score --stamp` measured
FEWEST_ROWS = 2


class VoiceParts:
    """The models of a voice, rebuilt from a run: `wave`, `prior` (the teacher), `style`, and `student`.

    Args:
        config: The run's.
        data: The clips, for sizes alone.
        labels: C.
    """

    def __init__(self, config: VoiceTraining, data: VoiceData, labels: int) -> None:
        device = data.audio.device
        self.wave = WaveVAE(config.wave.model, data.rate).to(device)
        unit = self.wave.samples_per_latent
        frames = data.samples(unit) // unit
        self.prior, self.student = (
            FlowPrior(config.prior.model, config.wave.model.latent_size + 1, frames, labels).to(device)
            for _ in range(2)
        )
        self.style = StyleEncoder(config.prior.model, data.rate).to(device)
        for module in (self.wave, self.prior, self.student, self.style):
            module.eval().requires_grad_(False)

    def load(self, run: Run, stage: str, which: Which = "last") -> VoiceParts:
        """Take the averaged weights of a finished stage.

        Raises:
            RunError: The stage is not trained yet, or its weights are damaged.
        """
        stages: dict[str, dict[str, nn.Module]] = {
            WAVE: {"average": self.wave},
            PRIOR: {"prior_average": self.prior, "style_average": self.style},
            DISTIL: {"average": self.student},
        }
        held = stages[stage]
        averages = {name: Average(module, 0.0) for name, module in held.items()}
        saved: dict[str, nn.Module] = {**averages}
        if stage == DISTIL:
            saved["style"] = self.style  # as it is: in other coordinates since, but not trained any more
        checkpoints.load_modules(saved, run.weights(stage, which), run.stage(stage))
        for name, module in held.items():
            module.load_state_dict(averages[name].model.state_dict())
        return self


def plan_voice_training(config: VoiceTraining, prepared: Prepared, split: Split, run: Run) -> Plan:
    """The plan of a voice's run: wave VAE, prior, few-step prior, then the voice file.

    Raises:
        ConfigError: The split leaves too few clips.
    """
    for name, rows in (("train", split.train), ("validate", split.validation)):
        if len(rows) < FEWEST_ROWS:
            raise ConfigError(
                f"the corpus is too small: {len(rows)} clips are left to {name} with",
                where=f"split {config.split!r}",
            )
    train, validation = torch.from_numpy(split.train), torch.from_numpy(split.validation)
    labels = len(prepared.label_names)

    def data() -> VoiceData:
        rate = prepared.rate
        unit = WaveVAE(config.wave.model, rate).samples_per_latent
        return voice_data(prepared, train, distributed.device(), unit)

    def wave() -> WaveTask:
        return WaveTask(config.wave, data(), validation, config.precision)

    def prior() -> PriorTask:
        clips = data()
        parts = VoiceParts(config, clips, labels).load(run, WAVE)
        return PriorTask(
            config.prior,
            parts.wave,
            clips,
            train,
            validation,
            labels=labels,
            precision=config.precision,
        )

    def distil() -> DistilTask:
        clips = data()
        parts = VoiceParts(config, clips, labels).load(run, PRIOR)
        heard = clips.with_speeds(config.prior.speeds_for(len(clips.count)))
        standardise(parts.prior, parts.style, told_styles(parts.style, heard))
        return DistilTask(
            config.distil, parts.prior, parts.style, clips, validation, precision=config.precision
        )

    def finish() -> None:
        write_voice(run, config, prepared, split, run.path / f"{voice_name(run)}{SUFFIX}")

    shares = (config.wave_share, config.prior_share, 1 - config.wave_share - config.prior_share)
    return Plan(
        (
            Stage(WAVE, split.train, config.wave.loop, wave, shares[0]),
            Stage(PRIOR, split.train, config.prior.loop, prior, shares[1]),
            Stage(DISTIL, split.train, config.distil.loop, distil, shares[2]),
        ),
        finish,
    )


def voice_name(run: Run) -> str:
    """What a run's voice is called: as its folder."""
    return run.path.resolve().name


def write_voice(run: Run, config: VoiceTraining, prepared: Prepared, split: Split, path: Path) -> None:
    """Export a trained run as a voice file.

    Raises:
        RunError: A stage is not finished.
        VoxletError: The file cannot be written.
    """
    for stage in (WAVE, PRIOR, DISTIL):
        if not checkpoints.is_finished(run.stage(stage)):
            raise RunError(
                f"has not finished its stage {stage!r}",
                where=run.path,
                remedy="go on with `voxlet train` first, with the settings in its config.json",
            )
    train = torch.from_numpy(split.train)
    unit = WaveVAE(config.wave.model, prepared.rate).samples_per_latent
    data = voice_data(prepared, train, torch.device("cpu"), unit)
    parts = VoiceParts(config, data, len(prepared.label_names))
    for stage in (WAVE, PRIOR, DISTIL):
        parts.load(run, stage)
    info = VoiceInfo(
        name=path.stem,
        rate=prepared.rate,
        labels=prepared.label_names,
        frames=parts.student.frames,
        latent_size=parts.student.channels,
        style_size=config.prior.model.style_size,
        styles=named_styles(parts.style, data, prepared.speaker_names),
        card=model_card(run, prepared, split),
    )
    speaker = SpeakerGraph(parts.student, parts.wave, config.distil.steps)
    made = VoiceFile(path, info, export_voice(speaker, parts.style, info), None)
    scores = scores_of(run, made.digest)
    write_atomically(path, with_card(made, {**info.card, SCORES: scores}) if scores else made.model)


def scores_of(run: Run, digest: str) -> object:
    """The scores that the run's own voice was stamped with, if it is the one with this digest; else None."""
    try:
        own = read_voice(run.path / f"{voice_name(run)}{SUFFIX}")
    except VoiceError:  # there is none yet
        return None
    return own.info.card.get(SCORES) if own.digest == digest else None


@torch.no_grad()
def named_styles(
    encoder: StyleEncoder, data: VoiceData, names: tuple[str, ...]
) -> dict[str, NDArray[np.float32]]:
    """Each speaker's style: the mean of what his training clips tell, one by one. Others have none."""
    styles = {}
    for number, name in enumerate(names):
        first, count = int(data.first[number]), int(data.count[number])
        if count:
            audio, lengths = data.longest(data.by_speaker[first : first + count])
            styles[name] = encoder(audio[:, None], lengths[:, None]).mean.mean(0).cpu().numpy()
    return styles


def model_card(run: Run, prepared: Prepared, split: Split) -> dict[str, object]:
    """Where the voice comes from: data with licence and credit, training, version."""
    known = CATALOG.get(prepared.name)
    record = run.record
    lines = [line for line in run.metrics() if "validation_loss" in line]
    stages = {}
    for stage in (WAVE, PRIOR, DISTIL):
        own = [line for line in lines if line["stage"] == stage]
        if own:
            stages[stage] = {key: own[-1][key] for key in ("step", "seconds", "validation_loss")}
    return {
        "data": prepared.name if known is None else known.title,
        "licence": "the owner's of the recordings" if known is None else known.licence,
        "credit": "" if known is None else known.credit,
        "corpus_digest": record["corpus"]["digest"],  # type: ignore[call-overload, index]
        "clips": {"train": len(split.train), "validation": len(split.validation), "test": len(split.test)},
        "training": {"preset": record["preset"], "budget": record["budget"], "stages": stages},
        "made_with": f"voxlet {__version__}",
    }
