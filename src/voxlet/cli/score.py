"""`voxlet score`: measure a run, a voice or anyone's labelled clips, beside real recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

SUMMARY = "measure a run, a voice or any clips beside real recordings"
PARTS = (
    "with commas between: recognition, naturalness, distribution, speaker, memorisation; of a run "
    "reconstruction, latents; of a voice styles; utility is measured only when it is asked for"
)
PAIRS = "write the ten generated clips nearest to a training clip, each beside it, into this folder"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    argument = parser.add_argument
    argument("model", nargs="?", metavar="MODEL", help="a run's folder, or a voice")
    argument("--clips", type=Path, metavar="FOLDER", help="in its place, a folder of labelled sound files")
    argument("--corpus", help="real recordings to measure against; a run's own, else fsdd, without it")
    argument("-n", "--count", type=int, default=1000, help="clips to generate; none of them is left out")
    argument("--seed", type=int, default=0, help="of the clips and of every random draw")
    argument("--only", default="", metavar="PARTS", help=PARTS)
    argument("--selected", metavar="HOW", help="how the clips in the folder were chosen, if they were")
    argument("--json", type=Path, metavar="FILE", help="write all figures to this file")
    argument("--html", type=Path, metavar="FILE", help="write a page with players and pictures to this file")
    argument("--pairs", type=Path, metavar="FOLDER", help=PAIRS)
    argument("--stamp", action="store_true", help="write the figures into the voice file's model card")


def run(arguments: argparse.Namespace) -> None:
    """Measure, write what was asked for, and print the table."""
    from voxlet.evaluation.score import Outputs, ScoreRequest, score

    only = tuple(name.strip() for name in arguments.only.split(",") if name.strip())
    request = ScoreRequest(
        model=arguments.model,
        clips=arguments.clips,
        corpus=arguments.corpus,
        count=arguments.count,
        seed=arguments.seed,
        only=only,
        selection=arguments.selected,
    )
    outputs = Outputs(arguments.json, arguments.html, arguments.pairs, arguments.stamp)
    print(score(request, outputs).table())
