"""`voxlet study`: train and compare the study's models."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.cli.output import print_answer
from voxlet.cli.parser import a_path, names, whole_number

if TYPE_CHECKING:
    import argparse

SUMMARY = "train the study's models and compare them in a report"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `voxlet study`."""
    add = parser.add_argument
    add(
        "--out",
        type=a_path,
        required=True,
        metavar="DIR",
        help="the study's folder; the same command continues it",
    )
    add("--corpus", default="fsdd", metavar="NAME|PATH", help="the real recordings (default: %(default)s)")
    add("--layout", metavar="LAYOUT", help="how its files are named, if detected wrongly")
    add("--quick", action="store_true", help="a tenth of the epochs, and fewer clips")
    add(
        "--only",
        type=names,
        default=(),
        metavar="ROWS",
        help="rows to add, such as mlp-50,light-16 (default: all)",
    )
    add("-n", "--count", type=whole_number, metavar="N", help="clips to generate and measure for each row")
    add("--runs", type=a_path, metavar="DIR", help="folder of the runs, to share those of another study")
    add(
        "--voice",
        default="digits",
        metavar="NAME|FILE",
        help="a voice to compare with (default: %(default)s)",
    )
    add(
        "--tune",
        type=whole_number,
        default=0,
        metavar="N",
        help="settings of cnn-light to try with Optuna (default: 0)",
    )


def run(arguments: argparse.Namespace) -> None:
    """Train and measure what is missing, and print where the report is."""
    from voxlet.study.report import write_report
    from voxlet.study.run import StudyRequest, make_study
    from voxlet.training import hardware

    hardware.set_up()
    request = StudyRequest(
        out=arguments.out,
        corpus=arguments.corpus,
        layout=arguments.layout,
        only=arguments.only,
        quick=arguments.quick,
        count=arguments.count,
        runs=arguments.runs,
        voice=arguments.voice,
        trials=arguments.tune,
    )
    print_answer(str(write_report(make_study(request))))
