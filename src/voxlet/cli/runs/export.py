"""`voxlet export`: write the voice of a run as one file, or its words as sound files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.cli.output import print_answer
from voxlet.cli.parser import a_path, whole_number
from voxlet.errors import ConfigError
from voxlet.files import descriptor_of, safe_names

if TYPE_CHECKING:
    import argparse

SUMMARY = "write a finished run's voice as a file, or as sound files"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet export`."""
    parser.add_argument(
        "folder", type=a_path, metavar="RUN", help="a run's folder; with --clips also a voice"
    )
    parser.add_argument(
        "-o",
        "--out",
        type=a_path,
        required=True,
        metavar="FILE",
        help="file to write, such as my.voice; its name becomes the voice's",
    )
    parser.add_argument(
        "--clips",
        type=whole_number,
        metavar="N",
        help="write N sound files of each word into the folder -o instead",
    )
    parser.add_argument("--speaker", metavar="NAME", help="who speaks in these")


def run(arguments: argparse.Namespace) -> None:
    """Write the voice file or the clips, and print where they are."""
    if arguments.clips is None:
        if arguments.speaker is not None:
            raise ConfigError("goes with --clips: a voice keeps all its speakers", where="--speaker")
        from voxlet.recipes.train import export

        written = export(arguments.folder, arguments.out)
        if descriptor_of(written) != 1:  # nothing follows a file on standard output
            print_answer(written)
        return
    if arguments.clips < 1:
        raise ConfigError(f"{arguments.clips} is less than 1", where="--clips")
    from voxlet.recipes.generate import LONGEST_STEM, generate
    from voxlet.recipes.opened import load

    model = load(arguments.folder)
    for label, name in safe_names(model.labels, LONGEST_STEM, "word").items():
        generate(model, label, arguments.out / name, count=arguments.clips, speaker=arguments.speaker)
    print_answer(arguments.out)
