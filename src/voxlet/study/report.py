"""The study as a report: one HTML page with players, and Markdown with the same tables and pictures."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio, files, plots
from voxlet.errors import VoxletError
from voxlet.evaluation.metrics.memorisation import PERCENTILES
from voxlet.evaluation.metrics.statistics import Interval
from voxlet.evaluation.report import PAGE, player
from voxlet.evaluation.scorecard import show
from voxlet.study.plan import MODELS, QUESTIONS, QUICK, ROWS
from voxlet.study.run import VOICE
from voxlet.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlet.evaluation.parts import Value
    from voxlet.study.plan import Question
    from voxlet.study.run import Outcome, Study
    from voxlet.study.tuning import Tuned

BEST_TRIALS = 5
LOSSES, LATENTS = "losses.png", "latents.png"
JUDGES = {
    "heard right, own judge": "own judge",
    "heard right, stranger judge": "stranger judge",
    "heard right, ready-made judge": "PocketSphinx",
}
DEEPER = {"DNSMOS overall": "DNSMOS", "Frechet distance, own features": "Fréchet"}
VARIETY = {
    "precision": "precision",
    "recall": "recall",
    "coverage": "coverage",
    "Frechet extrapolated, own features": "Fréchet, endless clips",
    "inception score": "inception score",
    "modified inception score": "modified",
    "AM score": "AM score",
}
COPYING = {f"nearest training clip, percentile {part}": f"percentile {part}" for part in PERCENTILES}
LATENT = {
    f"{name} heard right, {how}": f"{name}, {how}"
    for name in ("label", "speaker")
    for how in ("linear probe", "nearest neighbours")
} | {
    "mutual information gap, label": "gap, label",
    "mutual information gap, speaker": "gap, speaker",
    "active units": "active units",
    "test loss, each posterior refined": "test loss, refined",
}


@dataclass(frozen=True)
class Block:
    """A piece of the report: a heading with paragraphs, a table and a picture, each where there is one."""

    title: str
    paragraphs: tuple[str, ...] = ()
    table: tuple[tuple[str, ...], ...] = ()  # the first row is the head
    picture: str | None = None


def write_report(study: Study) -> Path:
    """Write `index.html`, `report.md` and their pictures to the study's folder; the page's path.

    Raises:
        FileError: They cannot be written.
    """
    drawn = draw(study)
    blocks = [b if b.picture in drawn else replace(b, picture=None) for b in report(study)]
    files.write_atomically(study.out / "report.md", markdown(blocks).encode())
    body = "\n".join([*as_html(blocks), *to_hear(study)])
    page = PAGE.format(title=html.escape(blocks[0].title), body=body)
    files.write_atomically(study.out / "index.html", page.encode())
    return study.out / "index.html"


def report(study: Study) -> Iterator[Block]:
    """All of it, in order."""
    budget = (
        f"A quick study: every row was trained for {100 * QUICK:.0f} % of its epochs, at least one. "
        "Its figures show the way, not the models' best."
        if study.quick
        else "Every row was trained for the epochs that the table gives."
    )
    missing = [name for name in ROWS if name not in study.outcomes]
    unmade = f" These rows were not made: {', '.join(missing)}." if missing else ""
    yield Block(
        f"Variational autoencoders of {study.corpus}, compared",
        (
            f"{budget} All rows share one split and one kind of spectrogram; losses are nats a clip at beta "
            f"1, with the weights of the best validation. Judges heard "
            f"{study.count} clips of each row, none left out; in brackets are 95 % confidence intervals. "
            f"A voice is heard beside its own corpus's official test clips. "
            f"Made with voxlet {__version__}: `voxlet study --corpus {study.corpus} --out DIR"
            f"{' --quick' if study.quick else ''}`.{unmade}",
        ),
    )
    models = [name for name in (*(row.name for row in MODELS), VOICE) if name in study.outcomes]
    yield Block("Losses", speeds_told(study), losses(study, models), LOSSES)
    yield Block("What judges hear", table=heard(study, models, {**JUDGES, **DEEPER}))
    variety = "In the features of the own judge: how like real test clips the clips are, and how various."
    yield Block("Variety", (variety,), heard(study, models, VARIETY))
    copies = (
        "How far a clip is from the nearest training clip, in nepers of power: who copies is nearer than "
        "real test clips are."
    )
    yield Block("Copying", (copies,), heard(study, models, COPYING))
    order = (
        "What can be read from the posterior means of test clips, the mutual information gap (1: one unit "
        "alone knows it), how many units differ between clips, and the test loss when each posterior is "
        "moved to its best place: what the encoder alone loses is the difference from the table above."
    )
    inside = [name for name in models if name != VOICE]
    table = heard(study, inside, LATENT)[:-1]  # real clips have none
    yield Block("Latent spaces", (order,), table, LATENTS)
    for question in QUESTIONS:
        names = [name for name in question.rows if name in study.outcomes]
        if names:
            rest = () if question.name == "models" else answers(study, names)
            paragraphs = (question.asks, finding(study, question, names), question.also)
            yield Block(question.name[0].upper() + question.name[1:], tuple(p for p in paragraphs if p), rest)
    if study.tuned is not None:
        yield hyper_parameters(study.tuned)
    if failed := [outcome for outcome in study.outcomes.values() if outcome.error]:
        rows = tuple((outcome.title, str(outcome.error)) for outcome in failed)
        yield Block("Rows that failed", table=(("row", "why"), *rows))


def hyper_parameters(tuned: Tuned) -> Block:
    """The best settings that were tried, beside the preset's own."""
    ranked = tuned.ranked
    if not ranked:
        return Block("Hyper-parameters", ("No trial could be trained.",))
    names = tuple(ranked[0].settings)
    own = next((trial for trial in ranked if trial.number == 0), None)
    shown = [*ranked[:BEST_TRIALS], *([own] if own is not None and own not in ranked[:BEST_TRIALS] else [])]
    rows = tuple(
        (
            f"trial {trial.number}" if trial.number else "the preset's own",
            *(f"{value:.3g}" for value in trial.settings.values()),
            number(trial.loss),
        )
        for trial in shown
    )
    gain = "" if own is None else f", the preset's own {number(own.loss)}"
    told = (
        f"{len(tuned.trials)} settings of cnn-light were tried for {tuned.epochs} epochs each, by Optuna's "
        f"tree-structured Parzen estimator. The best reached a validation loss of "
        f"{number(ranked[0].loss)}{gain}."
    )
    return Block("Hyper-parameters", (told,), (("settings", *names, "validation loss"), *rows))


