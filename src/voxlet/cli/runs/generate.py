"""`voxlet generate`: generate many clips of one text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.cli.output import print_answer
from voxlet.cli.parser import a_path, number, whole_number

if TYPE_CHECKING:
    import argparse

SUMMARY = "say a text many times with a run or a voice"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet generate`."""
    add = parser.add_argument
    add("model", metavar="MODEL", help="a run's folder, or a voice")
    add("text", metavar="TEXT", help="what to say, such as 4091")
    add("--out", type=a_path, required=True, metavar="DIR", help="folder for the WAV files")
    add(
        "-n",
        "--count",
        type=whole_number,
        default=1,
        metavar="N",
        help="number of files (default: %(default)s)",
    )
    add(
        "--seed",
        type=whole_number,
        default=0,
        metavar="N",
        help="seed of the first file, counted up for the others (default: 0)",
    )
    add("--speaker", metavar="NAME", help="who speaks, if the voice has named speakers")
    add(
        "--rate",
        type=whole_number,
        metavar="HZ",
        help="sampling rate of the files (default: the model's own)",
    )
    add("--gap", type=number, metavar="SECONDS", help="between the words of a group (default: 0.08)")


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
    print_answer(arguments.out)
