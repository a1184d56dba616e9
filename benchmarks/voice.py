"""How good a voice is: every target for its speech, beside real recordings, no clip left out.

    python benchmarks/voice.py RUN_OR_VOICE [--corpus fsdd] [--count 1000] [--json FILE] [--html FILE]
    python benchmarks/voice.py --clips FOLDER ...

FOLDER is anyone's clips in any layout that a corpus may have. Only a run can rebuild clips, a voice cannot.
How quick and how small speaking is: see benchmarks/say.py.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from voxlet.evaluation.command import score
from voxlet.evaluation.metrics.statistics import Interval
from voxlet.evaluation.scorecard import Figure, Scorecard, show

NATURAL_MARGIN = 0.10
FRECHET_FACTOR = 1.5
VARIETY_SHARE = 0.9
SPEAKER_LEAST, SPEAKER_MARGIN = 0.97, 0.02
PERCENTILES = (1, 5, 50)


@dataclass(frozen=True)
class Row:
    """A target, and whether it is reached: yes, no, or no but within the error of the measure."""

    name: str
    target: str
    made: str
    beside: str
    reached: str


def row(figure: Figure, target: str, limit: float | None, *, beside: str = "real", least: bool = True) -> Row:
    """A line of the table: reached where the estimate is at least (or at most) the limit."""
    made = figure.made
    reached = "-"
    if isinstance(made, Interval) and limit is not None:
        sign = 1 if least else -1
        near = made.high if least else made.low
        reached = "yes" if sign * (made.value - limit) >= 0 else "NO"
        reached = "within error" if reached == "NO" and sign * (near - limit) >= 0 else reached
    against = figure.real if beside == "real" else figure.floor
    return Row(figure.name, target, show(figure.name, made), show(figure.name, against), reached)


def value(item: object) -> float | None:
    """The estimate, where there is one."""
    return item.value if isinstance(item, Interval) else None


def targets(card: Scorecard) -> list[Row]:
    """The table, row by row."""
    rows = []
    for judge in ("own", "stranger", "ready-made"):
        figure = card.figure(f"heard right, {judge} judge")
        rows.append(row(figure, "at least real test", value(figure.real)))
    for scale in ("overall", "signal", "p808"):
        figure = card.figure(f"DNSMOS {scale}")
        real = value(figure.real)
        rows.append(row(figure, "real test - 0.10", None if real is None else real - NATURAL_MARGIN))
        for rebuilt in (f for f in card.figures if f.name == f"DNSMOS {scale}, rebuilt"):
            real = value(rebuilt.real)
            rows.append(row(rebuilt, "real test - 0.10", None if real is None else real - NATURAL_MARGIN))
    for judge in ("own", "stranger"):
        figure = card.figure(f"Frechet distance, {judge} features")
        floor = value(figure.floor)
        limit = None if floor is None else FRECHET_FACTOR * floor
        rows.append(row(figure, "1.5 x real train", limit, beside="floor", least=False))
    figure = card.figure("speaker heard right")
    real = value(figure.real)
    limit = None if real is None else max(SPEAKER_LEAST, real - SPEAKER_MARGIN)
    rows.append(row(figure, "97 %, real test - 2", limit))
    for name in ("recall", "coverage"):
        figure = card.figure(name)
        floor = value(figure.floor)
        rows.append(
            row(figure, "0.9 x real train", None if floor is None else VARIETY_SHARE * floor, beside="floor")
        )
    for percentile in PERCENTILES:
        figure = card.figure(f"nearest training clip, percentile {percentile}")
        # Two estimates of one thing differ by chance: no nearer means not below the real one's interval.
        limit = figure.real.low if isinstance(figure.real, Interval) else None
        rows.append(row(figure, "no nearer than real test", limit))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model", nargs="?")
    parser.add_argument("--clips", type=Path)
    parser.add_argument("--corpus")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--html", type=Path)
    asked = parser.parse_args()
    card = score(
        asked.model,
        asked.clips,
        corpus=asked.corpus,
        count=asked.count,
        seed=asked.seed,
        json=asked.json,
        page=asked.html,
    )
    print(card.table(), "\n")
    print(f"{'target':<38} {'':<26} {'made':<24} {'real':<24} reached")
    for line in targets(card):
        print(f"{line.name:<38} {line.target:<26} {line.made:<24} {line.beside:<24} {line.reached}")


if __name__ == "__main__":
    main()
