"""`voxlet pull`: a voice fetched and installed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.cli.output import answer

if TYPE_CHECKING:
    import argparse

SUMMARY = "fetch a voice from the hub or the web, and install it"
LONGEST_NAME = 60  # characters


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet pull`."""
    add = parser.add_argument
    add(
        "address",
        metavar="ADDRESS",
        help="hf:user/name, hf:user/name@revision, or https://...#sha256=... with the file's digest",
    )
    add("--name", metavar="NAME", help="what to call it (as in the address)")


def run(arguments: argparse.Namespace) -> None:
    """Fetch it, check it, install it, and print how to use it."""
    from voxlet.files import safe_name
    from voxlet.hub.address import parse_address
    from voxlet.hub.pull import pull
    from voxlet.speak.library import install

    name = arguments.name or safe_name(parse_address(arguments.address).name, LONGEST_NAME) or "pulled"
    path = install(pull(arguments.address), name)
    answer(f"{path}: say something with `voxlet say --voice {name}`")
