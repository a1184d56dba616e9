"""`voxlet explore`: a model's latent space as a page, walks and a list of doubtful recordings."""

from __future__ import annotations

import argparse

from voxlet.cli.output import in_bytes, print_answer
from voxlet.cli.parser import a_path, names, whole_number

SUMMARY = "see, hear and steer what a run or a voice has learned"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet explore`."""
    add = parser.add_argument
    add("model", metavar="RUN_OR_VOICE", help="a run's folder, or a voice")
    add("--out", type=a_path, required=True, metavar="DIR", help="folder for the page and all sounds")
    add("--beside", metavar="RUN_OR_VOICE", help="a second one, to show its map beside the first")
    add("--clips", type=whole_number, default=3000, metavar="N", help="clips on a map (default: %(default)s)")
    add("--projection", default="linear", metavar="KIND", help="linear (default), tsne or umap")
    add("--corpus", metavar="NAME|PATH", help="recordings to show with a voice; a run has its own")
    add(
        "--walk",
        type=pair,
        action="append",
        default=[],
        metavar="A,B",
        help="a walk between two words or speakers; can be repeated",
    )
    add("--path", type=corners, default=(), metavar="X,Y,X,Y", help="a walk over the map, corner by corner")
    add(
        "--sound",
        type=a_path,
        action="append",
        default=[],
        metavar="FILE",
        help="a sound file to reconstruct; can be repeated",
    )
    add("--seed", type=whole_number, default=0, metavar="N", help="seed of what is generated (default: 0)")


def pair(text: str) -> tuple[str, str]:
    """The type of an option that takes two names separated by a comma."""
    found = names(text)
    if len(found) != 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not two names, as in three,seven")
    return found[0], found[1]


def corners(text: str) -> tuple[tuple[float, float], ...]:
    """The type of an option that takes two or more places on the map, X,Y,X,Y."""
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not numbers with commas between") from error
    if len(numbers) < 4 or len(numbers) % 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not two corners or more, as in -1,0,1,2")
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def run(arguments: argparse.Namespace) -> None:
    """Write the folder, and print what is in it."""
    from voxlet.exploring.explore import Request, explore
    from voxlet.recipes.opened import load

    asked = {name: getattr(arguments, name) for name in ("projection", "corpus", "seed")}
    walks, sounds = tuple(arguments.walk), tuple(arguments.sound)
    request = Request(arguments.clips, walks=walks, corners=arguments.path, sounds=sounds, **asked)
    beside = None if arguments.beside is None else load(arguments.beside)
    found = explore(load(arguments.model), arguments.out, request, beside=beside)
    print_answer(f"page: {found.page} ({in_bytes(found.bytes)})", *found.lines())
