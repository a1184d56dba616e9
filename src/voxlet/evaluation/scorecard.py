"""The scorecard: everything measured of a set of clips, beside the same measures of real recordings."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import ConfigError
from voxlet.evaluation.classifiers.trained import FIT
from voxlet.evaluation.metrics.statistics import Interval
from voxlet.evaluation.parts import INSIDES, MADE, PARTS, REAL, TRAIN, Bench, Table, Value, measure
from voxlet.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.reference import Reference


@dataclass(frozen=True)
class Figure:
    """One measure of the made clips, of real test clips, and of real training clips in their place.

    None: the measure makes no sense for that set. A string: it does, but could not be taken, and why.
    """

    part: str
    name: str
    made: Value | None
    real: Value | None
    floor: Value | None
    label: str | None = None  # the figure is about this label alone


@dataclass(frozen=True)
class Scorecard:
    """What was measured, of what, against what, and how."""

    subject: str
    count: int
    rate: int
    seed: int
    selection: str | None  # how clips were chosen; None: not at all
    reference: str
    split: str
    figures: tuple[Figure, ...]
    tables: dict[str, dict[str, Table]]  # by set ("made", "real test"), then by name
    cost: dict[str, float] = field(default_factory=dict)
    version: str = __version__

    def figure(self, name: str) -> Figure:
        """The figure of that name.

        Raises:
            ConfigError: There is none.
        """
        for figure in self.figures:
            if figure.name == name:
                return figure
        raise ConfigError(f"the scorecard has no figure {name!r}")

    @property
    def unfit(self) -> dict[str, float]:
        """Judges that hear less than 95 % of real test clips right, and how much they do hear."""
        found = {}
        for figure in self.figures:
            if figure.name.startswith("heard right") and isinstance(figure.real, Interval):
                judge = figure.name.removeprefix("heard right, ").removesuffix(" judge")
                if figure.real.value < FIT:
                    found[judge] = figure.real.value
        return found

    def to_json(self) -> str:
        """All of it; an interval is an object with value, low, high, count."""
        return json.dumps({**asdict(self), "unfit_judges": self.unfit}, indent=2)

    def summary(self) -> dict[str, object]:
        """What a voice's model card has of it: all but labels, each as [value, low, high]."""
        figures = {}
        for figure in self.figures:
            sides = {MADE: figure.made, REAL: figure.real, TRAIN: figure.floor}
            told = {
                side: [float(f"{number:.4g}") for number in (value.value, value.low, value.high)]
                for side, value in sides.items()
                if isinstance(value, Interval)
            }
            if figure.label is None and told:
                figures[figure.name] = told
        return {
            "reference": self.reference,
            "split": self.split,
            "clips": self.count,
            "seed": self.seed,
            "measured_with": f"voxlet {self.version}",
            "unfit_judges": sorted(self.unfit),
            "figures": figures,
        }

    def table(self) -> str:
        """A table for the terminal, 100 columns wide."""
        lines = [*self.header(), ""]
        part = None
        for figure in self.figures:
            if figure.label is not None:
                continue
            if figure.part != part:
                part = figure.part
                lines.append(f"{title_of(part):<43} {MADE:<22} {REAL:<22} {TRAIN}")
            cells = (show(figure.name, value) for value in (figure.made, figure.real, figure.floor))
            made, real, floor = cells
            lines.append(f"  {figure.name:<41} {made:<22} {real:<22} {floor}".rstrip())
        lines += self.label_lines()
        if self.cost:
            costs = ", ".join(f"{name.replace('_', ' ')} {value:,.4g}" for name, value in self.cost.items())
            lines += ["", f"Cost: {costs}"]
        return "\n".join(lines)

    def header(self) -> list[str]:
        """What the figures are about, and which judges to take with care."""
        chosen = "none left out" if self.selection is None else f"SELECTED: {self.selection}"
        lines = [
            f"{self.subject}: {self.count:,} clips at {self.rate:,} Hz, seed {self.seed}, {chosen}",
            f"against {self.reference}, split {self.split}; in brackets 95 % confidence intervals",
        ]
        for judge, value in self.unfit.items():
            lines.append(
                f"! the {judge} judge hears only {100 * value:.1f} % of real clips right (a fit one at least "
                f"{100 * FIT:.0f} %): compare with its real column only"
            )
        return lines

    def label_lines(self) -> list[str]:
        """Share heard right by label, made clips beside real ones."""
        rows: dict[str, dict[str, str]] = {}
        for figure in self.figures:
            if figure.label is not None:
                judge = figure.name.removeprefix(f"{figure.label}, ")
                pair = [
                    f"{100 * v.value:.0f}" if isinstance(v, Interval) else "-"
                    for v in (figure.made, figure.real)
                ]
                rows.setdefault(figure.label, {})[judge] = " / ".join(pair)
        if not rows:
            return []
        judges = list(next(iter(rows.values())))
        lines = [
            "",
            f"{'By label, %, made / real test':<43} " + " ".join(f"{name:<22}" for name in judges).rstrip(),
        ]
        for label, row in rows.items():
            lines.append(f"  {label:<41} " + " ".join(f"{row.get(name, ''):<22}" for name in judges).rstrip())
        return lines


