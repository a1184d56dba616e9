"""How good a voice is: its speech against every target, beside real recordings, with no clip left out.

    python benchmarks/voice.py RUN_OR_VOICE [--corpus fsdd] [--count 1000] [--json FILE] [--html FILE]
    python benchmarks/voice.py --clips FOLDER ...

FOLDER holds anyone's clips in any layout that a corpus may have. Only a run can reconstruct clips, a voice
file cannot. For the speed and memory of speaking, see benchmarks/say.py.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.metric import CLASSIFIERS, PERCENTILES, show
from voxlet.evaluation.score import Outputs, ScoreRequest, score
from voxlet.evaluation.scorecard import Figure, Scorecard

NATURAL_MARGIN = 0.10
FRECHET_FACTOR = 1.5
VARIETY_SHARE = 0.9
SPEAKER_LEAST, SPEAKER_MARGIN = 0.97, 0.02
SCALES = ("overall", "signal", "p808")


@dataclass(frozen=True)
class Row:
    """A target, and whether it is reached: yes, no, or no but within the error of measurement."""

    name: str
    target: str
    generated: str
    beside: str
    reached: str


def row(figure: Figure, target: str, limit: float | None, *, beside: str = "real", least: bool = True) -> Row:
    """A line of the table: reached where the estimate is at least (or at most) the limit."""
    value, reached = figure.generated, "-"
    if isinstance(value, Interval) and limit is not None:
        sign = 1 if least else -1
        near = value.high if least else value.low
        reached = "yes" if sign * (value.value - limit) >= 0 else "NO"
        reached = "within error" if reached == "NO" and sign * (near - limit) >= 0 else reached
    shown = (show(figure.metric, one) for one in (value, figure.values[beside]))
    return Row(figure.metric.title, target, *shown, reached)


def estimate(item: object) -> float | None:
    """The value of an interval; None for anything else."""
    return item.value if isinstance(item, Interval) else None


def scaled(limit: float | None, factor: float) -> float | None:
    """A limit times a factor; None if there is no limit."""
    return None if limit is None else factor * limit


def targets(card: Scorecard) -> list[Row]:
    """The table's rows, for all targets that were measured."""
    return [
        *accuracy_targets(card),
        *naturalness_targets(card),
        *distribution_targets(card),
        *memorisation_targets(card),
    ]


def found(card: Scorecard, *keys: str) -> list[Figure]:
    """The figures with these keys, as far as they were measured."""
    return [figure for key in keys if (figure := card.find(key)) is not None]


def accuracy_targets(card: Scorecard) -> list[Row]:
    rows = [
        row(figure, "at least real test", estimate(figure.real))
        for figure in found(card, *(f"recognition.{kind}.accuracy" for kind in CLASSIFIERS))
    ]
    for figure in found(card, "speaker.accuracy"):
        real = estimate(figure.real)
        limit = None if real is None else max(SPEAKER_LEAST, real - SPEAKER_MARGIN)
        rows.append(row(figure, "97 %, real test - 2", limit))
    return rows


def naturalness_targets(card: Scorecard) -> list[Row]:
    rows = []
    keys = [f"{part}.dnsmos.{scale}" for scale in SCALES for part in ("naturalness", "reconstruction")]
    for figure in found(card, *keys):
        real = estimate(figure.real)
        rows.append(row(figure, "real test - 0.10", None if real is None else real - NATURAL_MARGIN))
    return rows


def distribution_targets(card: Scorecard) -> list[Row]:
    rows = []
    kinds = ("in_corpus", "cross_corpus")
    for figure in found(card, *(f"distribution.{kind}.frechet_distance" for kind in kinds)):
        limit = scaled(estimate(figure.real_train), FRECHET_FACTOR)
        rows.append(row(figure, "1.5 x real train", limit, beside="real_train", least=False))
    for figure in found(card, *(f"distribution.in_corpus.{name}" for name in ("recall", "coverage"))):
        limit = scaled(estimate(figure.real_train), VARIETY_SHARE)
        rows.append(row(figure, "0.9 x real train", limit, beside="real_train"))
    return rows


def memorisation_targets(card: Scorecard) -> list[Row]:
    # Two estimates of one quantity differ by chance: `no nearer` means not below the real one's interval.
    return [
        row(
            figure,
            "no nearer than real test",
            figure.real.low if isinstance(figure.real, Interval) else None,
        )
        for figure in found(card, *(f"memorisation.nearest.p{percentile}" for percentile in PERCENTILES))
    ]


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
    request = ScoreRequest(asked.model, asked.clips, corpus=asked.corpus, count=asked.count, seed=asked.seed)
    card = score(request, Outputs(json=asked.json, page=asked.html))
    print(*card.lines(), "", sep="\n")
    print(f"{'target':<38} {'':<26} {'generated':<24} {'real':<24} reached")
    for line in targets(card):
        print(f"{line.name:<38} {line.target:<26} {line.generated:<24} {line.beside:<24} {line.reached}")


if __name__ == "__main__":
    main()
