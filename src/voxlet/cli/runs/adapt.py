"""`voxlet adapt`: make a voice from a few takes."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.cli.consent import consent_for
from voxlet.cli.output import print_answer, print_error
from voxlet.cli.parser import a_path, number
from voxlet.corpus.recording.consent import GIVEN, OWN
from voxlet.errors import ConfigError

if TYPE_CHECKING:
    import argparse

SUMMARY = "make a voice from a few takes, in minutes"
SPLITS = ("all", "official", "speakers", "stratified")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet adapt`."""
    add = parser.add_argument
    add("recordings", metavar="FOLDER", help="a folder or manifest of recordings, or a known corpus")
    add("--run", type=a_path, required=True, metavar="DIR", help="the run's folder: new, or one to continue")
    add("--minutes", type=number, metavar="M", help="time from the command to the voice file (default: 10)")
    add(
        "--steps",
        type=_steps,
        metavar="W,P,D",
        help="or the steps of the three stages, as in a run's timetable.json",
    )
    add(
        "--base",
        type=a_path,
        metavar="PATH",
        help="begin with this base, or with the voice of this run",
    )
    only = parser.add_mutually_exclusive_group()
    for what, kept in (("words", "speakers"), ("speakers", "words")):
        text = f"add only {what}; the {kept} are the base's"
        only.add_argument(f"--{what}-only", dest="adds", action="store_const", const=what, help=text)
    add("--keep", action="store_true", help="also keep the words and speakers of the base")
    add("--consent", choices=(OWN, GIVEN), help="whether the voice is your own, or its owner has agreed")
    add("--layout", metavar="LAYOUT", help="how the files are named, such as '{label}/{speaker}_NO_{take}'")
    add("--language", metavar="TAG", help="language of the words, such as en or ar")
    add(
        "--split",
        choices=SPLITS,
        default="all",
        help="how to hold takes out for `voxlet score`; all (the default): none",
    )
    add(
        "--allow-rejected",
        action="store_true",
        help="continue even if over a tenth of the files are unusable",
    )


def run(arguments: argparse.Namespace) -> None:
    """Adapt a base to the recordings, and print how good the voice is and where its file is."""
    began = time.monotonic()
    told = arguments.consent
    kept = kept_consent(arguments.run) if told is None else ""
    consent = kept or consent_for(arguments.recordings, told)
    from voxlet.corpus.corpus import open_corpus
    from voxlet.corpus.look.advise import advise
    from voxlet.corpus.look.inspection import figures_of, measure
    from voxlet.evaluation.adapted import outcome_of
    from voxlet.recipes.adapt import adapt
    from voxlet.training import hardware

    hardware.set_up()
    corpus = open_corpus(
        arguments.recordings,
        allow_rejected=arguments.allow_rejected,
        layout=arguments.layout,
        language=arguments.language,
    )
    measures = measure(corpus)
    for sentence in advise(figures_of(corpus, measures), adapting=True):
        print_error(f"{corpus.name}: {sentence}")
    opened = adapt(
        arguments.recordings,
        arguments.run,
        minutes=arguments.minutes,
        steps=arguments.steps,
        base=arguments.base,
        adds=arguments.adds or "both",
        keep=arguments.keep,
        consent=consent,
        layout=arguments.layout,
        language=arguments.language,
        split=arguments.split,
        allow_rejected=arguments.allow_rejected,
        began=began,
        opened=corpus,
    )
    outcome = outcome_of(opened, corpus, measures)
    outcome.keep(opened.path)
    print_answer(*outcome.lines(), opened.voice_path)


def kept_consent(run: Path) -> str:
    """The consent that was given when the run began; an empty string if it has not begun."""
    from voxlet.run_files import CONFIG
    from voxlet.training.run import open_run

    return str(open_run(run).record.get("consent", "")) if (run / CONFIG).is_file() else ""


def _steps(text: str) -> list[int]:
    try:
        return [int(count) for count in text.split(",")]
    except ValueError:
        raise ConfigError(
            f"--steps {text!r} is not a list of whole numbers",
            remedy="give three, as in --steps 400,1100,600",
        ) from None