def title_of(part: str) -> str:
    """What a part is called in tables."""
    return INSIDES.get(part) or PARTS[part].title


def show(name: str, value: Value | None) -> str:
    """A value as a table has it: `99.7 % [98.8, 99.9]`, `1.24 [1.11, 1.37]`, or the reason there is none."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    if name.startswith("explained share"):
        return f"{100 * value.value:.1f} %"
    if "heard right" in name:
        low, high = (f"{100 * end:.1f}" for end in (value.low, value.high))
        return f"{100 * value.value:.1f} % [{low}, {high}]"
    if value.low == value.high == value.value:
        return f"{value.value:.4g}"
    digits = 2 if abs(value.value) < 100 else 0
    digits = 3 if abs(value.value) < 1 else digits
    return f"{value.value:.{digits}f} [{value.low:.{digits}f}, {value.high:.{digits}f}]"


def evaluate(
    clips: ClipSet,
    reference: Reference,
    *,
    only: Sequence[str] = (),
    seed: int = 0,
    progress: bool = True,
    cost: dict[str, float] | None = None,
) -> Scorecard:
    """Measure a set of clips against a reference; parts that were measured before come from the cache.

    Args:
        clips: What to measure. Its labels must be the reference's.
        reference: Real training and test clips.
        only: Names of parts; all of them unless given.
        seed: Of every random draw.
        progress: Show a bar.
        cost: What making the clips took, shown as it is.

    Raises:
        ConfigError: There is no such part.
        ScoreError: A clip has a label that the reference has not.
    """
    from tqdm import tqdm

    wanted = list(only) or [name for name, part in PARTS.items() if part.by_default]
    if strange := [name for name in wanted if name not in PARTS]:
        raise ConfigError(
            f"no part {strange[0]!r}", where="--only", remedy=f"the parts are {', '.join(PARTS)}"
        )
    names = reference.train.label_names, reference.train.speaker_names
    subject = clips.renamed(*names)
    bench = Bench(reference, min(clips.rate, reference.train.rate), seed, progress)
    rng = np.random.default_rng(seed)
    # As many real training clips as made ones: all these measures depend on how many clips there are.
    drawn = np.sort(rng.permutation(len(reference.train))[: len(clips)])
    sets = {MADE: subject, REAL: reference.test, TRAIN: reference.train.take(drawn)}
    figures: list[Figure] = []
    tables: dict[str, dict[str, Table]] = {MADE: {}, REAL: {}}
    jobs = [(part, role) for part in wanted for role in sets if role in PARTS[part].sets]
    bar = tqdm(jobs, desc="scoring", unit="part", disable=None if progress else True, leave=False)
    found: dict[str, dict[str, Value]] = {}
    for part, role in bar:
        bar.set_postfix_str(f"{part}, {role}")
        result = measure(bench, part, sets[role])
        found[role] = result.figures
        if role in tables:
            tables[role] |= result.tables
        if (part, role) == [job for job in jobs if job[0] == part][-1]:
            figures += collect(part, found, names[0])
            found = {}
    card = bare(clips, reference, seed=seed, cost=cost)
    return replace(card, figures=tuple(figures), tables=tables)


def bare(
    clips: ClipSet, reference: Reference, *, seed: int = 0, cost: dict[str, float] | None = None
) -> Scorecard:
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
        cost=cost or {},
    )


def collect(part: str, found: dict[str, dict[str, Value]], label_names: tuple[str, ...]) -> list[Figure]:
    """Figures of a part from what was found in each set."""
    order = dict.fromkeys(name for figures in found.values() for name in figures)
    figures = []
    for name in order:
        made, real, floor = (found.get(role, {}).get(name) for role in (MADE, REAL, TRAIN))
        label = next((label for label in label_names if name.startswith(f"{label}, ")), None)
        figures.append(Figure(part, name, made, real, floor, label))
    return figures
