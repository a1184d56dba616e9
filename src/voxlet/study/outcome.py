"""What was found of each row, and how it is kept: OUT/rows/ROW.json, under all that decides it."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from voxlet import files
from voxlet.errors import ConfigError
from voxlet.evaluation.metric import Value
from voxlet.study.tuning import Tuned
from voxlet.training.serialize import from_json

VERSION = 3  # raise it when the same row gives other findings
VOICE = "voice"  # the row of the shipped or own voice
ROWS_FOLDER, SPEEDS = "rows", "speeds.json"


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
    figures: dict[str, dict[str, Value | None]] = field(default_factory=dict)  # by key, then by set
    kl_per_unit: tuple[float, ...] = ()  # nats, on the test clips
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
    """A study: its outcomes in the order of their rows.

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


def digest_of(*what: object) -> str:
    """The key of an outcome: what it was found of, and by which version of the study."""
    return hashlib.sha256(json.dumps([VERSION, *what]).encode()).hexdigest()[:16]


def read_outcome(path: Path) -> Outcome | None:
    """An outcome that was kept, if it is there and whole."""
    try:
        return from_json(Outcome, json.loads(path.read_text()), where=path)
    except (OSError, ValueError, ConfigError):
        return None


def recall(kept: Path, name: str, key: str) -> Outcome | None:
    """The outcome of a row that was kept under that key, if it is there and whole."""
    found = read_outcome(kept / f"{name}.json")
    return found if found is not None and found.key == key else None


def keep(kept: Path, outcome: Outcome) -> None:
    """Write an outcome for the next time."""
    text = json.dumps(asdict(outcome)) + "\n"
    files.write_atomically(kept / f"{outcome.name}.json", text.encode())


def read_speeds(path: Path) -> Speeds | None:
    """Speeds that were kept, if they are there and whole."""
    try:
        return from_json(Speeds, json.loads(path.read_text()), where=path)
    except (OSError, ValueError, ConfigError):
        return None
