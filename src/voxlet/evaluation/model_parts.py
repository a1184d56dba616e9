"""The parts of a scorecard that look into a run or a voice: reconstruction, latent space, fresh styles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from voxlet.evaluation.metric import Measurement
from voxlet.evaluation.metrics import explained_share, latents, reconstruction, styles
from voxlet.evaluation.parts import GENERATED, REAL
from voxlet.recipes.opened import ClipRun, Voice, VoiceRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.metric import Figures
    from voxlet.recipes.opened import Opened

OWNERS = {"reconstruction": "a run", "latents": "the run of a clip VAE", "styles": "a voice"}


def parts_of(model: Opened) -> tuple[str, ...]:
    """The parts that this model has."""
    if isinstance(model, ClipRun):
        return ("reconstruction", "latents")
    return ("reconstruction", "styles") if isinstance(model, VoiceRun) else ("styles",)


def measure_model(
    model: Opened, parts: Sequence[str], train: ClipSet, *, seed: int = 0
) -> Iterator[tuple[str, dict[str, Measurement]]]:
    """These parts of a model, each with what was measured by set: the model's own, and of real clips.

    Args:
        model: A run or a voice, which must have the parts.
        parts: Names of parts.
        train: Real training clips with speakers, for fresh styles.
        seed: Of every random draw.
    """
    if "latents" in parts and isinstance(model, ClipRun):
        yield "latents", {GENERATED: latent_space(model)}
    if "reconstruction" in parts and not isinstance(model, Voice):
        yield "reconstruction", measured(*reconstructions(model, seed=seed))
    if "styles" in parts and not isinstance(model, ClipRun):
        voice = model if isinstance(model, Voice) else model.voice
        yield "styles", measured(*styles.evaluate(voice, train, seed=seed))


def measured(generated: Figures, real: Figures) -> dict[str, Measurement]:
    """Figures of both sets, by set."""
    return {GENERATED: Measurement(generated), REAL: Measurement(real)}


def reconstructions(run: ClipRun | VoiceRun, *, seed: int = 0) -> tuple[Figures, Figures]:
    """How natural and how near reconstructions of real test clips are; second the same of the clips.

    The phase of a clip VAE is Griffin-Lim's. PESQ and STOI follow the waveform, and so count that as a fault.
    """
    rows = run.split.test
    originals = [run.prepared.clip(int(row)) for row in rows]
    return reconstruction.evaluate(originals, run.reconstruct(rows), run.rate, seed=seed)


def latent_space(run: ClipRun) -> Measurement:
    """How a clip VAE's latent space is ordered, and how well the model explains the test clips."""
    train, test = (
        latents.LatentClips(run.encode(rows).mean, run.prepared.labels[rows], run.prepared.speakers[rows])
        for rows in (run.split.train, run.split.test)
    )
    amortised, refined = (run.explain(run.split.test, refined=refine) for refine in (False, True))
    losses = explained_share.Losses(amortised.loss, refined.loss, amortised.kl_per_unit, amortised.clips)
    return Measurement(latents.evaluate(train, test) | explained_share.evaluate(losses, loss_bounds(run)))


def loss_bounds(run: ClipRun) -> explained_share.LossBounds | None:
    """The bounds of a run's test loss; None for a Gaussian likelihood."""
    if run.config.model.likelihood != "bernoulli":
        return None
    total = sum(part.double().sum(0) for part in run.spectrogram_parts(run.split.train))
    mean = torch.as_tensor(total / len(run.split.train)).float()
    return explained_share.loss_bounds(mean, run.spectrogram_parts(run.split.test))
