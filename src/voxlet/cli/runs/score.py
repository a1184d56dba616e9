"""`voxlet score`: measure a run, a voice or a folder of clips."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.cli.output import print_answer
from voxlet.cli.parser import a_path, names, whole_number

if TYPE_CHECKING:
    import argparse

SUMMARY = "measure a run, a voice or any clips beside real recordings"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `voxlet score`."""
    add = parser.add_argument
    add("model", nargs="?", metavar="MODEL", help="a run's folder, or a voice")
    add(
        "--clips",
        type=a_path,
        metavar="DIR",
        help="instead of a model, a folder of sound files in any layout",
    )
    add(
        "--corpus",
        metavar="NAME|PATH",
        help="real recordings to compare with (default: the run's, or a known corpus)",
    )
    add("--language", metavar="TAG", help="language of these recordings, such as en, if it is not known")
    add("--layout", metavar="LAYOUT", help="how the files of --corpus are named, if detected wrongly")
    add("--clips-layout", metavar="LAYOUT", help="how the files in --clips are named, likewise")
    add(
        "-n",
        "--count",
        type=whole_number,
        default=1000,
        metavar="N",
        help="clips to generate (default: %(default)s)",
    )
    add(
        "--seed",
        type=whole_number,
        default=0,
        metavar="N",
        help="seed of the clips and all random draws (default: 0)",
    )
    add(
        "--only",
        type=names,
        default=(),
        metavar="PARTS",
        help="parts to measure, separated by commas: recognition, naturalness, distribution, band, speaker, "
        "memorisation, attributes; for a run also reconstruction, latents; for a voice also styles; "
        "detection and utility only if named here",
    )
    add(
        "--sc09",
        type=a_path,
        metavar="FILE",
        help="also by the SC09 protocol, with the weights of its classifier",
    )
    add("--selected", metavar="HOW", help="how the clips in --clips were selected; printed with the figures")
    add("--json", type=a_path, metavar="FILE", help="write all figures here")
    add("--html", type=a_path, metavar="FILE", help="write a page with sounds and pictures here")
    add(
        "--pairs",
        type=a_path,
        metavar="DIR",
        help="write the ten pairs of clip and training clip that are nearest",
    )
    add("--ray", metavar="ADDRESS", help="measure on a running Ray cluster; `local` starts one here")
    add("--stamp", action="store_true", help="write the figures into the voice file's model card")


def run(arguments: argparse.Namespace) -> None:
    """Measure, write what was asked for, and print the table."""
    from voxlet.engines.cluster import RayCluster
    from voxlet.engines.engine import HERE
    from voxlet.evaluation.score import Outputs, ScoreRequest, measure, write
    from voxlet.files import descriptor_of

    request = ScoreRequest(
        model=arguments.model,
        clips=arguments.clips,
        corpus=arguments.corpus,
        count=arguments.count,
        seed=arguments.seed,
        only=arguments.only,
        selection=arguments.selected,
        language=arguments.language,
        layout=arguments.layout,
        clips_layout=arguments.clips_layout,
        sc09=arguments.sc09,
        engine=HERE if arguments.ray is None else RayCluster(arguments.ray),
    )
    outputs = Outputs(arguments.json, arguments.html, arguments.pairs, arguments.stamp)
    found = measure(request, outputs)
    try:
        write(found, outputs)
    finally:  # the figures took minutes to compute: they are shown even if a file cannot be written
        written = (path for path in (outputs.json, outputs.page) if path is not None)
        if 1 not in map(descriptor_of, written):  # nothing follows a file on standard output
            print_answer(*found.card.lines())
