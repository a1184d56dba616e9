"""From a preset and a corpus to a trained run."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet import files
from voxlet.corpus.catalog import BASE, CATALOG
from voxlet.corpus.corpus import open_corpus, place_of
from voxlet.corpus.dataset import Dataset, check_recordings, make_dataset
from voxlet.engines.threads import THREADS
from voxlet.errors import ConfigError, RunError, printable
from voxlet.recipes import preflight
from voxlet.recipes.clip.task import plan_clip_training
from voxlet.recipes.opened import KINDS, ClipRun, VoiceRun, load_run
from voxlet.recipes.presets import Training, find_preset
from voxlet.recipes.voice.base_file import BASE_SUFFIX, read_base, write_base
from voxlet.recipes.voice.config import VoiceTraining
from voxlet.recipes.voice.finish import base_of, check_names, write_voice
from voxlet.recipes.voice.plan import plan_voice_training
from voxlet.run_files import CONFIG, CORPUS
from voxlet.speak.voice_file import SUFFIX
from voxlet.training import distributed
from voxlet.training.config import Budget
from voxlet.training.run import Run, check_target, locked_run
from voxlet.training.serialize import JSON, to_json
from voxlet.training.stages import train_stages
from voxlet.training.tensorboard import Events

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from voxlet.corpus.corpus import Corpus
    from voxlet.engines.engine import Engine
    from voxlet.recipes.voice.base_file import Base
    from voxlet.training.stages import Plan, Stage, Task


def train(
    preset: str,
    corpus: str | os.PathLike[str],
    run: str | os.PathLike[str],
    *,
    epochs: int | None = None,
    minutes: float | None = None,
    config: Training | None = None,
    tensorboard: bool = False,
    allow_rejected: bool = False,
    layout: str | None = None,
    language: str | None = None,
    base: str | os.PathLike[str] | None = None,
    engine: Engine = THREADS,
) -> ClipRun | VoiceRun:
    """Train a preset on a corpus in a run's folder, or continue the run that is there.

    A process that only trains is faster after `voxlet.training.hardware.set_up()`; the command line calls it.

    Args:
        preset: Name of the preset; see `presets`.
        corpus: The name of a known corpus, or the path of a folder or manifest.
        run: The run's folder.
        epochs: How long to train, in passes over the clips; either `epochs` or `minutes` must be given.
        minutes: How long to train, in minutes.
        tensorboard: Also write the metrics as TensorBoard events into the run.
        allow_rejected: Continue even if more than a tenth of the recordings cannot be used.
        layout: How the corpus's files are named, such as `{label}/{speaker}_NO_{take}`; see `open_corpus`.
        language: Language of the corpus's words, a BCP 47 tag such as `en`; a known corpus has its own.
        base: File of a base from whose weights a voice starts; the networks must have the base's sizes.
        engine: Decodes and prepares the clips, such as a `RayCluster`; training runs in this process.
        config: Settings other than the preset's own: `dataclasses.replace(PRESETS[preset], beta=4.0)`.

    Raises:
        ConfigError: A setting makes no sense.
        CorpusError: The corpus cannot be used.
        RunError: The folder holds another run, is in use, or cannot be written.
        TrainingError: The loss is not a number, or memory or disk is full; earlier checkpoints remain.
        KeyboardInterrupt: Ctrl-C was pressed; everything is saved.
        SystemExit: SIGTERM was received; everything is saved.
    """
    budget = Budget(epochs=epochs, minutes=minutes)
    job = Job(
        preset,
        find_preset(preset) if config is None else config,
        os.fspath(corpus),
        Path(run),
        budget,
        base=None if base is None else read_base(Path(base)),
        layout=layout,
        language=language,
        allow_rejected=allow_rejected,
        engine=engine,
    )
    return run_job(job, lambda _: lambda stage, _task: budget.share(stage.share), tensorboard=tensorboard)


@dataclass(frozen=True)
class Job:
    """A requested training; see `train`. `budget` is that of all stages together; `opened` is the corpus, if
    it is open already; `engine` prepares the corpus."""

    preset: str
    config: Training
    corpus: str
    run: Path
    budget: Budget
    base: Base | None = None
    layout: str | None = None
    language: str | None = None
    allow_rejected: bool = False
    more: Mapping[str, JSON] = field(default_factory=dict)  # further entries of the run's record
    opened: Corpus | None = None
    engine: Engine = THREADS

    def record(self, corpus: Corpus) -> dict[str, JSON]:
        """The run's record, by which the job's own run is told from any other."""
        source: dict[str, JSON] = {
            "source": _source(self.corpus),
            "digest": corpus.digest,
            "language": corpus.language,
        }
        if self.layout is not None:
            source["layout"] = self.layout
        return {
            "preset": self.preset,
            "kind": next(name for name, kind in KINDS.items() if isinstance(self.config, kind)),
            "corpus": source,
            "budget": to_json(self.budget),
            "config": to_json(self.config),
            **({} if self.base is None else {"base": self.base.record()}),
            **self.more,
        }


def run_job(
    job: Job, budgets: Callable[[Run], Callable[[Stage, Task], Budget]], *, tensorboard: bool = False
) -> ClipRun | VoiceRun:
    """Carry out a training, or continue it.

    Args:
        job: The training.
        budgets: Given the run, returns a function from a stage and its task to the stage's budget.
        tensorboard: See `train`.

    Raises:
        VoxletError: See `train`.
    """
    if isinstance(job.config, VoiceTraining) and job.config.wave_share == 0 and job.base is None:
        raise ConfigError(
            "0 leaves the wave VAE untrained",
            where="wave_share",
            remedy="give it a share, or begin with a base: --base FILE",
        )
    check_target(job.run)
    distributed.setup()
    opened = job.opened or open_corpus(
        job.corpus,
        allow_rejected=job.allow_rejected,
        layout=job.layout,
        language=job.language,
        engine=job.engine,
    )
    if distributed.rank() == 0:
        opened.print_account()
    check_recordings(opened)
    if isinstance(job.config, VoiceTraining):
        check_names(opened, job.run)
    if job.base is not None:
        job.base.check_sizes(job.config)
    made = Run(job.run)
    dataset = _dataset(job.config, opened, job.engine)
    if not (made.path / CONFIG).exists():
        _preflight(job.config, dataset, made.path, job.budget)
    with ExitStack() as stack:
        distributed.on_first_rank(lambda: stack.enter_context(locked_run(job.run, job.record(opened))))
        if distributed.rank() == 0:
            _keep_reading(opened, made)
        events = Events(made) if tensorboard and distributed.rank() == 0 else None
        train_stages(
            _plan(job.config, dataset, made, job.base),
            made,
            budgets(made),
            None if events is None else events.add,
        )
    return load_run(made.path)


def export(run: str | os.PathLike[str], out: str | os.PathLike[str]) -> Path:
    """Write the voice of a finished `voice` run to the file `out`, whose stem becomes the voice's name.

    If `out` ends in `.safetensors`, a base is written instead: the weights of the finished stages, from which
    other runs can start.

    Raises:
        RunError: The run is not that of a voice, is not finished, or its corpus has changed since training;
            or `out` has another ending.
        CorpusError: The run's corpus is missing.
    """
    opened, out = load_run(run), Path(out)
    if not isinstance(opened, VoiceRun):
        raise RunError(
            f"holds a {opened.run.record['preset']}, not a voice",
            where=opened.path,
            remedy="train one with `voxlet train voice`, or speak with `voxlet generate`",
        )
    if out.suffix == BASE_SUFFIX:
        write_base(out, base_of(opened))
        return out
    if out.suffix != SUFFIX:
        raise RunError(
            f"is not a name for a voice: it must end in {SUFFIX}",
            where=out,
            remedy=f"name it {out.stem}{SUFFIX}, or {out.stem}{BASE_SUFFIX} for a base",
        )
    write_voice(opened, out)
    return out


def _say(name: str, *lines: str) -> None:
    """Print lines about a corpus or a training on standard error, in one process only."""
    if distributed.rank() == 0:
        for line in lines:
            sys.stderr.write(f"{printable(f'{name}: {line}')}\n")


def _source(corpus: str | os.PathLike[str]) -> str:
    """The corpus as a run's record has it: a known one by its name, any other by its full path."""
    return os.fspath(corpus) if corpus in (*CATALOG, BASE) else str(place_of(corpus))


