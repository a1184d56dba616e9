"""Adaptation: a voice of your own words from a few takes, by fine-tuning a base for some minutes."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.recording.consent import GIVEN, LICENCE, OWN
from voxlet.errors import ConfigError, RunError
from voxlet.files import is_folder
from voxlet.recipes.opened import load_run
from voxlet.recipes.presets import PRESETS
from voxlet.recipes.timetable import Timetable
from voxlet.recipes.train import Job, run_job
from voxlet.recipes.voice.base_file import find_base, read_base
from voxlet.recipes.voice.config import VoiceTraining
from voxlet.recipes.voice.finish import ADAPT, base_of
from voxlet.recipes.voice.scope import KEY, Adds, scope_of
from voxlet.recipes.voice.voice_run import VoiceRun
from voxlet.recipes.voice.weights import DISTILLATION, PRIOR, WAVE
from voxlet.speak.voice_file import read_voice
from voxlet.training.config import Budget
from voxlet.training.serialize import to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxlet.corpus.corpus import Corpus
    from voxlet.corpus.splits import SplitKind
    from voxlet.recipes.voice.base_file import Base
    from voxlet.training.run import Run
    from voxlet.training.stages import Stage, Task

MINUTES = 10.0
STAGES = (WAVE, PRIOR, DISTILLATION)
# Shares of the time, by stage.
WAVE_SHARE, PRIOR_SHARE = 0.45, 0.35
KEEPING_PRIOR_SHARE = 0.8  # when words or speakers of the base are kept: the wave VAE is not trained then
RATE, EMA_DECAY = 0.4, 0.995  # a base is near the goal: lower learning rates, a shorter average
# Embeddings of new words start at random, some 15 apart, and a step moves one by about its learning rate.
# Known words get worse at such a rate, so it is used only if there are new ones.
LABEL_RATE = 10.0
BATCH, KEEPING_BATCH = 32, 16  # of both priors, for more steps: with new words; with kept words or speakers
EXPORTING = 15.0  # seconds reserved for writing the voice file, and for measuring how far requests are met


def adapt(
    corpus: str | os.PathLike[str],
    run: str | os.PathLike[str],
    *,
    minutes: float | None = None,
    steps: Sequence[int] | None = None,
    base: str | os.PathLike[str] | None = None,
    adds: Adds = "both",
    keep: bool = False,
    consent: str = "",
    layout: str | None = None,
    language: str | None = None,
    split: SplitKind = "all",
    allow_rejected: bool = False,
    began: float | None = None,
    opened: Corpus | None = None,
) -> VoiceRun:
    """Make a voice from recordings by fine-tuning a base on them, or continue such a run.

    The last stage ends by writing the voice file, `opened.voice_path` in the example.

    >>> from voxlet import adapt
    >>> opened = adapt("my_words", "runs/mine", minutes=10)  # doctest: +SKIP
    >>> opened.voice.say("yes no")  # doctest: +SKIP

    Args:
        corpus: The path of a folder or manifest, or the name of a known corpus.
        run: The run's folder.
        minutes: Time from now until the voice file is written; 10 unless `steps` are given.
        steps: Steps of the three stages, instead of minutes; the same steps give the same voice.
        base: The base's file, or the run of a voice; by default the base installed with voxlet. If there is
            none, the voice is trained from scratch.
        adds: What the recordings add: `words`, said by the base's speakers; `speakers`, who say the base's
            words; or `both`, which gives a voice of the recordings alone unless `keep` is set.
        keep: Keep the base's words and speakers in the voice.
        consent: Whose voice it is, for the model card: `own`; `given`, if its owner has agreed; or `licence`.
        layout: How the corpus's files are named; see `train`.
        language: Language of the corpus's words; see `train`.
        split: How the takes are divided: `all` trains on every take, other kinds hold some out for a
            scorecard.
        allow_rejected: See `train`.
        began: Start of the minutes, as `time.monotonic` gives it; now by default.
        opened: The corpus, if it is open already.

    Raises:
        VoxletError: See `train`.
    """
    if consent not in ("", OWN, GIVEN, LICENCE):
        raise ConfigError(f"{consent!r} is not an answer", where="consent", remedy=f"give {OWN} or {GIVEN}")
    began = time.monotonic() if began is None else began
    start = resolve_base(base)
    opened = opened or open_corpus(
        os.fspath(corpus), allow_rejected=allow_rejected, layout=layout, language=language
    )
    scope = scope_of(start, opened.labels, opened.language, adds, keep)
    new_words = start is not None and bool(start.unknown_labels(opened.labels, opened.language))
    config = settings(start, split, keeping=scope is not None, new_words=new_words)
    timing = budget(minutes, steps, keeping=scope is not None)
    job = Job(
        ADAPT,
        config,
        os.fspath(corpus),
        Path(run),
        timing,
        base=start,
        layout=layout,
        language=language,
        allow_rejected=allow_rejected,
        more={
            **({"consent": consent} if consent else {}),
            **({} if scope is None else {KEY: to_json(scope)}),
            **({} if steps is None else {"steps": list(steps)}),
        },
        opened=opened,
    )

    def budgets(made: Run) -> Callable[[Stage, Task], Budget]:
        given = {} if steps is None else dict(zip(STAGES, steps, strict=True))
        seconds = None if timing.minutes is None else 60 * timing.minutes
        parts = dict(zip(STAGES, config.shares, strict=True))
        return Timetable(made, seconds, parts, given, EXPORTING, began=began).budget_of

    return cast(VoiceRun, run_job(job, budgets))  # the job's settings are those of a voice


def resolve_base(base: str | os.PathLike[str] | None) -> Base | None:
    """The base in a file or in the run of a voice; by default the installed one, or None without any.

    Raises:
        RunError: The file is missing or damaged, or the run has no voice yet.
        CorpusError: The run's recordings are missing.
    """
    if base is None:
        found = find_base()
        return None if found is None else read_base(found)
    if not is_folder(base):
        return read_base(Path(base))
    opened = load_run(base)
    if not isinstance(opened, VoiceRun) or not opened.voice_path.exists():
        raise RunError(
            "is not a run that finished with a voice", where=base, remedy="give such a run, or a base's file"
        )
    return replace(base_of(opened), digest=read_voice(opened.voice_path).digest)


def budget(minutes: float | None, steps: Sequence[int] | None, *, keeping: bool = False) -> Budget:
    """The budget of all stages together; with `keeping`, the first stage takes no steps.

    Raises:
        ConfigError: Minutes and steps are both given, or a value makes no sense.
    """
    if steps is None:
        return Budget(minutes=MINUTES if minutes is None else minutes)
    if minutes is not None:
        raise ConfigError("--minutes and --steps are both given", remedy="give one of them")
    shown = ",".join(map(str, steps))
    if keeping and (len(steps) != len(STAGES) or steps[0] != 0 or min(steps[1:]) < 1):
        raise ConfigError(
            f"--steps {shown} are not 0 for the wave VAE, which stays as it is, and 1 or more for the others",
            remedy="give them as such a voice's timetable.json has them: --steps 0,400,600",
        )
    if not keeping and (len(steps) != len(STAGES) or min(steps) < 1):
        raise ConfigError(
            f"--steps {shown} are not the steps of three stages, each 1 or more",
            remedy="give them as an adapted voice's timetable.json has them: --steps 400,1100,600",
        )
    return Budget(steps=sum(steps))


def settings(
    base: Base | None, split: SplitKind = "all", *, keeping: bool = False, new_words: bool = False
) -> VoiceTraining:
    """The settings that adapt a base; without a base, those that train a voice from scratch.

    Args:
        base: The base.
        split: How the takes are divided.
        keeping: Whether words or speakers of the base are kept.
        new_words: Whether the takes hold words that the base does not know.
    """
    if base is None:
        return replace(_of_preset("voice"), split=split)
    fresh, made = _of_preset("base"), base.config
    loops = [fresh.prior.loop, fresh.distillation.loop]
    if keeping or new_words:
        loops = [replace(loop, batch_size=KEEPING_BATCH if keeping else BATCH) for loop in loops]
    return replace(
        fresh,
        split=split,
        preparation=made.preparation,
        wave=replace(
            fresh.wave,
            model=made.wave.model,
            discriminators=made.wave.discriminators,
            learning_rate=RATE * fresh.wave.learning_rate,
            discriminator_learning_rate=RATE * fresh.wave.discriminator_learning_rate,
            discriminators_from=0.0,
            ema_decay=EMA_DECAY,
            narrow_share=0.0,  # a base has already learned to predict what is missing
        ),
        prior=replace(
            fresh.prior,
            model=made.prior.model,
            loop=loops[0],
            learning_rate=(1.0 if new_words else RATE) * fresh.prior.learning_rate,
            label_rate=LABEL_RATE if new_words else 1.0,
            ema_decay=EMA_DECAY,
        ),
        distillation=replace(fresh.distillation, loop=loops[1]),
        wave_share=0.0 if keeping else WAVE_SHARE,
        prior_share=KEEPING_PRIOR_SHARE if keeping else PRIOR_SHARE,
    )


def _of_preset(name: str) -> VoiceTraining:
    found = PRESETS[name]
    if not isinstance(found, VoiceTraining):
        raise ConfigError(f"the preset {name!r} does not train a voice")
    return found
