"""A run opened: its folder and the settings that it was trained with."""

from __future__ import annotations

import os

from voxlet.errors import RunError
from voxlet.recipes.clip.config import ClipTraining
from voxlet.recipes.presets import Training
from voxlet.recipes.voice.config import VoiceTraining
from voxlet.training.run import CONFIG, Run, open_run
from voxlet.training.serialize import from_json

KINDS: dict[str, type[ClipTraining] | type[VoiceTraining]] = {
    "clip": ClipTraining,
    "voice": VoiceTraining,
}  # by the name that a run's config.json gives them


def read_config(run: str | os.PathLike[str]) -> tuple[Run, Training]:
    """A run and the settings it was trained with.

    Raises:
        RunError: There is no such run, or its `config.json` is damaged.
        ConfigError: A field of it is unknown, missing or of another type.
    """
    opened = open_run(run)
    kind, where = opened.record.get("kind"), opened.path / CONFIG
    if not isinstance(kind, str) or kind not in KINDS:
        raise RunError(f"holds a run of an unknown kind {kind!r}", where=where)
    return opened, from_json(KINDS[kind], opened.record.get("config"), where=where, field="config")
