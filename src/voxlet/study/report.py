"""The study as a report: one HTML page with players, and Markdown with the same tables and pictures."""

from __future__ import annotations

import html
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio, files
from voxlet.errors import VoxletError
from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.metric import CATALOGUE, PERCENTILES, show
from voxlet.evaluation.parts import GENERATED, REAL
from voxlet.evaluation.report.page import PAGE
from voxlet.evaluation.report.players import player
from voxlet.plots.figure import save
from voxlet.plots.training import latent_panels, learning_curves
from voxlet.study.document import Block, as_html, markdown
from voxlet.study.outcome import VOICE
from voxlet.study.plan import MODELS, QUESTIONS, QUICK, ROWS
from voxlet.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator

    from voxlet.evaluation.metric import Value
    from voxlet.study.outcome import Outcome, Study
    from voxlet.study.plan import Question
    from voxlet.study.tuning import Tuned

BEST_TRIALS = 5
LOSSES, LATENTS = "losses.png", "latents.png"
ACCURACY = {
    "recognition.in_corpus.accuracy": "in-corpus",
    "recognition.cross_corpus.accuracy": "cross-corpus",
    "recognition.off_the_shelf.accuracy": "PocketSphinx",
}
FULL = {"naturalness.dnsmos.overall": "DNSMOS", "distribution.in_corpus.frechet_distance": "Fréchet"}
VARIETY = {
    "distribution.in_corpus.precision": "precision",
    "distribution.in_corpus.recall": "recall",
    "distribution.in_corpus.coverage": "coverage",
    "distribution.in_corpus.frechet_extrapolated": "Fréchet, extrapolated",
    "distribution.in_corpus.inception_score": "inception score",
    "distribution.in_corpus.modified_inception_score": "modified",
    "distribution.in_corpus.am_score": "AM score",
}
MEMORISATION = {f"memorisation.nearest.p{part}": f"percentile {part}" for part in PERCENTILES}
LATENT = {
    "latents.label.linear_probe": "label, linear probe",
    "latents.label.nearest_neighbours": "label, nearest neighbours",
    "latents.speaker.linear_probe": "speaker, linear probe",
    "latents.speaker.nearest_neighbours": "speaker, nearest neighbours",
    "latents.label.information_gap": "gap, label",
    "latents.speaker.information_gap": "gap, speaker",
    "latents.active_units": "active units",
    "latents.test_loss.refined": "test loss, refined",
}


def write_report(study: Study) -> Path:
    """Write `index.html`, `report.md` and their pictures to the study's folder; return the page's path.

    Raises:
        FileError: A file cannot be written.
    """
    drawn = draw(study)
    blocks = [b if b.picture in drawn else replace(b, picture=None) for b in report(study)]
    files.write_atomically(study.out / "report.md", markdown(blocks).encode())
    body = "\n".join([*as_html(blocks), *to_hear(study)])
    page = PAGE.format(title=html.escape(blocks[0].title), body=body)
    files.write_atomically(study.out / "index.html", page.encode())
    return study.out / "index.html"


def report(study: Study) -> Iterator[Block]:
    """The blocks of the report, in order."""
    yield opening(study)
    yield from measured(study)
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


def opening(study: Study) -> Block:
    """The first block: what is compared, how, and the command that made the report."""
    budget = (
        f"A quick study: every row was trained for {100 * QUICK:.0f} % of its epochs, at least one. "
        "Its figures show the way, not the models' best."
        if study.quick
        else "Every row was trained for the epochs that the table gives."
    )
    missing = [name for name in ROWS if name not in study.outcomes]
    absent = f" These rows were not made: {', '.join(missing)}." if missing else ""
    return Block(
        f"Variational autoencoders of {study.corpus}, compared",
        (
            f"{budget} All rows share one split and one kind of spectrogram; losses are nats a clip at beta "
            f"1, with the weights of the best validation. Of each row {study.count} clips were generated "
            f"and classified, none left out; in brackets are 95 % confidence intervals. "
            f"A voice is compared with its own corpus's official test clips. "
            f"Made with voxlet {__version__}: `voxlet study --corpus {study.corpus} --out DIR"
            f"{' --quick' if study.quick else ''}`.{absent}",
        ),
    )


