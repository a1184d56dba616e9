"""`voxlet page`: the page as a folder for any web host."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.cli.output import answer

if TYPE_CHECKING:
    import argparse

SUMMARY = "write a page that speaks in the browser, for any web host"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet page`."""
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="DIR", help="folder to write; a page there is replaced")
    add(
        "--voice",
        action="append",
        metavar="NAME|FILE",
        help="one of `voxlet voices`, or a voice file; given several times, the first one speaks "
        "first (digits)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Write the page, and print where it is."""
    from voxlet.serving.static.page import write_page

    voices = write_page(arguments.out, arguments.voice or ["digits"])
    names = ", ".join(voice.name for voice in voices)
    answer(
        f"{arguments.out}: a page that speaks with {names}",
        f"to try it: python -m http.server --directory {arguments.out}",
    )
