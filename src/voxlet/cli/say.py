"""`voxlet say`: say a text with a voice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.cli.output import answer
from voxlet.cli.parser import number, whole_number

if TYPE_CHECKING:
    import argparse

SUMMARY = "say digits or words with a voice"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet say`; their names are the fields of `speaking.Request`."""
    add = parser.add_argument
    add("text", nargs="*", metavar="TEXT", help="such as 4091 or 'four zero'; - reads it from standard input")
    add(
        "-o",
        "--out",
        metavar="FILE",
        help="WAV file to write, - for standard output; without it and without --play, a file in this folder "
        "that is named after the text, such as 4091.wav",
    )
    add(
        "--voice",
        default="digits",
        metavar="NAME|FILE",
        help="one of `voxlet voices`, or a voice file (digits)",
    )
    add(
        "--speaker", metavar="NAME", help="who speaks: a name, a blend such as george:0.7,theo:0.3, or random"
    )
    add("--style", metavar="NUMBERS", help="instead of a speaker, a point in the style space: 0.3,-1.2,...")
    add("--like", type=Path, metavar="FILE", help="instead of a speaker, a recording of the one to resemble")
    add(
        "--speed",
        type=number,
        default=1.0,
        metavar="RATIO",
        help="times as fast as the speaker's own way (1)",
    )
    add("--pitch", type=number, default=0.0, metavar="SEMITONES", help="above the speaker's own (0)")
    add(
        "--clarity",
        type=number,
        default=1.0,
        metavar="SHARE",
        help="0 as the speaker's own recordings, 1 as the cleanest ones that the voice learned from (1); "
        "these three only where the voice has learned them",
    )
    add(
        "--seed", type=whole_number, default=0, metavar="N", help="another seed, another way of saying it (0)"
    )
    add(
        "--rate",
        type=whole_number,
        metavar="HZ",
        help="sampling rate of the result; without it the voice's own",
    )
    add("--gap", type=number, metavar="SECONDS", help="between the words of a group (0.08)")
    add("--play", action="store_true", help="play it on the sound device")
    add("--json", action="store_true", help="print what was said, with the times of its words, as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Say the text, and print what was written."""
    from voxlet.cli.speaking import Request, speak

    if line := speak(Request(**vars(arguments))):
        answer(line)