def measured(study: Study) -> Iterator[Block]:
    """Blocks with the measurements of the models and the voice."""
    models = [name for name in (*(row.name for row in MODELS), VOICE) if name in study.outcomes]
    yield Block("Losses", speeds_told(study), losses(study, models), LOSSES)
    yield Block("Accuracy and naturalness", table=figures(study, models, {**ACCURACY, **FULL}))
    variety = "In the features of the in-corpus classifier: how like real test clips they are, how various."
    yield Block("Variety", (variety,), figures(study, models, VARIETY))
    copies = (
        "How far a clip is from the nearest training clip, in nepers of power: memorised clips are nearer "
        "than real test clips are."
    )
    yield Block("Memorisation", (copies,), figures(study, models, MEMORISATION))
    order = (
        "What can be read from the posterior means of test clips, the mutual information gap (1: one unit "
        "alone tells it), how many units differ between clips, and the test loss when each posterior is "
        "moved to its best place: what the encoder alone loses is the difference from the table above."
    )
    clip_models = [name for name in models if name != VOICE]
    table = figures(study, clip_models, LATENT)[:-1]  # real clips have none
    yield Block("Latent spaces", (order,), table, LATENTS)


def headline_table(study: Study) -> tuple[tuple[str, ...], ...]:
    """The models in one table: size, training time, loss, accuracy and naturalness."""
    head = ("model", "parameters", "minutes", "test loss", "explained", *ACCURACY.values(), "DNSMOS")
    keys = (*ACCURACY, "naturalness.dnsmos.overall")
    speeds = study.speeds.epochs if study.speeds is not None else {}
    rows = []
    for name in (*(row.name for row in MODELS), VOICE):
        outcome = study.outcomes.get(name)
        if outcome is None or outcome.error is not None:
            continue
        seconds = speeds.get(name)
        minutes = number(None if seconds is None else seconds * outcome.epochs / 60)
        size = f"{outcome.parameters / 1e6:.1f} M" if outcome.parameters else "-"
        explained = number(outcome.explained, "{:.0%}")
        values = (short(key, figure(outcome, key)) for key in keys)
        rows.append((outcome.title, size, minutes, number(outcome.test_loss), explained, *values))
    real = (
        next((figure(o, key, REAL) for o in study.outcomes.values() if figure(o, key, REAL)), None)
        for key in keys
    )
    values = (short(key, value) for key, value in zip(keys, real, strict=True))
    return (head, *rows, ("real test clips", *["-"] * 4, *values))


def short(key: str, value: Value | None) -> str:
    """A value for a table, without its interval."""
    if not isinstance(value, Interval):
        return "-"
    return f"{100 * value.value:.1f} %" if CATALOGUE[key].unit == "share" else f"{value.value:.2f}"


def hyper_parameters(tuned: Tuned) -> Block:
    """A block with the best settings that were tried, and the preset's own."""
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
    """A number for a table; a dash for None."""
    return "-" if value is None else pattern.format(value)


def figure(outcome: Outcome, key: str, role: str = GENERATED) -> Value | None:
    """A figure of an outcome's scorecard; None if it is missing."""
    return outcome.figures.get(key, {}).get(role)


def speeds_told(study: Study) -> tuple[str, ...]:
    """A paragraph on how the times in the table were measured, if they were."""
    if study.speeds is None:
        return ()
    return (
        "Seconds an epoch of training, without validation, were timed row by row in one sitting "
        f"({study.speeds.machine}); minutes are these times the epochs.",
    )


