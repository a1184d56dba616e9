"""What `voxlet corpus ...` answers, as text for the terminal or as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.corpus.catalog import CATALOG, DATA_VARIABLE, find_known
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.inspection import measure, summarise
from voxlet.corpus.layouts import sound_files

if TYPE_CHECKING:
    from voxlet.corpus.layouts import Layout


def list_known(*, as_json: bool) -> str:
    """The catalog, and what of it is on this machine."""
    rows = []
    for known in CATALOG.values():
        folder = find_known(known.name)
        here = sum(1 for _ in sound_files(folder)) if folder else 0
        rows.append({**asdict(known), "folder": str(folder) if folder else None, "here": here})
    if as_json:
        return json.dumps(rows, indent=1)
    lines = []
    for known, row in zip(CATALOG.values(), rows, strict=True):
        speakers = f", {known.speakers} speakers" if known.speakers else ""
        lines += [
            f"{known.name}: {known.title}",
            f"  {known.clips:,} clips, {len(known.labels)} labels{speakers}, {known.rate:,} Hz, "
            f"{known.megabytes:,} MB",
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
        "Any folder of recordings will do too: label/anything.wav, {label}_{speaker}_{take}.wav, or a",
    ]
    lines += ["manifest.csv or manifest.jsonl with the fields path, label and speaker."]
    return "\n".join(lines)


def get(name: str, source: str | None, *, as_json: bool) -> str:
    """Fetch a known corpus, and say where it lies."""
    from voxlet.corpus.download import get_corpus

    fetched = get_corpus(name, source=source)
    if as_json:
        return json.dumps({**asdict(fetched), "folder": str(fetched.folder)})
    known = CATALOG[name]
    lines = [f"{name}: {fetched.clips:,} clips in {fetched.folder}"]
    if not fetched.fresh:
        lines[0] = f"{name}: here already, {fetched.clips:,} of {known.clips:,} clips in {fetched.folder}"
        if fetched.clips < known.clips:
            lines.append(f"  a part, found by way of {DATA_VARIABLE}; unset that to fetch the whole")
    pinned = " (pinned now: a later download must have the same)" if fetched.pinned else ""
    lines.append(f"  content digest {fetched.digest}{pinned}")
    lines.append(f"  {known.licence}; credit: {known.credit}")
    return "\n".join(lines)


def look(path: str, out: Path | None, layout: Layout | None, *, as_json: bool) -> str:
    """Measure a corpus, write its page if a folder for it is given, and tell the figures."""
    corpus = open_corpus(path, allow_rejected=True, layout=layout)
    measures = measure(corpus)
    inspection = summarise(corpus, measures)
    if out is not None:
        from voxlet.corpus.report import write_page

        write_page(corpus, measures, inspection, out)
    if as_json:
        return json.dumps({**asdict(inspection), "page": str(out / "index.html") if out else None}, indent=1)
    lines = inspection.lines()
    return "\n".join([*lines, "", f"page: {out / 'index.html'}"] if out else lines)
