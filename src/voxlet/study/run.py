"""The study: every row trained on the same split, measured alike, and kept, so that it can be gone on with.

OUT/runs/ROW/        a run as `voxlet train` makes it; other studies may share them
    rows/ROW.json    what was found
    speeds.json      how fast the models train, timed one after the other
    index.html, report.md, *.png
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from tqdm import tqdm

from voxlet import files
from voxlet.corpus.dataset import open_dataset
from voxlet.errors import ConfigError, VoxletError
from voxlet.evaluation.clipset import sample_clips
from voxlet.evaluation.metrics.reconstruction import Insides
from voxlet.evaluation.parts import Value
from voxlet.evaluation.reference import Division, Reference, open_reference
from voxlet.evaluation.scorecard import evaluate
from voxlet.extras import import_extra
from voxlet.recipes.clip.encode import encode, explain
from voxlet.recipes.clip.figures import plane
from voxlet.recipes.clip.finish import write_samples
from voxlet.recipes.clip.task import clip_task
from voxlet.recipes.clip.timing import processor, time_steps
from voxlet.recipes.train import train
from voxlet.speak.library import find_voice
from voxlet.speak.voice import Voice
from voxlet.speak.voice_file import read_voice
from voxlet.study.plan import Row, chosen
from voxlet.study.tuning import DATABASE, Tuned, tune
from voxlet.training.run import Run
from voxlet.training.serialize import from_json

if TYPE_CHECKING:
    from voxlet.speak.speech import Sampler

VERSION = 2  # raise it when the same row gives other findings
COUNT, QUICK_COUNT = 500, 200  # clips of a row
FULL_PARTS = ("recognition", "naturalness", "distribution", "copying")
PARTS = ("recognition", "distribution")
TRAIN_CLIPS = 500  # are enough for a training loss
SPEEDS, TIMED_STEPS = "speeds.json", 5
VOICE = "voice"  # the row of the shipped or own voice


@dataclass(frozen=True)
class Outcome:
    """What was found of a row; `error` says why there is nothing.

    Losses are nats a clip at beta 1; those of other likelihoods than the study's do not compare. `explained`
    is the share of what can be explained: 0 is the mean spectrogram, 1 the targets' own entropy.
    """

    name: str
    title: str
    epochs: int = 0
    parameters: int = 0
    train_loss: float | None = None
    validation_loss: float | None = None
    test_loss: float | None = None
    explained: float | None = None
    figures: dict[str, dict[str, Value | None]] = field(default_factory=dict)  # name -> made, real
    curve: tuple[tuple[float, float], ...] = ()  # epoch, validation loss
    points: tuple[tuple[float, float, int], ...] = ()  # test clips on a plane, label
    labels: tuple[str, ...] = ()
    error: str | None = None
    key: str = ""


@dataclass(frozen=True)
class Speeds:
    """How fast rows train: timed in one sitting, one after the other, so that they compare.

    `epochs` holds seconds an epoch by row, without validation, `machine` says where.
    """

    machine: str
    epochs: dict[str, float]


@dataclass(frozen=True)
class Study:
    """A study that has been made: its outcomes in the order of their rows.

    `samples` holds the WAV files of rows whose runs are there, by row and label. Where they lie is not a
    finding, so it is not kept with the outcomes.
    """

    out: Path
    corpus: str
    quick: bool
    count: int
    outcomes: dict[str, Outcome]
    tuned: Tuned | None = None
    speeds: Speeds | None = None
    samples: dict[str, dict[str, str]] = field(default_factory=dict)


def make_study(
    out: Path,
    *,
    corpus: str = "fsdd",
    only: tuple[str, ...] = (),
    quick: bool = False,
    count: int | None = None,
    runs: Path | None = None,
    voice: str | None = "digits",
    trials: int = 0,
) -> Study:
    """Train and measure what has not been yet. A row that fails is kept with its reason.

    What `out` keeps of other rows, made with the same settings, is in the study too.

    Args:
        out: The study's folder.
        corpus: Of real clips.
        only: Names of the rows to make; without any, all.
        quick: A tenth of the epochs, and fewer clips.
        count: Clips that are sampled of a row.
        runs: Where the runs are; another study's, to share them.
        voice: A voice to stand beside the rows; None: none.
        trials: How many settings of `cnn-light` are tried; see `tuning`. Those tried before are in it too.

    Raises:
        ConfigError: There is no such row, or `count` or `trials` makes no sense.
        CorpusError: The corpus cannot be used.
        FileError: The folder cannot be written.
    """
    import_extra("scipy", "study")
    if count is None:
        count = QUICK_COUNT if quick else COUNT
    if count < 1:
        raise ConfigError(f"--count {count} is less than 1")
    rows = chosen((), quick)
    asked = {row.name for row in chosen(tuple(name for name in only if name != VOICE), quick)}
    asked = set() if only == (VOICE,) else asked
    runs = files.make_folder(runs or out / "runs")
    kept = files.make_folder(out / "rows")
    outcomes: dict[str, Outcome] = {}
    bar = tqdm(rows, unit="row", desc="study", disable=None, leave=False)
    for row in bar:
        bar.set_postfix_str(row.name)
        key = digest_of(asdict(row), corpus, count)
        found = recall(kept, row.name, key)
        if row.name in asked and (found is None or found.error is not None):
            found = attempt(row, corpus, count, runs / (row.run or row.name), key)
            keep(kept, found)
        if found is not None:
            outcomes[row.name] = found
    if voice is not None:
        heard = hear_voice(voice, corpus, count, kept, asked=not only or VOICE in only)
        if heard is not None:
            outcomes[VOICE] = heard
    tuning = out / "tuning"
    tuned = tune(tuning, corpus, trials) if trials or (tuning / DATABASE).is_file() else None
    models = [row for row in rows if row.full and row.run is None and timed(outcomes.get(row.name))]
    speeds = speeds_of(models, corpus, out / SPEEDS)
    places = {row.name: runs / (row.run or row.name) / "samples" for row in rows} | {VOICE: out / VOICE}
    samples = {
        name: {path.stem: str(path) for path in sorted(places[name].glob("*.wav"))}
        for name, outcome in outcomes.items()
        if outcome.error is None
    }
    return Study(out, corpus, quick, count, outcomes, tuned, speeds, samples)


def timed(outcome: Outcome | None) -> bool:
    """Whether a row has something whose time is worth knowing."""
    return outcome is not None and outcome.error is None


def speeds_of(rows: list[Row], corpus: str, path: Path) -> Speeds | None:
    """How fast these rows train: as kept, if they all were timed together, else timed now and kept."""
    try:
        kept = from_json(Speeds, json.loads(path.read_text()), where=path)
    except (OSError, ValueError, ConfigError):
        kept = Speeds("", {})
    if not rows or {row.name for row in rows} <= set(kept.epochs):
        return kept if rows else None
    epochs = {}
    for row in tqdm(rows, unit="row", desc="timing", disable=None, leave=False):
        config = row.config()
        dataset = open_dataset(
            corpus,
            config.preparation,
            split=config.split,
            seed=config.split_seed,
            allow_rejected=True,
            progress=False,
        )
        train_rows = torch.from_numpy(dataset.split.train)
        torch.manual_seed(config.loop.seed)
        timing = time_steps(clip_task(config, dataset), train_rows, TIMED_STEPS)
        epochs[row.name] = len(train_rows) * timing.clip_seconds
    found = Speeds(processor(), epochs)
    files.write_atomically(path, (json.dumps(asdict(found)) + "\n").encode())
    return found


def digest_of(*what: object) -> str:
    """The key of an outcome: what it was found of, and by which version of the study."""
    return hashlib.sha256(json.dumps([VERSION, *what]).encode()).hexdigest()[:16]


def recall(kept: Path, name: str, key: str) -> Outcome | None:
    """The outcome that was kept under that key, if it is there and whole."""
    path = kept / f"{name}.json"
    try:
        found = from_json(Outcome, json.loads(path.read_text()), where=path)
    except (OSError, ValueError, ConfigError):
        return None
    return found if found.key == key else None


def keep(kept: Path, outcome: Outcome) -> None:
    """Write an outcome for the next time."""
    text = json.dumps(asdict(outcome)) + "\n"
    files.write_atomically(kept / f"{outcome.name}.json", text.encode())


def attempt(row: Row, corpus: str, count: int, folder: Path, key: str) -> Outcome:
    """Measure a row; if that fails, the reason."""
    try:
        return measure_row(row, corpus, count, folder, key)
    except VoxletError as error:
        return Outcome(row.name, row.heading, row.epochs, error=str(error), key=key)


def measure_row(row: Row, corpus: str, count: int, folder: Path, key: str) -> Outcome:
    """Train a row, unless it is, and measure it.

    Raises:
        VoxletError: Something cannot be trained or measured.
    """
    config = row.config()
    run = train(row.preset, corpus, folder, epochs=row.epochs, config=config)
    insides = Insides(str(folder))
    rows = insides.split.train[:: 1 + len(insides.split.train) // TRAIN_CLIPS]
    losses = {
        name: explain(insides.model, insides.spectrograms, insides.labels, some).loss
        for name, some in (
            ("train", rows),
            ("validation", insides.split.validation),
            ("test", insides.split.test),
        )
    }
    sampler = insides.opened.with_phase(row.phase)
    reference = reference_of(corpus, Division(config.split, config.split_seed, config.preparation))
    return Outcome(
        name=row.name,
        title=row.heading,
        epochs=row.epochs,
        parameters=sum(parameter.numel() for parameter in insides.model.parameters()),
        train_loss=losses["train"],
        validation_loss=losses["validation"],
        test_loss=losses["test"],
        explained=insides.explained(losses["test"]),
        figures=figures_of(sampler, reference, count, FULL_PARTS if row.full else PARTS)
        | (latent_figures(insides) if row.full else {}),
        curve=curve_of(run.run),
        points=points_of(insides),
        labels=insides.prepared.label_names,
        key=key,
    )


def hear_voice(voice: str, corpus: str, count: int, kept: Path, *, asked: bool) -> Outcome | None:
    """The scorecard of a voice, beside the rows, or the one that was kept. It has no loss that compares.

    None where the row is not asked for and none was kept.
    """
    title = f"voice {Path(voice).stem}"
    try:
        file = read_voice(find_voice(voice))
        key = digest_of(file.digest, corpus, count)
        found = recall(kept, VOICE, key)
        if found is None and not asked:
            return None
        speaker = Voice(file)
        write_samples(kept.parent / VOICE, speaker)
        if found is None:
            figures = figures_of(speaker, open_reference(corpus), count, FULL_PARTS)
            found = Outcome(VOICE, title, figures=figures, key=key)
            keep(kept, found)
    except VoxletError as error:
        return Outcome(VOICE, title, error=str(error)) if asked else None
    return replace(found, labels=tuple(speaker.labels))


@lru_cache(maxsize=1)
def reference_of(corpus: str, division: Division) -> Reference:
    """The real clips that a row's run did and did not learn from: the same for nearly all rows."""
    return open_reference(corpus, division)


