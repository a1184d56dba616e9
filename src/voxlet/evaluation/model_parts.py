"""The parts of a scorecard that measure the model itself: reconstruction, latent space, fresh styles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from voxlet.evaluation.classifiers.opened import open_classifiers
from voxlet.evaluation.metric import Measurement
from voxlet.evaluation.metrics import explained_share, latents, reconstruction, styles
from voxlet.evaluation.parts import GENERATED, REAL
from voxlet.recipes.opened import ClipRun, Voice, VoiceRun

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from voxlet.evaluation.metric import Figures
    from voxlet.evaluation.reference import Reference
    from voxlet.recipes.opened import Opened

OWNERS = {"reconstruction": "a run", "latents": "the run of a clip VAE", "styles": "a voice"}


def parts_of(model: Opened) -> tuple[str, ...]:
    """The parts that can be measured for this model."""
    if isinstance(model, ClipRun):
        return ("reconstruction", "latents")
    return ("reconstruction", "styles") if isinstance(model, VoiceRun) else ("styles",)


def measure_model(
    model: Opened, parts: Sequence[str], reference: Reference, *, seed: int = 0
) -> Iterator[tuple[str, dict[str, Measurement]]]:
    """Measure parts of a model: yield each part's name, and its measurement by set (generated, real).

    Args:
        model: A run or a voice for which the parts can be measured.
        parts: Names of parts.
        reference: The recordings to compare fresh styles with.
        seed: Seed of every random draw.

    Raises:
        ScoreError: The reference has fewer than two training clips, and fresh styles are asked for.
    """
    if "latents" in parts and isinstance(model, ClipRun):
        yield "latents", {GENERATED: latent_space(model)}
    if "reconstruction" in parts and not isinstance(model, Voice):
        yield "reconstruction", measured(*reconstructions(model, seed=seed))
    if "styles" in parts and not isinstance(model, ClipRun):
        voice = model if isinstance(model, Voice) else model.voice
        yield "styles", fresh_styles(voice, reference, seed=seed)


def fresh_styles(voice: Voice, reference: Reference, *, seed: int = 0) -> dict[str, Measurement]:
    """Measurements, by set, of fresh styles and of the reference's speakers."""
    classifiers = open_classifiers(reference, voice.rate, kinds=styles.KINDS)
    said = styles.fresh_clips(voice, styles.STYLES, seed)
    words = styles.recognised(said, classifiers, reference.train.label_names)
    generated, real = styles.evaluate(said, reference.train, seed=seed)
    return measured(words | generated, real)


def measured(generated: Figures, real: Figures) -> dict[str, Measurement]:
    """Measurements by set, from the figures of generated and of real clips."""
    return {GENERATED: Measurement(generated), REAL: Measurement(real)}


def reconstructions(run: ClipRun | VoiceRun, *, seed: int = 0) -> tuple[Figures, Figures]:
    """Figures of reconstructed real test clips, and second those of the original clips.

    A clip VAE's phase comes from Griffin-Lim. PESQ and STOI follow the waveform, so they penalise it.
    """
    rows = run.split.test
    originals = [run.prepared.clip(int(row)) for row in rows]
    return reconstruction.evaluate(originals, run.reconstruct(rows), run.rate, seed=seed)


def latent_space(run: ClipRun) -> Measurement:
    """Structure of a clip VAE's latent space, and how well the model explains the test clips."""
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
