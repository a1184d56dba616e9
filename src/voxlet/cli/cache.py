"""`voxlet cache`: show what is in the cache, or clear it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from voxlet.cli.output import in_bytes, print_answer

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from voxlet.cache.contents import Entry

SUMMARY = "show what is in the cache, or clear it"
ALL = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `voxlet cache`."""
    from voxlet.cache.contents import KINDS

    parser.add_argument(
        "--clear",
        nargs="?",
        const=ALL,
        choices=(ALL, *KINDS),
        metavar="KIND",
        help="remove everything, or one kind, except what a running process uses",
    )
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Print what is in the cache, kind by kind, or what was removed from it."""
    from voxlet.cache import contents as cache
    from voxlet.files import CACHE_VARIABLE, cache_path

    if arguments.clear is not None:
        found = cache.entries(cache.KINDS if arguments.clear == ALL else (arguments.clear,))
        kept = [entry for entry in found if not cache.remove(entry)]
        gone = [entry for entry in found if entry not in kept]
        if arguments.json:
            print_answer(json.dumps({"removed": _sums(gone), "in_use": _sums(kept)}))
            return
        print_answer(f"{cache_path()}: removed {_words(gone)}")
        if kept:
            print_answer(f"still there, since a process uses it or it is another user's: {_words(kept)}")
        return
    table = {kind: cache.entries((kind,)) for kind in cache.KINDS}
    limit = cache.limit()
    if arguments.json:
        kinds = {kind: _sums(found) for kind, found in table.items()}
        bound = limit if limit != float("inf") else None
        print_answer(json.dumps({"path": str(cache_path()), "limit": bound, "kinds": kinds}))
        return
    rows = [
        f"  {kind:<12} {_words(found):<24} {cache.KINDS[kind].what}" for kind, found in table.items() if found
    ]
    print_answer(
        f"{cache_path()} ({CACHE_VARIABLE})",
        *(rows or ["  nothing"]),
        f"at most {in_bytes(limit)} without {cache.CORPORA} ({cache.LIMIT_VARIABLE}); "
        "the least recently used goes first",
    )


def _sums(found: Sequence[Entry]) -> dict[str, int]:
    return {
        "entries": len(found),
        "files": sum(entry.files for entry in found),
        "bytes": sum(entry.size for entry in found),
    }


def _words(found: Sequence[Entry]) -> str:
    sums = _sums(found)
    return f"{sums['files']:,} file{'s' * (sums['files'] != 1)}, {in_bytes(sums['bytes'])}"