def number(value: float | None, pattern: str = "{:,.1f}") -> str:
    """A number as tables have it; a dash for none."""
    return "-" if value is None else pattern.format(value)


def figure(outcome: Outcome, name: str, side: str = "made") -> Value | None:
    """A figure of an outcome's scorecard, where it has it."""
    return outcome.figures.get(name, {}).get(side)


def speeds_told(study: Study) -> tuple[str, ...]:
    """What the times in the table are."""
    if study.speeds is None:
        return ()
    return (
        "Seconds an epoch of training, without validation, were timed row by row in one sitting "
        f"({study.speeds.machine}); minutes are these times the epochs.",
    )


def losses(study: Study, names: list[str]) -> tuple[tuple[str, ...], ...]:
    """Budget, size and losses of these rows."""
    head = (
        "row", "epochs", "parameters", "s an epoch", "minutes", "training", "validation", "test", "explained",
    )  # fmt: skip
    speeds = study.speeds.epochs if study.speeds is not None else {}
    rows = []
    for outcome in (study.outcomes[name] for name in names):
        if outcome.name == VOICE:
            continue
        explained = "-" if outcome.explained is None else f"{outcome.explained:.0%}"
        seconds = speeds.get(outcome.name)
        minutes = None if seconds is None else seconds * outcome.epochs / 60
        parts = (outcome.train_loss, outcome.validation_loss, outcome.test_loss)
        rows.append(
            (
                outcome.title, str(outcome.epochs), f"{outcome.parameters / 1e6:.1f} M",
                number(seconds, "{:.2f}"), number(minutes), *map(number, parts), explained,
            )
        )  # fmt: skip
    return (head, *rows)


def heard(study: Study, names: list[str], columns: dict[str, str]) -> tuple[tuple[str, ...], ...]:
    """Figures of these rows' scorecards, and of real test clips in the last line."""
    found = [study.outcomes[name] for name in names]
    rows = [(o.title, *(show(key, figure(o, key)) for key in columns)) for o in found if not o.error]
    real = {
        key: next((figure(o, key, "real") for o in found if figure(o, key, "real")), None) for key in columns
    }
    return (
        ("row", *columns.values()),
        *rows,
        ("real test clips", *(show(key, real[key]) for key in columns)),
    )


def answers(study: Study, names: list[str]) -> tuple[tuple[str, ...], ...]:
    """A short table for a question."""
    head = ("row", "test loss", "explained", *JUDGES.values())
    rows = []
    for outcome in (study.outcomes[name] for name in names):
        explained = "-" if outcome.explained is None else f"{outcome.explained:.0%}"
        values = (show(key, figure(outcome, key)) for key in JUDGES)
        rows.append((outcome.title, number(outcome.test_loss), explained, *values))
    return (head, *rows)


