"""Runs in a folder, as somebody who watches sees them: read from their files, whoever trains them."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any, Literal, TypeGuard

from pydantic import BaseModel, TypeAdapter

from voxlet.evaluation.outcome import Outcome
from voxlet.files import safe_name
from voxlet.run_files import CONFIG, METRICS, OUTCOME, PROGRESS, SAMPLES, TEST
from voxlet.serving.refusals import RefusedError
from voxlet.speak.voice_file import SUFFIX

LONGEST_NAME = 60  # characters of a run's
KEPT = TypeAdapter(Outcome)
SAMPLE = re.compile(r"(?P<stage>[a-z]+)-(?P<step>\d+)-(?P<number>\d+)-(?P<label>.*)")
LARGEST = 4 * 2**20  # bytes of a file of progress that are read
LIVE_SECONDS = 60.0  # since something was written: it is being trained
SHOWN_RUNS, SHOWN_SAMPLES, SHOWN_VALIDATIONS = 100, 200, 500
# The stages of a voice, in order, and where its settings have their shares of the time.
STAGES = {"wave": "wave_share", "prior": "prior_share", "distillation": ""}


class Stage(BaseModel):
    """A stage and its share of the time."""

    name: str
    share: float


class Point(BaseModel):
    """A loss at a step."""

    stage: str
    step: int
    loss: float


class Sample(BaseModel):
    """A clip that a run has made."""

    file: str
    stage: str
    step: int
    label: str


class RunSummary(BaseModel):
    """A run in a line of a list; `changed` is in seconds since 1970."""

    name: str
    preset: str
    state: Literal["live", "finished", "stopped"]
    changed: float


class RunView(RunSummary):
    """A run as one sees it live.

    `seconds_left` is to the end where `of_all`, else to the end of the stage; None where it is not known.
    `points` are of the training, `validations` of clips that are not trained on.
    """

    stages: list[Stage]
    stage: str = ""
    step: int = 0
    done: float = 0.0
    seconds_left: float | None = None
    of_all: bool = True
    losses: dict[str, float] = {}
    points: list[Point] = []
    validations: list[Point] = []
    samples: list[Sample] = []
    voice: str | None = None
    outcome: Outcome | None = None


class Runs:
    """The runs that lie in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """A run's folder, whether or not it is there.

        Raises:
            RefusedError: The name is none that a run can have.
        """
        if not name or safe_name(name, LONGEST_NAME) != name:
            raise RefusedError(404, f"there is no run {name[:LONGEST_NAME]!r}", code="not_found")
        return self.folder / name

    def all(self) -> list[RunSummary]:
        """The runs, the newest first."""
        if not self.folder.is_dir():
            return []
        found = [
            _summary(path.parent, _object(path))
            for path in self.folder.glob(f"*/{CONFIG}")
            if safe_name(path.parent.name, LONGEST_NAME) == path.parent.name
        ]
        return sorted(found, key=lambda run: -run.changed)[:SHOWN_RUNS]

    def view(self, name: str) -> RunView | None:
        """A run; None where it has not begun."""
        folder = self.path(name)
        config = _object(folder / CONFIG)
        if not config:
            return None
        told, measured = _lines(folder / PROGRESS), _lines(folder / METRICS)
        last = told[-1] if told else {}
        view = RunView(**_summary(folder, config).model_dump(), stages=_stages(config, told))
        voice = _voice(folder)
        view.voice = voice.name if voice.is_file() else None
        view.outcome = _outcome(folder / OUTCOME) if view.voice else None
        view.samples = _samples(folder / SAMPLES)
        view.points = _points(told, "loss") or _points(measured, "train_loss")
        view.validations = _points(measured, "validation_loss")[-SHOWN_VALIDATIONS:]
        if last:
            view.stage, view.step = str(last["stage"]), int(last["step"])
            view.losses = {
                key: float(value)
                for key, value in last.items()
                if key not in ("stage", "step", "done", "seconds_left") and _is_number(value)
            }
            _time_left(view, config, last)
        return view

    def sample(self, name: str, file: str) -> Path:
        """The file of a sample.

        Raises:
            RefusedError: There is none.
        """
        folder = self.path(name) / SAMPLES
        if file not in {sample.file for sample in _samples(folder)}:
            raise RefusedError(404, f"there is no such sample of {name!r}", code="not_found")
        return folder / file

    def voice(self, name: str) -> Path:
        """The voice that a run ended with.

        Raises:
            RefusedError: There is none.
        """
        path = _voice(self.path(name))
        if not path.is_file():
            raise RefusedError(404, f"the run {name!r} has no voice yet", code="not_found")
        return path

    def voices(self) -> list[Path]:
        """The voices of all runs that have ended with one."""
        paths = [_voice(self.folder / run.name) for run in self.all()]
        return [path for path in paths if path.is_file()]


