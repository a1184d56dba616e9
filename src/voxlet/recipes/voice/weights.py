"""The models of a voice, rebuilt from the stages of a run with their averaged weights."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from voxlet.errors import RunError
from voxlet.models.voice.discriminators import Discriminators
from voxlet.models.voice.flow_prior import FlowPrior
from voxlet.models.voice.style_encoder import StyleEncoder
from voxlet.models.voice.wave_vae import WaveVAE
from voxlet.recipes.voice.clips.speakers import TABLES, Speakers
from voxlet.training import checkpoints
from voxlet.training.ema import WEIGHTS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import Tensor, nn

    from voxlet.recipes.voice.config import VoiceTraining
    from voxlet.training.run import Run

WAVE, PRIOR, DISTILLATION = "wave", "prior", "distillation"  # the stages, in order
ANEW = "train it anew in another folder"


class StyledPrior(NamedTuple):
    """A flow prior and the style encoder whose styles it reads."""

    flow: FlowPrior
    style: StyleEncoder


class _Names(NamedTuple):
    """A stage, and what its checkpoint calls a prior and its style encoder."""

    stage: str
    flow: str
    style: str


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


def load_teacher(run: Run, config: VoiceTraining, device: torch.device) -> StyledPrior:
    """The prior and style encoder of a run's second stage, with unwhitened style coordinates.

    Raises:
        RunError: It is not trained yet, or its weights are damaged.
    """
    names = _Names(PRIOR, f"prior_ema.{WEIGHTS}", f"style_ema.{WEIGHTS}")
    return _load_prior(run, config, device, names)


def load_student(run: Run, config: VoiceTraining, device: torch.device) -> StyledPrior:
    """The student and style encoder of a run's third stage; styles are whitened, so new ones can be drawn.

    Raises:
        RunError: It is not trained yet, or its weights are damaged.
    """
    return _load_prior(run, config, device, _Names(DISTILLATION, f"ema.{WEIGHTS}", "style"))


def load_kept(run: Run, names: tuple[str, ...]) -> Speakers:
    """The speakers with these names that a run's voice has kept of its base.

    Raises:
        RunError: See `load_student`.
    """
    held = run.weights(DISTILLATION, "last")
    tensors = {name: held[f"kept.{name}"] for name in TABLES if f"kept.{name}" in held}
    if {len(tensor) for tensor in tensors.values()} != {len(names)} or len(tensors) < len(TABLES):
        raise RunError("has lost the speakers that it kept", where=run.stage(DISTILLATION), remedy=ANEW)
    return Speakers(names, tensors)


def _load_prior(run: Run, config: VoiceTraining, device: torch.device, names: _Names) -> StyledPrior:
    """A stage's prior and style encoder; the weights tell the prior's numbers of frames and labels."""
    stage, prior, style = names
    held, channels = run.weights(stage, "last"), config.wave.model.latent_size + 1
    try:
        frames, labels = len(held[f"{prior}.position"]), len(held[f"{prior}.label.weight"]) - 1
    except KeyError as error:
        raise RunError(f"has lost its weights {error}", where=run.stage(stage), remedy=ANEW) from error
    found = StyledPrior(
        FlowPrior(config.prior.model, channels, frames, labels).to(device),
        StyleEncoder(config.prior.model, config.preparation.rate).to(device),
    )
    _fill({prior: found.flow, style: found.style}, held, run.stage(stage))
    return found


def _load(run: Run, stage: str, modules: dict[str, nn.Module]) -> None:
    """Load a stage's last weights into modules, by their names in the checkpoint, for inference."""
    _fill(modules, run.weights(stage, "last"), run.stage(stage))


def _fill(modules: dict[str, nn.Module], held: Mapping[str, Tensor], where: Path) -> None:
    checkpoints.load_modules(modules, held, where)
    for module in modules.values():
        module.eval().requires_grad_(False)
