"""The outcome of each row, kept in OUT/rows/ROW.json with a key of everything that determines it."""

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

VERSION = 3  # increase it when the same row gives a different outcome
VOICE = "voice"  # the row of a voice, shipped or the user's own
ROWS_FOLDER, SPEEDS = "rows", "speeds.json"


@dataclass(frozen=True)
class Outcome:
    """The measurements of a row; `error` says why there are none.

    Losses are in nats per clip at beta 1; those of likelihoods other than the study's are not comparable.
    `explained` is the share of what can be explained: 0 is the mean spectrogram, 1 the targets' own entropy.
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
    points: tuple[tuple[float, float, int], ...] = ()  # x and y of test clips on a plane, label
    labels: tuple[str, ...] = ()
    error: str | None = None
    key: str = ""


@dataclass(frozen=True)
class Speeds:
    """How fast rows train, timed in one sitting, one after the other, so that they are comparable.

    `epochs` holds the seconds per epoch of each row, without validation; `machine` names the processor. `key`
    is a digest of what was timed.
    """

    machine: str
    epochs: dict[str, float]
    key: str = ""


@dataclass(frozen=True)
class Study:
    """A study: its outcomes in the order of their rows.

    `samples` holds the paths of WAV files, by row and label, of rows whose runs are there. Paths are not
    measurements, so they are not kept with the outcomes.
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
    """The key of an outcome: a digest of what determines it and of the study's version."""
    return hashlib.sha256(json.dumps([VERSION, *what]).encode()).hexdigest()[:16]


def read_outcome(path: Path) -> Outcome | None:
    """A kept outcome; None if it is missing or damaged."""
    try:
        return from_json(Outcome, json.loads(path.read_text()), where=path)
    except (OSError, ValueError, ConfigError):
        return None


def recall(kept: Path, name: str, key: str) -> Outcome | None:
    """The kept outcome of a row; None if it is missing, damaged or has another key."""
    found = read_outcome(kept / f"{name}.json")
    return found if found is not None and found.key == key else None


def keep(kept: Path, outcome: Outcome) -> None:
    """Keep an outcome for later runs of the study."""
    text = json.dumps(asdict(outcome)) + "\n"
    files.write_atomically(kept / f"{outcome.name}.json", text.encode())


def read_speeds(path: Path) -> Speeds | None:
    """Kept speeds; None if they are missing or damaged."""
    try:
        return from_json(Speeds, json.loads(path.read_text()), where=path)
    except (OSError, ValueError, ConfigError):
        return None
