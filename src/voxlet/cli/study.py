"""`voxlet study`: train and measure the study's models, and ours, on one split, and write the comparison.

What is there already is not done again: the same command goes on.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

SUMMARY = "train and compare the study's models, as a report"
ONLY = "the rows to make, with commas between, such as mlp-50,light-16; all without it"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's arguments."""
    argument = parser.add_argument
    argument("--out", type=Path, required=True, metavar="DIR", help="the study's folder")
    argument(
        "--corpus", default="fsdd", help="real recordings: a known corpus's name, a folder or a manifest"
    )
    argument(
        "--quick", action="store_true", help="a tenth of the epochs, and fewer clips; the report says so"
    )
    argument("--only", default="", metavar="ROWS", help=ONLY)
    argument("-n", "--count", type=int, help="clips that are generated and measured of each row")
    argument("--runs", type=Path, metavar="DIR", help="where the runs are, to share those of another study")
    argument("--voice", default="digits", help="a voice to stand beside the rows")
    argument("--tune", type=int, default=0, metavar="TRIALS", help="settings of cnn-light that Optuna tries")


def run(arguments: argparse.Namespace) -> None:
    """Make the study, write its report, and print where it is."""
    from voxlet.study.report import write_report
    from voxlet.study.run import StudyRequest, make_study

    request = StudyRequest(
        out=arguments.out,
        corpus=arguments.corpus,
        only=tuple(name.strip() for name in arguments.only.split(",") if name.strip()),
        quick=arguments.quick,
        count=arguments.count,
        runs=arguments.runs,
        voice=arguments.voice,
        trials=arguments.tune,
    )
    print(write_report(make_study(request)))
