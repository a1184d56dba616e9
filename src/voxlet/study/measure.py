"""Train and measure a row of the study: losses, the scorecard's figures, and its latent space."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.errors import VoxletError
from voxlet.evaluation.classifiers.opened import open_classifiers
from voxlet.evaluation.clipset import sample_clips
from voxlet.evaluation.evaluate import classifiers_used, evaluate
from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.model_parts import latent_space, loss_bounds
from voxlet.evaluation.parts import GENERATED, REAL
from voxlet.evaluation.reference import reference_of
from voxlet.models.plane import find_plane
from voxlet.recipes.opened import ClipRun
from voxlet.recipes.train import train
from voxlet.study.outcome import Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from voxlet.evaluation.metric import Value
    from voxlet.evaluation.reference import Reference
    from voxlet.speak.speech import Sampler
    from voxlet.study.plan import Row

FULL_PARTS = ("recognition", "naturalness", "distribution", "memorisation")
PARTS = ("recognition", "distribution")
TRAIN_CLIPS = 500  # at most, for the training loss

Values = dict[str, dict[str, "Value | None"]]


def attempt(
    row: Row, corpus: str, count: int, folder: Path, key: str, *, layout: str | None = None
) -> Outcome:
    """The outcome of a row; if it cannot be measured, an outcome with the reason."""
    try:
        return measure_row(row, corpus, count, folder, key, layout=layout)
    except VoxletError as error:
        return Outcome(row.name, row.heading, row.epochs, error=str(error), key=key)


def measure_row(
    row: Row, corpus: str, count: int, folder: Path, key: str, *, layout: str | None = None
) -> Outcome:
    """Train a row, unless it is already trained, and measure it.

    Args:
        row: A row of the plan.
        corpus: The corpus of real clips.
        count: Clips to generate.
        folder: The folder of the run.
        key: Key under which the outcome is kept.
        layout: How the corpus's files are named; detected if None.

    Raises:
        VoxletError: The row cannot be trained or measured.
    """
    run = train(row.preset, corpus, folder, epochs=row.epochs, config=row.config(), layout=layout)
    assert isinstance(run, ClipRun)
    split = run.split
    some = split.train[:: 1 + len(split.train) // TRAIN_CLIPS]
    losses = [run.explain(rows).loss for rows in (some, split.validation, split.test)]
    bounds = loss_bounds(run)
    figures = figures_of(run.with_phase(row.phase), reference_of(run.dataset), count, full=row.full)
    latents, units = latent_figures(run) if row.full else ({}, ())
    return Outcome(
        name=row.name,
        title=row.heading,
        epochs=row.epochs,
        parameters=run.parameters,
        train_loss=losses[0],
        validation_loss=losses[1],
        test_loss=losses[2],
        explained=None if bounds is None else bounds.explained(losses[2]),
        figures=figures | latents,
        kl_per_unit=units,
        curve=curve_of(run),
        points=points_of(run),
        labels=run.prepared.label_names,
        key=key,
    )


def figures_of(sampler: Sampler, real: Reference, count: int, *, full: bool) -> Values:
    """The scorecard's figures of generated and real clips, by key, without those for single labels."""
    parts = FULL_PARTS if full else PARTS
    clips = sample_clips(sampler, count)
    classifiers = open_classifiers(real, clips.rate, kinds=classifiers_used(parts))
    card = evaluate(clips, real, classifiers, only=parts, progress=False)
    return {
        figure.key: {GENERATED: figure.generated, REAL: figure.real}
        for figure in card.figures
        if figure.label is None
    }


def latent_figures(run: ClipRun) -> tuple[Values, tuple[float, ...]]:
    """The scorecard's figures of the latent space, by key, and the KL divergence of each unit."""
    found: Values = {}
    units: tuple[float, ...] = ()
    for key, value in latent_space(run).figures.items():
        if isinstance(value, dict):
            units = tuple(one.value for one in value.values() if isinstance(one, Interval))
        else:
            found[key] = {GENERATED: value, REAL: None}
    return found, units


def curve_of(run: ClipRun) -> tuple[tuple[float, float], ...]:
    """Pairs of epoch and validation loss."""
    lines = [line for line in run.metrics() if "validation_loss" in line]
    return tuple((float(str(line["epoch"])), float(str(line["validation_loss"]))) for line in lines)


def points_of(run: ClipRun) -> tuple[tuple[float, float, int], ...]:
    """Places and labels of the test clips, on the latent plane in which the training clips differ most."""
    train, test = (run.encode(rows).mean for rows in (run.split.train, run.split.test))
    places = find_plane(train).project(test)
    labels = run.prepared.labels[run.split.test]
    return tuple(
        (round(float(x), 3), round(float(y), 3), int(label))
        for (x, y), label in zip(places, labels, strict=True)
    )
