"""The models of a voice, rebuilt from the stages of a run with their averaged weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voxlet.models.voice.flow_prior import FlowPrior
from voxlet.models.voice.style_encoder import StyleEncoder
from voxlet.models.voice.wave_vae import WaveVAE
from voxlet.training import checkpoints
from voxlet.training.ema import Average

if TYPE_CHECKING:
    import torch
    from torch import nn

    from voxlet.recipes.voice.config import VoiceTraining
    from voxlet.training.run import Run

WAVE, PRIOR, DISTIL = "wave", "prior", "distil"  # the stages, in order


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
    _load(run, WAVE, {"average": wave}, {})
    return wave


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
    _load(run, PRIOR, {"prior_average": found.flow, "style_average": found.style}, {})
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
    _load(run, DISTIL, {"average": found.flow}, {"style": found.style})
    return found


def _untrained(config: VoiceTraining, frames: int, labels: int, device: torch.device) -> StyledPrior:
    channels = config.wave.model.latent_size + 1
    return StyledPrior(
        FlowPrior(config.prior.model, channels, frames, labels).to(device),
        StyleEncoder(config.prior.model, config.preparation.rate).to(device),
    )


def _load(run: Run, stage: str, averaged: dict[str, nn.Module], plain: dict[str, nn.Module]) -> None:
    """Fill the modules with a stage's last weights, by their names there, and make them fit to be used."""
    averages = {name: Average(module, 0.0) for name, module in averaged.items()}
    checkpoints.load_modules({**averages, **plain}, run.weights(stage, "last"), run.stage(stage))
    for name, module in averaged.items():
        module.load_state_dict(averages[name].model.state_dict())
    for module in (*averaged.values(), *plain.values()):
        module.eval().requires_grad_(False)
