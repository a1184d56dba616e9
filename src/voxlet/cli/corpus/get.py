"""`voxlet corpus get`: download a known corpus."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from voxlet.cli.output import print_answer

if TYPE_CHECKING:
    import argparse

SUMMARY = "download, verify and unpack a known corpus"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet corpus get`."""
    add = parser.add_argument
    add("name", metavar="NAME", help="its name in `voxlet corpus list`")
    add(
        "--source",
        metavar="URL|FILE",
        help="a mirror or a local archive (.tar.gz, .tar, .zip) instead of the listed source",
    )
    add("--json", action="store_true", help="print the answer as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Fetch a known corpus, and print where it is."""
    from voxlet.corpus.catalog import CATALOG, DATA_VARIABLE
    from voxlet.corpus.download import get_corpus

    name = arguments.name
    fetched = get_corpus(name, source=arguments.source)
    if arguments.json:
        print_answer(json.dumps({**asdict(fetched), "folder": str(fetched.folder)}))
        return
    known = CATALOG[name]
    lines = [f"{name}: {fetched.clips:,} clips in {fetched.folder}"]
    if not fetched.fresh:
        lines[0] = f"{name}: here already, {fetched.clips:,} of {known.clips:,} clips in {fetched.folder}"
        if fetched.clips < known.clips:
            lines.append(
                f"  only a part, found through {DATA_VARIABLE}; unset that to fetch the whole corpus"
            )
    pinned = " (pinned now: a later download must have the same)" if fetched.pinned else ""
    lines.append(f"  content digest {fetched.digest}{pinned}")
    lines.append(f"  {known.licence}; credit: {known.credit}")
    print_answer(*lines)
