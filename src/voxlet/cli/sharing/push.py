"""`voxlet push`: a voice sent to the Hugging Face hub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.cli.output import answer

if TYPE_CHECKING:
    import argparse

SUMMARY = "send a voice to the Hugging Face hub, with its model card"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet push`."""
    add = parser.add_argument
    add("voice", metavar="VOICE", help="one of `voxlet voices`, or a voice file")
    add("repository", metavar="USER/NAME", help="where to; log in first: `hf auth login`, or HF_TOKEN")
    add("--private", action="store_true", help="let a new repository be seen by you and whom you let alone")
    add("--update", action="store_true", help="put it into a repository that is there already")


def run(arguments: argparse.Namespace) -> None:
    """Send it, and print its address."""
    from voxlet.hub.push import push

    address = push(arguments.voice, arguments.repository, private=arguments.private, update=arguments.update)
    answer(f"{address}: fetch it with `voxlet pull {address}`")
