"""`voxlet export`: the voice of a run as one file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.cli.output import answer

if TYPE_CHECKING:
    import argparse

SUMMARY = "write the voice of a finished run as one file"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet export`."""
    parser.add_argument("folder", type=Path, metavar="RUN", help="the run's folder")
    parser.add_argument(
        "-o",
        "--out",
        type=Path,
        required=True,
        metavar="FILE",
        help="file to write, such as my.voice; its name becomes the voice's",
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the file, and print its name."""
    from voxlet.recipes.train import export

    answer(export(arguments.folder, arguments.out))
