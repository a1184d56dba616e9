"""What voices, manifests and runs from untrusted sources cost to open, and what is reported for each.

    python benchmarks/hostile.py FOLDER [--markdown FILE]

FOLDER holds, at any depth, `.voice` files, manifests (`.csv`, `.tsv`, `.jsonl`) and, in folders named
`damaged-runs`, `metrics.jsonl` files of runs. Each file is opened in a process of its own, which says one
word, lists the clips or reads the lines. Seconds are processor time from the start of reading the file; peak
memory includes Python and its libraries. A process is stopped after a minute.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

LONGEST = 60.0  # seconds
MESSAGE = 130  # characters of a message that the table shows


@dataclass(frozen=True)
class Outcome:
    """The outcome of opening an input: processor seconds, peak megabytes, and the line that was reported."""

    name: str
    seconds: float | None
    peak: float | None
    said: str


def open_voice(path: Path) -> str:
    from voxlet.speak.voice import load_voice

    voice = load_voice(path, threads=1)
    spoken = voice.say(voice.labels[0])
    return f"speaks: {spoken.samples.size / spoken.rate:.2f} s"


def open_manifest(path: Path) -> str:
    from voxlet.corpus.listing.layouts import list_entries

    return f"lists {len(list_entries(path).entries)} clips"


def open_metrics(path: Path) -> str:
    from voxlet.run_files import METRICS
    from voxlet.training.run import Run

    with tempfile.TemporaryDirectory() as folder:
        lines = path.read_bytes()
        (Path(folder) / METRICS).write_bytes(lines)
        return f"{len(Run(Path(folder)).metrics())} of {len(lines.splitlines())} lines are read"


def kind(path: Path):
    """The function that opens a file; None if the file is not an input."""
    if path.suffix == ".voice":
        return open_voice
    if path.suffix in (".csv", ".tsv", ".jsonl"):
        return open_metrics if path.parent.name == "damaged-runs" else open_manifest
    return None


def open_here(path: Path) -> None:
    """Open one file in this process, and print the outcome as JSON."""
    from voxlet.errors import VoxletError
    from voxlet.machine import peak_memory

    opened = kind(path)
    start = time.process_time()
    try:
        said = opened(path)
    except VoxletError as error:
        said = str(error).replace(f"{path}", path.name)
    peak = peak_memory()
    print(json.dumps({"seconds": time.process_time() - start, "peak": peak, "said": said}))


def try_one(path: Path, folder: Path) -> Outcome:
    """The outcome of opening a file in a process of its own."""
    name = path.relative_to(folder).as_posix()
    command = [sys.executable, __file__, "--one", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST, check=False)
    except subprocess.TimeoutExpired:
        return Outcome(name, None, None, f"NOT ENDED after {LONGEST:.0f} s")
    if done.returncode != 0:
        return Outcome(name, None, None, f"FAILED, status {done.returncode}: {done.stderr[-MESSAGE:]}")
    return Outcome(name, **json.loads(done.stdout))


def markdown(outcomes: list[Outcome]) -> str:
    """The outcomes as a Markdown table."""
    rows = ["| input | s | MB | what is said |", "|---|---|---|---|"]
    for one in outcomes:
        figures = [f"{one.seconds:.2f}", f"{one.peak:.0f}"] if one.seconds and one.peak else ["-", "-"]
        said = one.said if len(one.said) <= MESSAGE else f"{one.said[:MESSAGE]}…"
        escaped = ascii(said)[1:-1] if not said.isprintable() else said
        rows.append(f"| `{one.name}` | {' | '.join(figures)} | {escaped.replace('|', '/')} |")
    return "\n".join(rows)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table there, too")
    parser.add_argument("--one", action="store_true", help="open the file FOLDER in this process")
    arguments = parser.parse_args()
    if arguments.one:
        open_here(arguments.folder)
        return 0
    paths = [path for path in sorted(arguments.folder.rglob("*")) if path.is_file() and kind(path)]
    outcomes = [try_one(path, arguments.folder) for path in paths]
    table = markdown(outcomes)
    print(table)
    if arguments.markdown:
        arguments.markdown.write_text(table + "\n")
    return int(any(one.seconds is None for one in outcomes))


if __name__ == "__main__":
    sys.exit(main())
