"""The runs in a folder, for clients that watch: read from files, whichever process trains them."""

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

LONGEST_NAME = 60  # characters of a run's name
KEPT = TypeAdapter(Outcome)
SAMPLE = re.compile(r"(?P<stage>[a-z]+)-(?P<step>\d+)-(?P<number>\d+)-(?P<label>.*)")
LARGEST = 4 * 2**20  # bytes read from the end of a progress file
LIVE_SECONDS = 60.0  # a run that wrote a file this recently is being trained
SHOWN_RUNS, SHOWN_SAMPLES, SHOWN_VALIDATIONS = 100, 200, 500
# The training stages of a voice in order, and the settings with their shares of the time; the last has
# the rest.
STAGES = {"wave": "wave_share", "prior": "prior_share", "distillation": ""}


class Stage(BaseModel):
    """A training stage and its share of the time."""

    name: str
    share: float


class Point(BaseModel):
    """The loss at a training step."""

    stage: str
    step: int
    loss: float


class Sample(BaseModel):
    """A clip that a run has generated."""

    file: str
    stage: str
    step: int
    label: str


class RunSummary(BaseModel):
    """A run as a list shows it; `changed` is in seconds since 1970."""

    name: str
    preset: str
    state: Literal["live", "finished", "stopped"]
    changed: float


class RunView(RunSummary):
    """A run as it is watched live.

    `seconds_left` is to the end of the run if `of_all`, else to the end of the stage; null if unknown.
    `points` are training losses, `validations` are losses on clips that are not trained on.
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
    """The runs in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """The folder of a run, whether or not it exists.

        Raises:
            RefusedError: No run can have this name.
        """
        if not name or safe_name(name, LONGEST_NAME) != name:
            raise RefusedError(404, f"there is no run {name[:LONGEST_NAME]!r}", code="not_found")
        return self.folder / name

    def newest(self) -> list[RunSummary]:
        """At most `SHOWN_RUNS` runs, the newest first."""
        found = [_summary(folder, _object(folder / CONFIG)) for folder in self._folders()]
        return sorted(found, key=lambda run: -run.changed)[:SHOWN_RUNS]

    def view(self, name: str) -> RunView | None:
        """A run as it is now; None if it has not begun."""
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
            RefusedError: There is no such sample.
        """
        folder = self.path(name) / SAMPLES
        if file not in {sample.file for sample in _samples(folder)}:
            raise RefusedError(404, f"there is no such sample of {name!r}", code="not_found")
        return folder / file

    def voice(self, name: str) -> Path:
        """The file of the voice that a run has produced.

        Raises:
            RefusedError: There is no voice yet.
        """
        path = _voice(self.path(name))
        if not path.is_file():
            raise RefusedError(404, f"the run {name!r} has no voice yet", code="not_found")
        return path

    def voices(self) -> list[Path]:
        """The voice files of all runs that have produced one."""
        paths = [_voice(folder) for folder in self._folders()]
        return [path for path in paths if path.is_file()]

    def _folders(self) -> list[Path]:
        """The folders of all runs, by name."""
        paths = sorted(path.parent for path in self.folder.glob(f"*/{CONFIG}"))
        return [path for path in paths if safe_name(path.name, LONGEST_NAME) == path.name]


def _voice(folder: Path) -> Path:
    """The file of a run's voice, whether or not it exists yet."""
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
    """Set the share done and the seconds left: as measured for this stage, as planned for later ones."""
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
    """The clips in a folder: those from training by stage and step, others before them by label."""
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
    """The lines of a JSON Lines file that describe a step; incomplete and invalid ones are skipped."""
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
    """A value from a run's file, 0 if it is not a number."""
    return float(value) if _is_number(value) else 0.0


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
