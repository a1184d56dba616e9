"""Small corpora that a tool for voices may handle wrongly, each through `inspect`, `train` and `say`.

    python benchmarks/cases.py FOLDER [--seconds 3] [--preset voice] [--only 04,05] [--json FILE]

Every folder in FOLDER that holds a file other than a table is one case, unless its name begins with
`hostile-` or `damaged-`. A row of the printed table gives what `inspect` found (clips used, left out, labels,
speakers), what `train` noted or why it stopped, and whether the voice said its first two labels. Each command
runs in a process of its own; the cache is empty when a case begins.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

TABLES = {".csv", ".tsv", ".jsonl", ".json", ".txt"}
NO_CASE = ("hostile-", "damaged-")


@dataclass(frozen=True)
class Result:
    """The outcome of a case; where a command failed, its field holds the error's line."""

    case: str
    inspect: str
    train: str
    say: str
    left: bool  # whether a refused training left a run's folder behind


def voxlet(*arguments: object, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run a `voxlet` command in a process of its own, with this cache."""
    own = {**os.environ, "VOXLET_CACHE": str(cache)}
    command = [sys.executable, "-m", "voxlet", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=own, check=False)


def cases(folder: Path) -> list[Path]:
    """The cases in a folder: those of its folders that are corpora."""
    found = []
    for place in sorted(folder.iterdir()):
        if place.is_dir() and not place.name.startswith(NO_CASE):
            inside = [path for path in place.rglob("*") if path.is_file()]
            if any(path.suffix.lower() not in TABLES for path in inside):
                found.append(place)
    return found


def try_case(place: Path, preset: str, seconds: float, work: Path) -> Result:
    """Run all three commands on a case."""
    cache, run = work / "cache", work / "run"
    looked = voxlet("corpus", "inspect", place, "--json", cache=cache)
    if looked.returncode:
        return Result(place.name, last(looked.stderr), "", "", left=False)
    found = json.loads(looked.stdout)
    labels = list(found["labels"])
    seen = (
        f"{found['clips']} clips, {len(found['rejected'])} left out, {len(labels)} labels "
        f"({', '.join(labels[:4])}{', ...' if labels[4:] else ''}), {len(found['speakers'])} speakers"
    )
    trained = voxlet(
        "train", preset, "--corpus", place, "--run", run, "--minutes", round(seconds / 60, 4), cache=cache
    )
    notes = [line.partition(": note: ")[2] for line in trained.stderr.splitlines() if ": note: " in line]
    if trained.returncode:
        return Result(place.name, seen, last(trained.stderr), "", left=run.exists())
    text = ", ".join(labels[:2])
    if preset == "voice":
        said = voxlet("say", text, "--voice", run / "run.voice", "-o", work / "said.wav", cache=cache)
    else:
        said = voxlet("generate", run, text, "--out", work / "said", cache=cache)
    spoken = last(said.stderr) if said.returncode else f"{text}: said"
    return Result(place.name, seen, "; ".join(["trained", *notes]), spoken, left=False)


def last(text: str) -> str:
    """The last line that is not blank."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "nothing said")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--preset", default="voice")
    parser.add_argument("--only", default="", help="beginnings of names, with commas between")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    rows = []
    print("| case | inspect | train | say |\n|---|---|---|---|")
    for place in cases(asked.folder):
        if not place.name.startswith(tuple(asked.only.split(","))):
            continue
        with tempfile.TemporaryDirectory() as work:
            row = try_case(place, asked.preset, asked.seconds, Path(work))
            cells = (
                cell.replace(f"{asked.folder}/", "").replace(f"{work}/", "")
                for cell in asdict(row).values()
                if isinstance(cell, str)
            )
            left = ", left a folder" if row.left else ""
            print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + f"{left} |", flush=True)
        rows.append(asdict(row))
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