def finding(study: Study, question: Question, names: list[str]) -> str:
    """Two sentences: on the losses, where they compare, and on what the strictest judge hears."""
    found = [study.outcomes[name] for name in names if not study.outcomes[name].error]
    sentences = []
    told = [outcome for outcome in found if outcome.test_loss is not None]
    if question.by == "loss" and len(told) > 1:
        ranked = sorted(told, key=lambda outcome: outcome.test_loss or 0.0)
        best, worst = ranked[0], ranked[-1]
        sentences.append(
            f"The lowest test loss has {best.title} with {number(best.test_loss)} nats a clip, the highest "
            f"{worst.title} with {number(worst.test_loss)}."
        )
    for key, judge in reversed(list(JUDGES.items())[:2]):
        shares = {o.title: value for o in found if isinstance(value := figure(o, key), Interval)}
        if len(shares) > 1:
            sentences.append(compared(shares, judge))
            break
    return " ".join(sentences) or "Too few rows were made to tell."


def compared(shares: dict[str, Interval], judge: str) -> str:
    """Which row a judge hears best, and whether that can be told from the worst."""
    ranked = sorted(shares, key=lambda title: shares[title].value)
    low, high = ranked[0], ranked[-1]
    apart = shares[low].high < shares[high].low
    certain = "" if apart else ", which is within the error of the measure"
    return (
        f"The {judge} hears most clips right of {high} ({100 * shares[high].value:.1f} %) "
        f"and fewest of {low} ({100 * shares[low].value:.1f} %){certain}."
    )


def draw(study: Study) -> set[str]:
    """The models' validation curves on one axis and their latent maps side by side; the pictures' names."""
    models = [study.outcomes[row.name] for row in MODELS if row.name in study.outcomes]
    pictures = {}
    if curves := {o.title: np.array(o.curve) for o in models if o.curve}:
        pictures[LOSSES] = plots.learning_curves(curves, "Validation loss", "nats a clip")
    maps = {}
    for outcome in models:
        if outcome.points:
            points = np.array(outcome.points)
            maps[outcome.title] = points[:, :2], points[:, 2].astype(np.int64)
    if maps:
        labels = next(outcome.labels for outcome in models if outcome.points)
        pictures[LATENTS] = plots.latent_panels(maps, labels)
    for name, picture in pictures.items():
        plots.save(picture, study.out / name)
    return set(pictures)


def markdown(blocks: list[Block]) -> str:
    """The report for a repository."""
    lines: list[str] = []
    for depth, block in enumerate(blocks):
        lines += [f"{'#' if depth == 0 else '##'} {block.title}", ""]
        for paragraph in block.paragraphs:
            lines += [paragraph, ""]
        if block.table:
            head, *rows = block.table
            lines += [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
            lines += [f"| {' | '.join(row)} |" for row in rows] + [""]
        if block.picture:
            lines += [f"![{block.title}]({block.picture})", ""]
    return "\n".join(lines)


def as_html(blocks: list[Block]) -> Iterator[str]:
    """The report for a browser; pictures lie beside the page."""
    for depth, block in enumerate(blocks):
        if depth:
            yield f"<h2>{html.escape(block.title)}</h2>"
        for paragraph in block.paragraphs:
            yield "<p>" + re.sub("`(.+?)`", r"<code>\1</code>", html.escape(paragraph)) + "</p>"
        if block.table:
            head, *rows = block.table
            yield "<table><tr>" + "".join(f"<th>{html.escape(cell)}</th>" for cell in head) + "</tr>"
            for row in rows:
                yield "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>"
            yield "</table>"
        if block.picture:
            title = html.escape(block.title)
            yield f'<p><img src="{block.picture}" alt="{title}" style="max-width: 100%"></p>'


def to_hear(study: Study) -> Iterator[str]:
    """A clip of each label from each model and the voice, the first that seed 0 gives."""
    yield "<h2>To hear</h2><p>One clip of each label, the first that seed 0 gives: none is chosen.</p>"
    for name in (*(row.name for row in MODELS), VOICE):
        outcome = study.outcomes.get(name)
        samples = study.samples.get(name)
        if outcome is None or not samples:
            continue
        yield f"<div><b>{html.escape(outcome.title)}</b><br>"
        order = {label: place for place, label in enumerate(outcome.labels)}
        for label, path in sorted(samples.items(), key=lambda item: order.get(item[0], 0)):
            try:
                sound = audio.read(path)
            except VoxletError:  # the run is gone; what was found of it is not
                continue
            yield player(sound.samples, sound.rate, label)
        yield "</div>"