def losses(study: Study, names: list[str]) -> tuple[tuple[str, ...], ...]:
    """A table of the budget, size and losses of these rows."""
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


def figures(study: Study, names: list[str], columns: dict[str, str]) -> tuple[tuple[str, ...], ...]:
    """A table of figures of these rows' scorecards, with real test clips in the last line."""
    found = [study.outcomes[name] for name in names]
    rows = [
        (o.title, *(show(CATALOGUE[key], figure(o, key)) for key in columns)) for o in found if not o.error
    ]
    real = {key: next((figure(o, key, REAL) for o in found if figure(o, key, REAL)), None) for key in columns}
    return (
        ("row", *columns.values()),
        *rows,
        ("real test clips", *(show(CATALOGUE[key], real[key]) for key in columns)),
    )


def answers(study: Study, names: list[str]) -> tuple[tuple[str, ...], ...]:
    """A short table of the rows of a question."""
    head = ("row", "test loss", "explained", *ACCURACY.values())
    rows = []
    for outcome in (study.outcomes[name] for name in names):
        explained = "-" if outcome.explained is None else f"{outcome.explained:.0%}"
        values = (show(CATALOGUE[key], figure(outcome, key)) for key in ACCURACY)
        rows.append((outcome.title, number(outcome.test_loss), explained, *values))
    return (head, *rows)


def finding(study: Study, question: Question, names: list[str]) -> str:
    """A sentence on the losses, if they are comparable, and one on accuracy by the strictest classifier."""
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
    for key, name in reversed(list(ACCURACY.items())[:2]):
        shares = {o.title: value for o in found if isinstance(value := figure(o, key), Interval)}
        if len(shares) > 1:
            sentences.append(compared(shares, f"{name} classifier"))
            break
    return " ".join(sentences) or "Too few rows were made to tell."


def compared(shares: dict[str, Interval], classifier: str) -> str:
    """A sentence on the rows a classifier recognises best and worst, and whether they clearly differ."""
    ranked = sorted(shares, key=lambda title: shares[title].value)
    low, high = ranked[0], ranked[-1]
    apart = shares[low].high < shares[high].low
    certain = "" if apart else ", which is within the error of the measure"
    return (
        f"By the {classifier}, accuracy is highest for {high} ({100 * shares[high].value:.1f} %) "
        f"and lowest for {low} ({100 * shares[low].value:.1f} %){certain}."
    )


def draw(study: Study) -> set[str]:
    """Draw the models' validation curves and their latent maps; return the file names of the pictures."""
    models = [study.outcomes[row.name] for row in MODELS if row.name in study.outcomes]
    pictures = {}
    if curves := {o.title: np.array(o.curve) for o in models if o.curve}:
        pictures[LOSSES] = learning_curves(curves, "Validation loss", "nats a clip")
    maps = {}
    for outcome in models:
        if outcome.points:
            points = np.array(outcome.points)
            maps[outcome.title] = points[:, :2], points[:, 2].astype(np.int64)
    if maps:
        labels = next(outcome.labels for outcome in models if outcome.points)
        pictures[LATENTS] = latent_panels(maps, labels)
    for name, picture in pictures.items():
        save(picture, study.out / name)
    return set(pictures)


def to_hear(study: Study) -> Iterator[str]:
    """HTML players for one clip of each label, the first of seed 0, from each model and the voice."""
    yield "<h2>To hear</h2><p>One clip of each label, the first that seed 0 gives: none is chosen.</p>"
    for name in (*(row.name for row in MODELS), VOICE):
        outcome = study.outcomes.get(name)
        samples = study.samples.get(name)
        if outcome is None or not samples:
            continue
        yield f"<div><b>{html.escape(outcome.title)}</b><br>"
        for label, path in samples.items():
            try:
                sound = audio.read(path)
            except VoxletError:  # the run was deleted, its outcome was not
                continue
            yield player(sound.samples, sound.rate, label)
        yield "</div>"
