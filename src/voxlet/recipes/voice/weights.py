"""The models of a voice, rebuilt from the stages of a run with their averaged weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voxlet.models.voice.discriminators import Discriminators
from voxlet.models.voice.flow_prior import FlowPrior
from voxlet.models.voice.style_encoder import StyleEncoder
from voxlet.models.voice.wave_vae import WaveVAE
from voxlet.training import checkpoints
from voxlet.training.ema import WEIGHTS

if TYPE_CHECKING:
    import torch
    from torch import nn

    from voxlet.recipes.voice.config import VoiceTraining
    from voxlet.training.run import Run

WAVE, PRIOR, DISTILLATION = "wave", "prior", "distillation"  # the stages, in order


class StyledPrior(NamedTuple):
    """A flow prior and the style encoder whose styles it reads."""

    flow: FlowPrior
    style: StyleEncoder


def load_wave(run: Run, config: VoiceTraining, device: torch.device) -> WaveVAE:
    """The wave VAE of a run.

    Raises:
        RunError: It is not trained yet, or its weights are damaged.
    """
    wave = WaveVAE(config.wave.model, config.preparation.rate).to(device)
    _load(run, WAVE, {f"ema.{WEIGHTS}": wave})
    return wave


def load_discriminators(run: Run, config: VoiceTraining, device: torch.device) -> Discriminators:
    """The discriminators of a run's first stage.

    Raises:
        RunError: It is not trained yet, or its weights are damaged.
    """
    found = Discriminators(config.wave.discriminators, config.preparation.rate).to(device)
    _load(run, WAVE, {"discriminators": found})
    return found


def load_teacher(
    run: Run, config: VoiceTraining, *, frames: int, labels: int, device: torch.device
) -> StyledPrior:
    """The prior of a run's second stage, in the style's first coordinates.

    Args:
        run: The run.
        config: Its settings.
        frames: L.
        labels: C.
        device: Where they are put.

    Raises:
        RunError: It is not trained yet, or its weights are damaged.
    """
    found = _untrained(config, frames, labels, device)
    _load(run, PRIOR, {f"prior_ema.{WEIGHTS}": found.flow, f"style_ema.{WEIGHTS}": found.style})
    return found


def load_student(
    run: Run, config: VoiceTraining, *, frames: int, labels: int, device: torch.device
) -> StyledPrior:
    """The few-step prior of a run's third stage, in the coordinates in which a standard normal draw means
    somebody; see `load_teacher`.

    Raises:
        RunError: It is not trained yet, or its weights are damaged.
    """
    found = _untrained(config, frames, labels, device)
    _load(run, DISTILLATION, {f"ema.{WEIGHTS}": found.flow, "style": found.style})
    return found


def _untrained(config: VoiceTraining, frames: int, labels: int, device: torch.device) -> StyledPrior:
    channels = config.wave.model.latent_size + 1
    return StyledPrior(
        FlowPrior(config.prior.model, channels, frames, labels).to(device),
        StyleEncoder(config.prior.model, config.preparation.rate).to(device),
    )


def _load(run: Run, stage: str, modules: dict[str, nn.Module]) -> None:
    """Fill modules, by their names there, with a stage's last weights, and make them fit to be used."""
    checkpoints.load_modules(modules, run.weights(stage, "last"), run.stage(stage))
    for module in modules.values():
        module.eval().requires_grad_(False)
