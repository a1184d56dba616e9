"""`voxlet export`: the voice of a run as one file, or its words as sound files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.cli.output import answer
from voxlet.cli.parser import whole_number
from voxlet.files import descriptor_of, safe_name

if TYPE_CHECKING:
    import argparse

SUMMARY = "write the voice of a finished run as one file, or its words"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet export`."""
    parser.add_argument(
        "folder", type=Path, metavar="RUN", help="the run's folder; with --clips also a voice"
    )
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="file to write, such as my.voice; its name becomes the voice's",
    )
    parser.add_argument(
        "--clips",
        type=whole_number,
        metavar="N",
        help="instead, N sound files of each word, into the folder that is given with -o",
    )
    parser.add_argument("--speaker", metavar="NAME", help="who says them")


def run(arguments: argparse.Namespace) -> None:
    """Write the file, or the clips, and print where."""
    if arguments.clips is None:
        from voxlet.recipes.train import export

        written = export(arguments.folder, arguments.out)
        if descriptor_of(written) != 1:  # nothing follows a file on standard output
            answer(written)
        return
    from voxlet.recipes.generate import LONGEST_STEM, generate
    from voxlet.recipes.opened import load

    model = load(arguments.folder)
    for number, label in enumerate(model.labels):
        folder = arguments.out / (safe_name(label, LONGEST_STEM) or f"word-{number}")
        generate(model, label, folder, count=arguments.clips, speaker=arguments.speaker)
    answer(arguments.out)
