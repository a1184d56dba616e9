"""`voxlet page`: write the page as a folder for any web host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.cli.output import print_answer
from voxlet.cli.parser import a_path

if TYPE_CHECKING:
    import argparse

SUMMARY = "write a page that speaks in the browser, for any web host"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet page`."""
    add = parser.add_argument
    add("--out", type=a_path, required=True, metavar="DIR", help="folder to write; a page there is replaced")
    add(
        "--voice",
        action="append",
        metavar="NAME|FILE",
        help="a name from `voxlet voices`, or a voice file; can be repeated, the first one speaks first "
        "(default: digits)",
    )
    add(
        "--map",
        action="append",
        metavar="DIR|RUN",
        help="a folder that `voxlet explore` wrote, or a run or voice to explore now; can be repeated, the "
        "page offers them all (default: the map of cnn-light-digits)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the page, and print where it is."""
    from voxlet import files
    from voxlet.serving.static.maps import is_map
    from voxlet.serving.static.page import write_page

    with files.temporary_folder() as made:
        maps = [
            place if is_map(place) else explored(place, made / str(number))
            for number, place in enumerate(arguments.map or [])
        ]
        voices = write_page(arguments.out, arguments.voice or ["digits"], maps)
    names = ", ".join(voice.name for voice in voices)
    print_answer(
        f"{arguments.out}: a page that speaks with {names}",
        f"to try it: python -m http.server --directory {arguments.out}",
    )


def explored(model: str, folder: Path) -> Path:
    """Explore a run or voice, and return the folder of its map."""
    from voxlet.exploring.explore import explore_map
    from voxlet.recipes.opened import load

    return explore_map(load(model), folder)
