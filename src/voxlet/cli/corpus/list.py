"""`voxlet corpus list`: list the known corpora."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from voxlet.cli.output import print_answer

if TYPE_CHECKING:
    import argparse

SUMMARY = "list the known corpora, and which are on this machine"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `voxlet corpus list`."""
    parser.add_argument("--json", action="store_true", help="print the list as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Print the catalog, and which of its corpora are on this machine."""
    from voxlet.corpus.catalog import CATALOG, find_known
    from voxlet.corpus.listing.sound_files import sound_files

    rows = []
    for known in CATALOG.values():
        folder = find_known(known.name)
        here = sum(1 for _ in sound_files(folder)) if folder else 0
        rows.append({**asdict(known), "folder": str(folder) if folder else None, "here": here})
    if arguments.json:
        print_answer(*json.dumps(rows, indent=1).splitlines())
        return
    lines = []
    for known, row in zip(CATALOG.values(), rows, strict=True):
        speakers = f", {known.speakers} speakers" if known.speakers else ""
        lines += [
            f"{known.name}: {known.title}",
            f"  {known.clips:,} clips, {len(known.labels)} labels, language {known.language}{speakers}, "
            f"{known.rate:,} Hz, {known.megabytes:,} MB",
            f"  {known.licence}; {known.credit}",
            f"  {known.source}",
        ]
        if row["folder"] is None:
            lines.append(f"  not here; fetch it with: voxlet corpus get {known.name}")
        elif row["here"] == known.clips:
            lines.append(f"  here, whole: {row['folder']}")
        else:
            lines.append(f"  here, {row['here']:,} of {known.clips:,} clips: {row['folder']}")
    lines += [
        "",
        "Any folder of recordings will do, too: label/anything.wav, {label}_{speaker}_{take}.wav, or",
        "a manifest.csv, metadata.csv or manifest.jsonl with the columns path, label and speaker.",
    ]
    print_answer(*lines)
