"""`voxlet push`: upload a voice or a clip VAE to the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxlet.cli.output import print_answer

if TYPE_CHECKING:
    import argparse

SUMMARY = "upload a voice or clip VAE, with its card, to a hub"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet push`."""
    add = parser.add_argument
    add("model", metavar="MODEL", help="a name from `voxlet voices`, a voice file, or the run of a clip VAE")
    add(
        "repository",
        metavar="USER/NAME",
        help="its repository; log in first with `hf auth login`, or set HF_TOKEN",
    )
    add("--private", action="store_true", help="make the new repository private")
    add("--update", action="store_true", help="upload into a repository that exists already")


def run(arguments: argparse.Namespace) -> None:
    """Upload the model, and print its address."""
    from voxlet.hub.push import push

    to: dict[str, Any] = {"private": arguments.private, "update": arguments.update}
    if Path(arguments.model).is_dir():
        from voxlet.recipes.clip.portable import push_run
        from voxlet.recipes.opened import load_run

        address = push_run(load_run(arguments.model), arguments.repository, **to)
    else:
        address = push(arguments.model, arguments.repository, **to)
    print_answer(f"{address}: fetch it with `voxlet pull {address}`")