def _voice(folder: Path) -> Path:
    """Where a run's voice lies, whether or not it has come to that."""
    return folder / f"{folder.name}{SUFFIX}"


def _summary(folder: Path, config: dict[str, Any]) -> RunSummary:
    changed = max((_changed(folder / name) for name in (PROGRESS, METRICS, CONFIG)), default=0.0)
    ended = (_voice(folder), folder / TEST)
    finished = any(path.is_file() for path in ended)
    state: Literal["live", "finished", "stopped"] = "finished" if finished else "stopped"
    if not finished and time.time() - changed < LIVE_SECONDS:
        state = "live"
    preset = str(config.get("preset", ""))
    return RunSummary(name=folder.name, preset=preset, state=state, changed=changed)


def _stages(config: dict[str, Any], told: list[dict[str, Any]]) -> list[Stage]:
    if config.get("kind") != "voice":
        names = list(dict.fromkeys(str(line["stage"]) for line in told))
        return [Stage(name=name, share=1 / len(names)) for name in names]
    settings = config.get("config")
    held = settings if isinstance(settings, dict) else {}
    shares = {name: _number(held.get(key)) for name, key in STAGES.items() if key}
    last = {name: 1 - sum(shares.values()) for name, key in STAGES.items() if not key}
    return [Stage(name=name, share=share) for name, share in {**shares, **last}.items()]


def _time_left(view: RunView, config: dict[str, Any], last: dict[str, Any]) -> None:
    """How much is done of all, and the seconds left: of this stage as it goes, of later ones as planned."""
    names = [stage.name for stage in view.stages]
    place = names.index(view.stage) if view.stage in names else 0
    shares, done = [stage.share for stage in view.stages], _number(last.get("done"))
    view.done = round(sum(shares[:place]) + shares[place] * done, 4)
    view.seconds_left = _number(last.get("seconds_left"))
    later = sum(shares[place + 1 :])
    budget = config.get("budget")
    minutes = budget.get("minutes") if isinstance(budget, dict) else None
    if isinstance(minutes, int | float):
        view.seconds_left += 60 * minutes * later
    else:
        view.of_all = not later


def _points(lines: list[dict[str, Any]], key: str) -> list[Point]:
    return [
        Point(stage=line["stage"], step=line["step"], loss=float(line[key]))
        for line in lines
        if _is_number(line.get(key))
    ]


def _samples(folder: Path) -> list[Sample]:
    """The clips of a folder: those on the way by stage and step, others by their label."""
    if not folder.is_dir():
        return []
    found = []
    for path in folder.glob("*.wav"):
        if match := SAMPLE.fullmatch(path.stem):
            step, label = int(match["step"]), match["label"] or match["number"]
            found.append(Sample(file=path.name, stage=match["stage"], step=step, label=label))
        else:
            found.append(Sample(file=path.name, stage="", step=0, label=path.stem))
    order = {name: number for number, name in enumerate(STAGES)}
    found.sort(key=lambda one: (order.get(one.stage, -1), one.step, one.file))
    return found[-SHOWN_SAMPLES:]


def _outcome(path: Path) -> Outcome | None:
    try:
        return KEPT.validate_json(path.read_bytes())
    except (OSError, ValueError):
        return None


def _object(path: Path) -> dict[str, Any]:
    try:
        held = json.loads(path.read_text())
    except (OSError, ValueError, RecursionError):
        return {}
    return held if isinstance(held, dict) else {}


def _lines(path: Path) -> list[dict[str, Any]]:
    """The lines of numbers of a file, whole and as they should be; others are passed over."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, 2) - LARGEST))
            written = file.read().split(b"\n")[:-1]
    except OSError:
        return []
    found = []
    for line in written:
        try:
            held = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if (
            isinstance(held, dict)
            and isinstance(held.get("stage"), str)
            and isinstance(held.get("step"), int)
        ):
            found.append(held)
    return found


def _number(value: object) -> float:
    """What a file of a run says, 0 where it says no number."""
    return float(value) if _is_number(value) else 0.0


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
