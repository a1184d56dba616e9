"""A voice of one's own words from a few takes: a base's weights, trained on for some minutes."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from voxlet.errors import ConfigError
from voxlet.recipes.presets import PRESETS
from voxlet.recipes.timetable import Timetable
from voxlet.recipes.train import Job, carry_out
from voxlet.recipes.voice.base_file import find_base, read_base
from voxlet.recipes.voice.config import VoiceTraining
from voxlet.recipes.voice.finish import ADAPT
from voxlet.recipes.voice.voice_run import VoiceRun
from voxlet.recipes.voice.weights import DISTILLATION, PRIOR, WAVE
from voxlet.training.config import Budget

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxlet.corpus.splits import SplitKind
    from voxlet.recipes.voice.base_file import Base
    from voxlet.training.run import Run
    from voxlet.training.stages import Stage

MINUTES = 10.0
STAGES = (WAVE, PRIOR, DISTILLATION)
# Of the time, by stage. A base's weights are near, so the averages forget quickly and the rates are low.
WAVE_SHARE, PRIOR_SHARE = 0.45, 0.35
RATE, EMA_DECAY = 0.4, 0.995
EXPORTING = 10.0  # seconds that are left for the voice file


def adapt(
    corpus: str | os.PathLike[str],
    run: str | os.PathLike[str],
    *,
    minutes: float | None = None,
    steps: Sequence[int] | None = None,
    base: str | os.PathLike[str] | None = None,
    consent: str = "",
    layout: str | None = None,
    language: str | None = None,
    split: SplitKind = "all",
    allow_rejected: bool = False,
    began: float | None = None,
) -> VoiceRun:
    """Make a voice from recordings, by training a base on them; or go on with it.

    Its last stage ends with the voice file `opened.voice_path`.

    >>> from voxlet import adapt
    >>> opened = adapt("my_words", "runs/mine", minutes=10)  # doctest: +SKIP
    >>> opened.voice.say("yes no")  # doctest: +SKIP

    Args:
        corpus: A folder or manifest of one's own, or a known corpus.
        run: The folder.
        minutes: From now to the voice file; 10 unless `steps` are given.
        steps: In place of minutes, the steps of the three stages: the same give the same voice.
        base: Its file; the one that is installed with voxlet unless given. Without any, from nothing.
        consent: Whose voice it is, for the model card: `own` or `given`.
        layout: How the corpus's files are named; see `train`.
        language: Of the corpus's words; see `train`.
        split: Which takes are learned from: all, unless some are held out for a scorecard.
        allow_rejected: See `train`.
        began: When the minutes began, by `time.monotonic`; now unless given.

    Raises:
        VoxletError: See `train`.
    """
    began = time.monotonic() if began is None else began
    timing = budget(minutes, steps)
    found = find_base() if base is None else Path(base)
    start = None if found is None else read_base(found)
    config = settings(start, split)
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
            **({} if steps is None else {"steps": list(steps)}),
        },
    )

    def budgets(made: Run) -> Callable[[Stage], Budget]:
        given = {} if steps is None else dict(zip(STAGES, steps, strict=True))
        shares = dict(zip(STAGES, shares_of(config), strict=True))
        seconds = None if timing.minutes is None else 60 * timing.minutes
        return Timetable(made, seconds, shares, given, EXPORTING, began=began).budget_of

    return cast(VoiceRun, carry_out(job, budgets))  # its settings are a voice's


def budget(minutes: float | None, steps: Sequence[int] | None) -> Budget:
    """What was asked for as a whole.

    Raises:
        ConfigError: Both were given, or what was given makes no sense.
    """
    if steps is None:
        return Budget(minutes=MINUTES if minutes is None else minutes)
    if minutes is not None:
        raise ConfigError("--minutes and --steps are both given", remedy="give one of them")
    if len(steps) != len(STAGES) or min(steps) < 1:
        shown = ",".join(map(str, steps))
        raise ConfigError(
            f"--steps {shown} are not the steps of three stages, each 1 or more",
            remedy="give them as an adapted voice's timetable.json has them: --steps 400,1100,600",
        )
    return Budget(steps=sum(steps))


def settings(base: Base | None, split: SplitKind = "all") -> VoiceTraining:
    """How a base is adapted; without one, how a voice is trained from nothing."""
    if base is None:
        return replace(_of_preset("voice"), split=split)
    fresh, made = _of_preset("base"), base.config
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
        ),
        prior=replace(
            fresh.prior,
            model=made.prior.model,
            learning_rate=RATE * fresh.prior.learning_rate,
            ema_decay=EMA_DECAY,
        ),
        wave_share=WAVE_SHARE,
        prior_share=PRIOR_SHARE,
    )


def shares_of(config: VoiceTraining) -> tuple[float, float, float]:
    """Of the time, by stage."""
    return config.wave_share, config.prior_share, 1 - config.wave_share - config.prior_share


def _of_preset(name: str) -> VoiceTraining:
    found = PRESETS[name]
    if not isinstance(found, VoiceTraining):
        raise ConfigError(f"the preset {name!r} trains no voice")
    return found
