"""`voxlet generate`: many clips of one text."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.cli.output import answer
from voxlet.cli.parser import number, whole_number

if TYPE_CHECKING:
    import argparse

SUMMARY = "say a text many times with a trained run or a voice"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet generate`."""
    add = parser.add_argument
    add("model", metavar="MODEL", help="a run's folder, or a voice")
    add("text", metavar="TEXT", help="what to say, such as 4091")
    add("--out", type=Path, required=True, metavar="DIR", help="folder for the WAV files")
    add("-n", "--count", type=whole_number, default=1, metavar="N", help="number of files (%(default)s)")
    add(
        "--seed",
        type=whole_number,
        default=0,
        metavar="N",
        help="of the first file; the next have the next (0)",
    )
    add("--speaker", metavar="NAME", help="who speaks, where a voice has speakers")
    add(
        "--rate",
        type=whole_number,
        metavar="HZ",
        help="sampling rate of the files; without it the model's own",
    )
    add("--gap", type=number, metavar="SECONDS", help="between the words of a group (0.08)")


def run(arguments: argparse.Namespace) -> None:
    """Write the files, and print their folder."""
    from voxlet.recipes.generate import generate
    from voxlet.recipes.opened import load

    generate(
        load(arguments.model),
        arguments.text,
        arguments.out,
        count=arguments.count,
        seed=arguments.seed,
        speaker=arguments.speaker,
        rate=arguments.rate,
        gap=arguments.gap,
    )
    answer(arguments.out)
