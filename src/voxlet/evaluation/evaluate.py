"""Measure a set of clips, part by part, beside the same measures of real recordings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from voxlet.engines.engine import HERE
from voxlet.errors import ConfigError
from voxlet.evaluation.classifiers.opened import in_corpus_inputs
from voxlet.evaluation.metric import metrics_of
from voxlet.evaluation.parts import (
    GENERATED,
    PARTS,
    REAL,
    SET_TITLES,
    TRAIN,
    Comparison,
    Measure,
    measure_versions,
    read_cached,
    store_cached,
)
from voxlet.evaluation.scorecard import Figure, Scorecard
from voxlet.training.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlet.engines.engine import Engine
    from voxlet.evaluation.classifiers.opened import Classifiers
    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.metric import ClassifierKind, Measurement, Table, Value
    from voxlet.evaluation.reference import Reference


def parts_asked(only: Sequence[str]) -> list[str]:
    """Names of the parts to measure: those given, or all that are measured by default.

    Raises:
        ConfigError: There is no such part.
    """
    if strange := [name for name in only if name not in PARTS]:
        raise ConfigError(
            f"there is no part {strange[0]!r}", where="--only", remedy=f"the parts are {', '.join(PARTS)}"
        )
    return list(only) or [name for name, part in PARTS.items() if part.by_default]


def classifiers_used(parts: Sequence[str]) -> set[ClassifierKind]:
    """The kinds of classifier that these parts use."""
    return {kind for part in parts for kind in PARTS[part].uses}


def evaluate(
    clips: ClipSet,
    reference: Reference,
    classifiers: Classifiers,
    *,
    only: Sequence[str] = (),
    seed: int = 0,
    progress: bool = True,
    engine: Engine = HERE,
) -> Scorecard:
    """Measure a set of clips against a reference; parts that were measured before come from the cache.

    Args:
        clips: The set to measure. Its labels must be among the reference's.
        reference: Real training and test clips.
        classifiers: Classifiers opened for the reference, at least those that the parts use.
        only: Names of parts; if empty, all that are measured by default.
        seed: Seed of every random draw.
        progress: Show a progress bar.
        engine: Runs the measurements that are not in the cache.

    Raises:
        ConfigError: There is no such part.
        ScoreError: A clip has a label that the reference does not have.
        VoxletError: Workers of the engine die, or have other versions installed.
    """
    parts = parts_asked(only)
    subject = clips.renamed(reference.train.label_names, reference.train.speaker_names)
    inputs = in_corpus_inputs(reference, clips.rate)
    comparison = Comparison(reference, classifiers, inputs, seed)
    # As many real training clips as generated ones, since all these measures depend on the number of clips.
    rng = np.random.default_rng(seed)
    drawn = np.sort(rng.permutation(len(reference.train))[: len(clips)])
    sets = {GENERATED: subject, REAL: reference.test, TRAIN: reference.train.take(drawn)}
    jobs = [(part, role) for part in parts for role in sets if role in PARTS[part].sets]
    measured = {job: read_cached(comparison, job[0], sets[job[1]]) for job in jobs}
    left = [job for job, measurement in measured.items() if measurement is None]
    with Progress("measuring", silent=not progress) as shown:
        if left:  # the first result may take minutes
            shown.note(", ".join(dict.fromkeys(part for part, _ in left)))
        task = Measure(comparison, sets, tuple(sorted(measure_versions().items())))
        for done, (job, measurement) in enumerate(engine.results(task, left) if left else ()):
            store_cached(comparison, job[0], sets[job[1]], measurement)
            measured[job] = measurement
            shown.share((done + 1) / len(left), f"{job[0]}, {SET_TITLES[job[1]]} clips")
    found: dict[str, dict[str, Measurement]] = {part: {} for part in parts}
    for part, role in jobs:
        if (measurement := measured[part, role]) is not None:
            found[part][role] = measurement
    figures = [figure for part in parts for figure in figures_of(part, found[part])]
    card = bare_scorecard(clips, reference, seed)
    return replace(card, figures=tuple(figures), tables=tables_of(found))


def bare_scorecard(clips: ClipSet, reference: Reference, seed: int = 0) -> Scorecard:
    """A scorecard without figures."""
    return Scorecard(
        subject=clips.name,
        count=len(clips),
        rate=clips.rate,
        seed=seed,
        selection=clips.selection,
        reference=reference.name,
        split=reference.split,
        figures=(),
        tables={},
    )


def figures_of(part: str, found: Mapping[str, Measurement]) -> list[Figure]:
    """Figures of a part from the measurement of each set, in the catalogue's order."""
    figures = []
    for metric in metrics_of(part):
        values = {role: measurement.figures.get(metric.key) for role, measurement in found.items()}
        several = {role: value for role, value in values.items() if isinstance(value, dict)}
        names = dict.fromkeys(name for value in several.values() for name in value)
        figures += [
            figure(metric.key, {role: several[role].get(name) for role in several}, name) for name in names
        ]
        single: dict[str, Value | None] = {
            role: value for role, value in values.items() if value is not None and not isinstance(value, dict)
        }
        if single:
            figures.append(figure(metric.key, single))
    return figures


def figure(key: str, values: Mapping[str, Value | None], label: str | None = None) -> Figure:
    """A figure from its values by set."""
    return Figure(key, values.get(GENERATED), values.get(REAL), values.get(TRAIN), label)


def tables_of(found: Mapping[str, Mapping[str, Measurement]]) -> dict[str, dict[str, Table]]:
    """Tables of all parts by set and key, for the generated and the real test clips."""
    tables: dict[str, dict[str, Table]] = {GENERATED: {}, REAL: {}}
    for part in found.values():
        for role, measurement in part.items():
            if role in tables:
                tables[role] |= measurement.tables
    return tables
