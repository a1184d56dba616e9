"""`voxlet corpus inspect`: measure recordings, and find unusable ones."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from voxlet.cli.output import print_answer
from voxlet.cli.parser import a_path

if TYPE_CHECKING:
    import argparse

SUMMARY = "measure recordings, and list the unusable with reasons"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet corpus inspect`."""
    add = parser.add_argument
    add("path", metavar="NAME|PATH", help="a known corpus, a folder, or a manifest")
    add("-o", "--out", type=a_path, metavar="DIR", help="write a page with pictures into this folder")
    add(
        "--layout",
        metavar="LAYOUT",
        help="where the labels are: names, folders, manifest, or a pattern such as "
        "'{label}/{speaker}_NO_{take}' (default: detected)",
    )
    add("--language", metavar="TAG", help="language of the words, such as en or ar")
    add("--json", action="store_true", help="print the figures as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Measure a corpus, write its page if a folder for it is given, and print the figures."""
    from voxlet.corpus.corpus import open_corpus

    corpus = open_corpus(
        arguments.path, allow_rejected=True, layout=arguments.layout, language=arguments.language
    )
    # Importing PyTorch takes seconds: an unusable corpus is refused before.
    from voxlet.corpus.look.inspection import measure, summarise
    from voxlet.recipes.preflight import ClipCounts, presets_on

    measures = measure(corpus)
    inspection = summarise(corpus, measures)
    clips = inspection.clips - inspection.dropped
    training = presets_on(
        ClipCounts(
            clips=clips,
            held=clips,
            seconds=inspection.normalised_seconds,
            labels=len(inspection.labels),
            speakers=len(inspection.speakers),
        )
    )
    page = None
    if arguments.out is not None:
        from voxlet.corpus.look.report import write_page

        write_page(corpus, measures, inspection, arguments.out)
        page = str(arguments.out / "index.html")
    if arguments.json:
        found = {**asdict(inspection), "training": training, "page": page}
        print_answer(*json.dumps(found, indent=1).splitlines())
        return
    takes = [f"  {preset:<16} {sentence}" for preset, sentence in training.items()]
    shown = ["", f"page: {page}"] if page else []
    print_answer(*inspection.lines(), "", "training takes, by preset", *takes, *shown)
