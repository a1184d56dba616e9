"""Tune hyper-parameters of `cnn-light` by Optuna's tree-structured Parzen estimator (Bergstra et al. 2011).

Trials are kept in a database beside their runs: the same command resumes, and a larger number adds trials.
The budget is trials times epochs, and the report states both. The objective is the best validation loss.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from voxlet import files
from voxlet.errors import ConfigError, VoxletError
from voxlet.extras import import_extra
from voxlet.recipes.clip.config import ClipTraining
from voxlet.recipes.train import train
from voxlet.study.plan import changed, on_study_clips

if TYPE_CHECKING:
    from pathlib import Path

PRESET, EPOCHS, SEED = "cnn-light", 10, 0
DATABASE = "trials.db"
Settings = dict[str, float | int]
SPACE: dict[str, tuple[float | int, float | int, str]] = {  # lowest, highest, scale
    "learning_rate": (5e-4, 5e-3, "log"),
    "model.latent_size": (2, 64, "log"),
    "model.width": (96, 192, "linear"),
    "model.dropout": (0.0, 0.3, "linear"),
    "kl_warmup": (0.0, 0.5, "linear"),
    "augmentation.stretch": (0.0, 0.1, "linear"),
}


@dataclass(frozen=True)
class Trial:
    """Settings that were tried, and the best validation loss in nats per clip; None if training failed."""

    number: int
    settings: Settings
    loss: float | None


@dataclass(frozen=True)
class Tuned:
    """All trials, and the epochs of each."""

    trials: tuple[Trial, ...]
    epochs: int

    @property
    def ranked(self) -> list[Trial]:
        """The trials that could be trained, the best first."""
        done = [trial for trial in self.trials if trial.loss is not None]
        return sorted(done, key=lambda trial: trial.loss or 0.0)


def suggest(trial: Any) -> Settings:
    """The settings that Optuna suggests for a trial."""
    tried: Settings = {}
    for name, (low, high, how) in SPACE.items():
        ask = trial.suggest_int if isinstance(low, int) else trial.suggest_float
        tried[name] = ask(name, low, high, log=how == "log")
    return tried


def tune(folder: Path, corpus: str, trials: int, *, epochs: int = EPOCHS, layout: str | None = None) -> Tuned:
    """Run trials until there are `trials` in `folder`, and return all of them.

    Args:
        folder: Folder of the database and the trials' runs.
        corpus: Corpus to train on.
        trials: Number of trials in all, earlier ones included.
        epochs: Epochs of each trial.
        layout: How the corpus's files are named; detected if None.

    Raises:
        ConfigError: `trials` is negative.
        MissingExtraError: Optuna is not installed.
        FileError: The folder cannot be made.
    """
    if trials < 0:
        raise ConfigError(f"{trials} is negative", where="--tune")
    optuna = import_extra("optuna", "study")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    files.make_folder(folder)
    base = on_study_clips(PRESET)
    name = ", ".join([corpus, *([] if layout is None else [layout]), f"{epochs} epochs"])
    runs = folder / hashlib.sha256(name.encode()).hexdigest()[:8]  # other corpora or epochs have other runs
    kept = optuna.create_study(
        storage=f"sqlite:///{folder / DATABASE}",
        study_name=name,
        sampler=optuna.samplers.TPESampler(seed=SEED),
        load_if_exists=True,
    )
    if not kept.trials:
        kept.enqueue_trial({name: own_setting(base, name) for name in SPACE})  # trial 0: the preset itself

    def objective(trial: Any) -> float:
        try:
            run = runs / f"trial-{trial.number}"
            return best_loss(base, suggest(trial), corpus, run, epochs, layout=layout)
        except VoxletError as error:
            raise optuna.TrialPruned from error

    states = optuna.trial.TrialState
    ended = (states.COMPLETE, states.PRUNED)
    while sum(trial.state in ended for trial in kept.trials) < trials:
        kept.optimize(objective, n_trials=1)
    return Tuned(
        tuple(Trial(t.number, dict(t.params), t.value) for t in kept.trials if t.state in ended), epochs
    )


def best_loss(
    base: ClipTraining, settings: Settings, corpus: str, folder: Path, epochs: int, *, layout: str | None
) -> float:
    """The lowest validation loss of a run with these settings.

    Raises:
        VoxletError: The run cannot be trained.
    """
    config = base
    for field, value in settings.items():
        config = changed(config, field, value)
    run = train(PRESET, corpus, folder, epochs=epochs, config=config, layout=layout)
    return min(float(str(line["validation_loss"])) for line in run.metrics())


def own_setting(config: ClipTraining, field: str) -> float:
    """The value of a setting, given by its dotted name."""
    value: Any = config
    for part in field.split("."):
        value = getattr(value, part)
    return float(value) if isinstance(value, float) else int(value)
