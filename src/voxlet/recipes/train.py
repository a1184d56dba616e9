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
from voxlet.errors import RunError, printable
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
from voxlet.training.run import Run, begun, check_target
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
    """Train a preset on a corpus into a run's folder, or go on with the run that is there.

    A process that only trains is quicker after `voxlet.training.hardware.set_up()`, as in the command line.

    Args:
        preset: Its name; see `presets`.
        corpus: A known corpus's name, or a folder or manifest of one's own.
        run: The folder.
        epochs: How long to train: passes over the clips,
        minutes: or minutes; exactly one of the two.
        tensorboard: Also write the metrics as TensorBoard events, into the run.
        allow_rejected: Go on even where more than a tenth of the recordings cannot be used.
        layout: How the corpus's files are named, such as `{label}/{speaker}_NO_{take}`; see `open_corpus`.
        language: Of the corpus's words, a tag of BCP 47 such as `en`; a known corpus has its own.
        base: The file of a base, whose weights a voice begins with; its networks are as large.
        engine: Who decodes and prepares the clips, such as a `RayCluster`; this process trains.
        config: Settings other than the preset's own: `dataclasses.replace(PRESETS[preset], beta=4.0)`.

    Raises:
        ConfigError: A setting makes no sense.
        CorpusError: The corpus cannot be used.
        RunError: The folder is another run's, is in use, or cannot be written.
        TrainingError: The loss is not a number, memory or disk are full; what was saved before is there.
        KeyboardInterrupt: Ctrl-C came; everything is saved.
        SystemExit: SIGTERM came; everything is saved.
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
    return carry_out(job, lambda _: lambda stage, _task: budget.share(stage.share), tensorboard=tensorboard)


@dataclass(frozen=True)
class Job:
    """A training that was asked for; see `train`. `budget` is what was asked for as a whole; `opened` is the
    corpus, where it is open already; `engine` prepares it."""

    preset: str
    config: Training
    corpus: str
    run: Path
    budget: Budget
    base: Base | None = None
    layout: str | None = None
    language: str | None = None
    allow_rejected: bool = False
    more: Mapping[str, JSON] = field(default_factory=dict)  # of the run's record
    opened: Corpus | None = None
    engine: Engine = THREADS

    def record(self, corpus: Corpus) -> dict[str, JSON]:
        """What makes its run this run and no other."""
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


def carry_out(
    job: Job, budgets: Callable[[Run], Callable[[Stage, Task], Budget]], *, tensorboard: bool = False
) -> ClipRun | VoiceRun:
    """Train what a job asks for, or go on with it.

    Args:
        job: What is trained.
        budgets: How long each stage of the run takes.
        tensorboard: See `train`.

    Raises:
        VoxletError: See `train`.
    """
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
        opened.tell()
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
        distributed.main_first(lambda: stack.enter_context(begun(job.run, job.record(opened))))
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
    """Write the voice of a finished `voice` run to the file `out`, whose stem becomes its name.

    Where `out` ends in `.safetensors` it becomes a base instead: the weights that other runs begin with, of
    the stages that are finished.

    Raises:
        RunError: The run is no voice's, is not finished, or its corpus is no more what it was trained on.
        CorpusError: Its corpus is not there.
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
    """What is to be known of a corpus or a training, on standard error, once."""
    if distributed.rank() == 0:
        for line in lines:
            sys.stderr.write(f"{printable(f'{name}: {line}')}\n")


def _source(corpus: str | os.PathLike[str]) -> str:
    """How a run names its corpus: a known one by its name, else by its whole path."""
    return os.fspath(corpus) if corpus in (*CATALOG, BASE) else str(place_of(corpus))


def _keep_reading(corpus: Corpus, run: Run) -> None:
    """Write how the corpus was read into the run's folder."""
    reading = {"account": corpus.account, "layout": corpus.layout, "notes": list(corpus.notes)}
    with files.writing(run.path):
        files.write_atomically(run.path / CORPUS, f"{json.dumps(reading, indent=2)}\n".encode())


def _dataset(config: Training, corpus: Corpus, engine: Engine) -> Dataset:
    """The corpus's clips, prepared and divided; what they lost and lack is said."""
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
    """Say what the training will take on this machine's processor, and see that it is there.

    Raises:
        TrainingError: Memory or disk are too small.
    """
    if distributed.device().type != "cpu":
        return  # what it takes of a GPU was not measured
    prepared = dataset.prepared
    material = preflight.Material(
        clips=len(dataset.split.train),
        held=len(prepared),
        seconds=prepared.rows.shape[1] / prepared.rate,
        labels=len(prepared.label_names),
        speakers=len(prepared.speaker_names),
    )
    needs = preflight.needs_of(config, material, preflight.speed())
    preflight.check(config, needs, run)
    _say(prepared.name, f"training takes {needs.sentence(budget)}")


def _plan(config: Training, dataset: Dataset, run: Run, base: Base | None = None) -> Plan:
    if isinstance(config, VoiceTraining):
        return plan_voice_training(config, dataset, run, base)
    return plan_clip_training(config, dataset, run)
