"""The scorecard: all measures of a set of clips, beside the same measures of real recordings."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from voxlet.errors import ConfigError
from voxlet.evaluation.classifiers.config import RELIABLE
from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.metric import CATALOGUE, CLASSIFIERS, PART_TITLES, Table, show
from voxlet.evaluation.parts import GENERATED, REAL, SET_TITLES, TRAIN, read_value
from voxlet.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.evaluation.metric import ClassifierKind, Metric, Value

SCHEMA = 1  # of the JSON; raise it when a reader of the old schema would be misled
NAME_WIDTH, CELL_WIDTH = 41, 22  # characters, in the table for the terminal


Tables = dict[str, dict[str, Table]]  # by set (generated, real), then by key


@dataclass(frozen=True)
class Figure:
    """One metric's value for generated clips, for real test clips, and for as many real training clips.

    None: the metric does not apply to that set. A string: why the metric could not be measured.
    """

    key: str
    generated: Value | None
    real: Value | None
    real_train: Value | None
    label: str | None = None  # the label, latent unit or band that the figure is about

    @property
    def metric(self) -> Metric:
        """The metric of this figure."""
        return CATALOGUE[self.key]

    @property
    def values(self) -> dict[str, Value | None]:
        """The values by set."""
        return {GENERATED: self.generated, REAL: self.real, TRAIN: self.real_train}


@dataclass(frozen=True)
class Scorecard:
    """Figures of a set of clips, with the settings and the reference that they were measured with."""

    subject: str
    count: int
    rate: int
    seed: int
    selection: str | None  # how clips were selected; None: they were not
    reference: str
    split: str
    figures: tuple[Figure, ...]
    tables: Tables
    cost: dict[str, float] = field(default_factory=dict)
    version: str = __version__

    def figure(self, key: str, label: str | None = None) -> Figure:
        """The figure of the metric with this key, for all clips or for one label.

        Raises:
            ConfigError: There is no such figure.
        """
        for figure in self.figures:
            if figure.key == key and figure.label == label:
                return figure
        raise ConfigError(f"the scorecard has no figure {key!r}")

    def find(self, key: str) -> Figure | None:
        """The first figure of the metric with this key; None if there is none."""
        return next((figure for figure in self.figures if figure.key == key), None)

    @property
    def unreliable(self) -> dict[ClassifierKind, float]:
        """Kinds of classifier whose accuracy on real test clips is below 95 %, and that accuracy."""
        found: dict[ClassifierKind, float] = {}
        for kind in CLASSIFIERS:
            figure = self.find(f"recognition.{kind}.accuracy")
            if figure is not None and isinstance(figure.real, Interval) and figure.real.value < RELIABLE:
                found[kind] = figure.real.value
        return found

    @property
    def unreliable_labels(self) -> dict[ClassifierKind, dict[str, float]]:
        """Labels whose accuracy on real test clips is below 95 %, with the accuracy, by classifier."""
        kinds = {f"recognition.{kind}.accuracy.by_label": kind for kind in CLASSIFIERS}
        found: dict[ClassifierKind, dict[str, float]] = {}
        for figure in self.figures:
            real = figure.real
            if figure.key in kinds and isinstance(real, Interval) and real.value < RELIABLE:
                found.setdefault(kinds[figure.key], {})[str(figure.label)] = real.value
        return found

    def to_json(self) -> str:
        """The scorecard as JSON; an interval is an object with value, low, high, count."""
        stored = {
            "schema": SCHEMA,
            **asdict(self),
            "unreliable_classifiers": self.unreliable,
            "unreliable_labels": self.unreliable_labels,
        }
        return json.dumps(stored, indent=2, ensure_ascii=False)

    def summary(self) -> dict[str, object]:
        """Summary for a voice's model card: all figures but those by label, each as [value, low, high]."""
        figures = {}
        for figure in self.figures:
            told = {
                role: [float(f"{number:.4g}") for number in (value.value, value.low, value.high)]
                for role, value in figure.values.items()
                if isinstance(value, Interval)
            }
            if figure.label is None and told:
                figures[figure.key] = told
        return {
            "schema": SCHEMA,
            "reference": self.reference,
            "split": self.split,
            "clips": self.count,
            "seed": self.seed,
            "measured_with": f"voxlet {self.version}",
            "unreliable_classifiers": sorted(self.unreliable),
            "unreliable_labels": {kind: sorted(found) for kind, found in self.unreliable_labels.items()},
            "figures": figures,
        }

    def lines(self) -> list[str]:
        """A table for the terminal, 110 columns wide; reasons too long for a cell are numbered below it."""
        lines = [*self.header(), ""]
        part = None
        reasons: dict[str, str] = {}
        for figure in self.figures:
            if figure.label is not None:
                continue
            if figure.metric.part != part:
                part = figure.metric.part
                lines.append(row(PART_TITLES[part], list(SET_TITLES.values())))
            cells = [show(figure.metric, value) for value in figure.values.values()]
            for number, cell in enumerate(cells):
                if len(cell) > CELL_WIDTH:
                    cells[number] = reasons.setdefault(cell, f"({len(reasons) + 1})")
            lines.append(row(f"  {figure.metric.title}", cells))
        if reasons:
            lines += ["", *(f"{number} {reason}" for reason, number in reasons.items())]
        lines += self.label_lines()
        if self.cost:
            costs = ", ".join(f"{name.replace('_', ' ')} {value:,.4g}" for name, value in self.cost.items())
            lines += ["", f"Cost: {costs}"]
        return lines

    def header(self) -> list[str]:
        """Lines that say what was measured and against what, and warnings."""
        chosen = "none left out" if self.selection is None else f"SELECTED: {self.selection}"
        return [
            f"{self.subject}: {self.count:,} clips at {self.rate:,} Hz, seed {self.seed}, {chosen}",
            f"against {self.reference}, split {self.split}; in brackets 95 % confidence intervals",
            *(f"! {warning}" for warning in self.warnings()),
        ]

    def warnings(self) -> list[str]:
        """Warnings about unreliable classifiers, and about labels for which a classifier is unreliable."""
        whole = [
            f"the {CLASSIFIERS[kind]} is unreliable: its accuracy on real clips is {100 * value:.1f} %, "
            f"below {100 * RELIABLE:.0f} %; compare with the real column only"
            for kind, value in self.unreliable.items()
        ]
        weak = [
            f"the {CLASSIFIERS[kind]} is unreliable for "
            + ", ".join(f"{label} ({100 * value:.0f} % of real clips)" for label, value in found.items())
            for kind, found in self.unreliable_labels.items()
        ]
        return [*whole, *weak]

    def label_lines(self) -> list[str]:
        """Accuracy by label, generated clips beside real ones, a column for each classifier."""
        rows: dict[str, dict[str, str]] = {}
        kinds = {f"recognition.{kind}.accuracy.by_label": name for kind, name in CLASSIFIERS.items()}
        for figure in self.figures:
            if figure.label is not None and figure.key in kinds:
                pair = [
                    f"{100 * value.value:.0f}" if isinstance(value, Interval) else "-"
                    for value in (figure.generated, figure.real)
                ]
                rows.setdefault(figure.label, {})[figure.key] = " / ".join(pair)
        used = {key: name for key, name in kinds.items() if any(key in cells for cells in rows.values())}
        if not rows:
            return []
        names = [name.removesuffix(" classifier") for name in used.values()]
        return [
            "",
            row("Accuracy by label, %, generated / real", names),
            *(row(f"  {label}", [cells.get(key, "") for key in used]) for label, cells in rows.items()),
        ]


def row(name: str, cells: Sequence[str]) -> str:
    """A line of the table."""
    return (f"{name:<{NAME_WIDTH + 2}} " + " ".join(f"{cell:<{CELL_WIDTH}}" for cell in cells)).rstrip()


def read_scorecard(text: str) -> Scorecard:
    """The scorecard that `to_json` wrote.

    Raises:
        ConfigError: The text is not a scorecard, or one of another schema.
    """
    try:
        stored: dict[str, Any] = json.loads(text)
        if stored.pop("schema") != SCHEMA:
            raise ConfigError(
                f"the scorecard is not of schema {SCHEMA}",
                remedy="measure again: voxlet score ... --json FILE",
            )
        for derived in ("unreliable_classifiers", "unreliable_labels"):
            stored.pop(derived, None)
        figures = tuple(read_figure(figure) for figure in stored.pop("figures"))
        return Scorecard(figures=figures, **stored)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"this is not a scorecard ({error})") from error


def read_figure(stored: dict[str, Any]) -> Figure:
    """A figure from its stored fields."""
    values = {name: None if stored[name] is None else read_value(stored[name]) for name in SET_TITLES}
    return Figure(stored["key"], **values, label=stored["label"])
