"""The share of mutants that the tests kill, module by module: what `make mutants` prints at its end.

    mutmut results --all true | python benchmarks/mutants.py [--least 85]

A mutant is a copy of the code with one small change: a plus for a minus, a missing argument. It is killed if
a test fails with it or runs much longer. The exit status is 1 if the tests kill less than `--least` percent
of any module's mutants.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

KILLED = {"killed", "timeout", "segfault", "caught by type check"}
LEFT_OUT = {"skipped", "not checked", "check was interrupted by user"}


def shares(lines: Iterable[str]) -> dict[str, tuple[int, int]]:
    """Numbers of killed and of all mutants of each module, from mutmut's lines `MUTANT: STATUS`."""
    found: defaultdict[str, Counter[bool]] = defaultdict(Counter)
    for line in lines:
        mutant, colon, status = line.strip().rpartition(": ")
        if colon and status not in LEFT_OUT:
            module = mutant.rpartition(".")[0]
            found[module][status in KILLED] += 1
    return {module: (count[True], count.total()) for module, count in sorted(found.items())}


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return 1 if a module falls short, 2 if no mutant was run."""
    parser = argparse.ArgumentParser(description="Share of mutants killed, by module, from mutmut's results.")
    parser.add_argument("--least", type=float, default=85.0, help="percent of each module (default: 85)")
    least = parser.parse_args(arguments).least
    found = shares(sys.stdin)
    if not found:
        print("no mutant was run: call `mutmut run` first", file=sys.stderr)
        return 2
    width = max(map(len, found))
    short = 0
    for module, (killed, count) in found.items():
        percent = 100 * killed / count
        short += percent < least
        mark = f"  less than {least:g} %" if percent < least else ""
        print(f"{module:{width}}  {killed:4} of {count:4}  {percent:5.1f} %{mark}")
    killed, count = (sum(column) for column in zip(*found.values(), strict=True))
    print(f"{'all':{width}}  {killed:4} of {count:4}  {100 * killed / count:5.1f} %")
    return int(short > 0)


if __name__ == "__main__":
    sys.exit(main())
