"""`voxlet dataset verify`: check that a data set is complete and correct."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.cli.output import in_bytes, print_answer

if TYPE_CHECKING:
    import argparse

SUMMARY = "check every object and clip of a data set"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The argument of `voxlet dataset verify`."""
    parser.add_argument("out", metavar="DIR", help="folder or URL of the data set")


def run(arguments: argparse.Namespace) -> None:
    """Check the whole data set, and print what it holds.

    Raises:
        FileError: Something is wrong with the data set.
    """
    from voxlet.datasets.stores import open_store
    from voxlet.datasets.verify import verify

    store = open_store(arguments.out)
    found = verify(store)
    found.checked(store)
    print_answer(
        f"{store.place}: {found.clips:,} clips in {found.shards:,} shards, {in_bytes(found.bytes)}, "
        f"{len(found.splits_of):,} speakers, each in one split; all decoded, all marked as synthetic"
    )