def _keep_reading(corpus: Corpus, run: Run) -> None:
    """Save in the run's folder how the corpus's files were read."""
    reading = {"account": corpus.account, "layout": corpus.layout, "notes": list(corpus.notes)}
    with files.writing(run.path):
        files.write_atomically(run.path / CORPUS, f"{json.dumps(reading, indent=2)}\n".encode())


def _dataset(config: Training, corpus: Corpus, engine: Engine) -> Dataset:
    """The corpus's clips, prepared and divided; notes on lost and missing clips are printed."""
    dataset = make_dataset(
        corpus,
        config.preparation,
        split=config.split,
        seed=config.split_seed,
        progress=distributed.rank() == 0,
        engine=engine,
    )
    _say(corpus.name, *(f"note: {note}" for note in dataset.notes()))
    return dataset


def _preflight(config: Training, dataset: Dataset, run: Path, budget: Budget) -> None:
    """Print what the training needs on this machine's CPU, and check that it is available.

    Raises:
        TrainingError: Memory or disk is too small.
    """
    if distributed.device().type != "cpu":
        return  # needs on a GPU were not measured
    prepared = dataset.prepared
    material = preflight.ClipCounts(
        clips=len(dataset.split.train),
        held=len(prepared),
        seconds=prepared.rows.shape[1] / prepared.rate,
        labels=len(prepared.label_names),
        speakers=len(prepared.speaker_names),
    )
    needs = preflight.needs_of(config, material, preflight.speed())
    preflight.check_needs(config, needs, run)
    _say(prepared.name, f"training takes {needs.sentence(budget)}")


def _plan(config: Training, dataset: Dataset, run: Run, base: Base | None = None) -> Plan:
    if isinstance(config, VoiceTraining):
        return plan_voice_training(config, dataset, run, base)
    return plan_clip_training(config, dataset, run)
