"""`voxlet pull`: download and install a voice, or download a clip VAE."""

from __future__ import annotations

from shlex import quote
from typing import TYPE_CHECKING

from voxlet.cli.output import print_answer

if TYPE_CHECKING:
    import argparse

SUMMARY = "download a voice or clip VAE from a hub or the web"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet pull`."""
    add = parser.add_argument
    add(
        "address",
        metavar="ADDRESS",
        help="hf:user/name, hf:user/name@revision, or https://...#sha256=... with the file's digest",
    )
    add("--name", metavar="NAME", help="name for the voice (default: as in the address)")


def run(arguments: argparse.Namespace) -> None:
    """Fetch and check a model, install it if it is a voice, and print how to use it."""
    from voxlet.files import safe_name
    from voxlet.hub.address import parse_address
    from voxlet.hub.pull import pull
    from voxlet.speak.library import LONGEST_NAME, check_name, install

    if arguments.name is not None:
        check_name(arguments.name)  # before anything is fetched
    name = arguments.name or safe_name(parse_address(arguments.address).name, LONGEST_NAME) or "pulled"
    pulled = pull(arguments.address)
    if pulled.is_dir():
        from voxlet.recipes.opened import load

        words = " ".join(load(arguments.address).labels[:1])
        how = f"voxlet generate {arguments.address} {quote(words)} --out clips"
        print_answer(f"{pulled}: generate clips with `{how}`")
        return
    path = install(pulled, name)
    print_answer(f"{path}: say something with `voxlet say --voice {name}`")
