"""`voxlet split`: cut one long recording into takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.cli.output import print_answer
from voxlet.cli.parser import a_path, whole_number

if TYPE_CHECKING:
    import argparse

SUMMARY = "cut a long recording at its pauses into takes of words"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet split`."""
    add = parser.add_argument
    add("recording", type=a_path, metavar="FILE", help="a sound file of many words with pauses between them")
    add(
        "--labels",
        type=_labels,
        required=True,
        metavar="A,B,C",
        help="the words that are said, in this order",
    )
    add("--takes", type=whole_number, metavar="N", help="takes of each label (default: found by the pauses)")
    add(
        "--out",
        type=a_path,
        metavar="FOLDER",
        help="a new folder for the takes (default: named after the file)",
    )
    add("--speaker", metavar="NAME", help="who speaks (default: the name of the file)")


def run(arguments: argparse.Namespace) -> None:
    """Cut the recording, and print where each take was and which label it got."""
    from voxlet.corpus.recording.split import MANIFEST, split

    out = arguments.out or arguments.recording.with_suffix("")
    found = split(
        arguments.recording, arguments.labels, out, takes=arguments.takes, speaker=arguments.speaker
    )
    rows = [
        f"{number:04d}.wav  {take.start / found.rate:8.2f} to {take.stop / found.rate:8.2f} s  {take.label}"
        + ("  ? unlike its other takes" if take.doubtful else "")
        for number, take in enumerate(found.takes, start=1)
    ]
    each = len(found.takes) // len(arguments.labels)
    print_answer(
        *rows,
        f"{len(found.takes)} takes, {each} of each label, said {found.order}",
        *([f"pauses between words: {found.pause:.2f} s or more"] if len(found.takes) > 1 else []),
        f"{out}: listen, and correct {out / MANIFEST}; removing a line leaves its take out",
    )


def _labels(text: str) -> list[str]:
    return [label.strip() for label in text.split(",")]