def figures_of(
    sampler: Sampler, reference: Reference, count: int, parts: tuple[str, ...]
) -> dict[str, dict[str, Value | None]]:
    """The scorecard's figures, made and real, by name; none by label."""
    card = evaluate(sample_clips(sampler, count), reference, only=parts, progress=False)
    return {
        figure.name: {"made": figure.made, "real": figure.real}
        for figure in card.figures
        if figure.label is None
    }


def latent_figures(insides: Insides) -> dict[str, dict[str, Value | None]]:
    """What the scorecard says of the latent space, by name."""
    return {name: {"made": value, "real": None} for name, value in insides.latent_space().items()}


def curve_of(run: Run) -> tuple[tuple[float, float], ...]:
    """Validation losses by epoch."""
    lines = [line for line in run.metrics() if "validation_loss" in line]
    return tuple((float(str(line["epoch"])), float(str(line["validation_loss"]))) for line in lines)


def points_of(insides: Insides) -> tuple[tuple[float, float, int], ...]:
    """Where the test clips lie in the latent space, on the plane in which the training clips differ most."""
    means = [
        encode(insides.model, insides.spectrograms, insides.labels, rows).mean
        for rows in (insides.split.train, insides.split.test)
    ]
    project, _ = plane(means[0])
    places = project(means[1])
    labels = insides.prepared.labels[insides.split.test]
    return tuple(
        (round(float(x), 3), round(float(y), 3), int(label))
        for (x, y), label in zip(places, labels, strict=True)
    )
