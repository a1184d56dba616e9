"""`voxlet say`: say a text with a voice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.cli.output import print_answer
from voxlet.cli.parser import a_path, number, whole_number

if TYPE_CHECKING:
    import argparse

SUMMARY = "say digits or words with a voice"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet say`; their names are the fields of `speaking.Request`."""
    add = parser.add_argument
    add(
        "text",
        nargs="*",
        metavar="TEXT",
        help="what to say, such as 4091 or 'four zero'; - reads standard input",
    )
    add(
        "-o",
        "--out",
        metavar="FILE",
        help="WAV file to write, or - for standard output; without -o and --play, a file in this folder "
        "named after the text, such as 4091.wav",
    )
    add(
        "--voice",
        default="digits",
        metavar="NAME|FILE",
        help="a name from `voxlet voices`, or a voice file (default: digits)",
    )
    add(
        "--speaker", metavar="NAME", help="who speaks: a name, a blend such as george:0.7,theo:0.3, or random"
    )
    add("--style", metavar="NUMBERS", help="instead of a speaker, a point in the style space: 0.3,-1.2,...")
    add(
        "--like",
        type=a_path,
        metavar="FILE",
        help="instead of a speaker, a recording of somebody to sound like",
    )
    add(
        "--speed",
        type=number,
        default=1.0,
        metavar="RATIO",
        help="speed relative to the speaker's own (default: 1)",
    )
    add(
        "--pitch",
        type=number,
        default=0.0,
        metavar="SEMITONES",
        help="above the speaker's own pitch (default: 0)",
    )
    add(
        "--clarity",
        type=number,
        default=1.0,
        metavar="SHARE",
        help="from 0, like the speaker's own recordings, to 1, like the cleanest that the voice was trained "
        "on (default: 1); speed, pitch and clarity work only if the voice was trained with them",
    )
    add(
        "--seed",
        type=whole_number,
        default=0,
        metavar="N",
        help="another seed says it in another way (default: 0)",
    )
    add(
        "--rate",
        type=whole_number,
        metavar="HZ",
        help="sampling rate of the result (default: the voice's own)",
    )
    add("--gap", type=number, metavar="SECONDS", help="between the words of a group (default: 0.08)")
    add("--play", action="store_true", help="play it on the sound device")
    add("--json", action="store_true", help="print what was said, with the time of each word, as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Say the text, and print what was written."""
    from voxlet.cli.speaking import Request, speak

    if line := speak(Request(**vars(arguments))):
        print_answer(line)
