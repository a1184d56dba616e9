"""Opening a run or a voice: done once, here; everything later takes the opened object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.errors import RunError, VoiceError
from voxlet.files import is_folder
from voxlet.hub.address import is_address
from voxlet.hub.pull import pull
from voxlet.recipes.clip.clip_run import ClipRun
from voxlet.recipes.clip.config import ClipTraining
from voxlet.recipes.clip.portable import check_parts
from voxlet.recipes.voice.config import VoiceTraining
from voxlet.recipes.voice.voice_run import VoiceRun
from voxlet.run_files import CONFIG
from voxlet.speak.library import find_voice
from voxlet.speak.voice import Voice, load_voice
from voxlet.training.checkpoints import DAMAGED
from voxlet.training.run import open_run
from voxlet.training.serialize import from_json

if TYPE_CHECKING:
    import os

    from voxlet.recipes.clip.sampler import Phase

__all__ = ["ClipRun", "Opened", "Voice", "VoiceRun", "load", "load_run"]

Opened = ClipRun | VoiceRun | Voice

KINDS: dict[str, type[ClipTraining] | type[VoiceTraining]] = {
    "clip": ClipTraining,
    "voice": VoiceTraining,
}  # by their name in a run's config.json
FIELDS = {"voxlet": str, "preset": str, "budget": dict}  # fields of config.json that are read later
SHIPPED = Path(__file__).with_name("shipped")  # runs that come with voxlet, to explore


def load(path_or_name: str | os.PathLike[str], *, phase: Phase = "griffin-lim") -> Opened:
    """Open a run's folder, or a voice by name or path.

    The parts of a run are read when they are first used, so opening it costs next to nothing.

    Args:
        path_or_name: A path such as `runs/mine` or `my.voice`; the name of what comes with voxlet, such as
            the voice `digits` or the clip VAE `cnn-light-digits`; or an address, which is downloaded into the
            cache: `hf:user/name` of a voice or a clip VAE, or `https://...#sha256=...` of a voice.
        phase: Phase of the clips that a clip VAE's run samples.

    Raises:
        RunError: There is no such run or voice, or the run's `config.json` is damaged.
        ConfigError: A field of `config.json` is unknown, missing or of another type.
        VoiceError: The file is damaged, not a voice file, or out of bounds.
        HubError: An address cannot be downloaded.
    """
    if is_address(str(path_or_name)):
        pulled = pull(str(path_or_name))
        if pulled.is_file():
            return load_voice(pulled)
        run = load_run(pulled, phase=phase)
        if not isinstance(run, ClipRun):
            raise RunError("holds a voice's run, not its voice", where=path_or_name)
        check_parts(run)
        return run
    if is_folder(path_or_name):
        return load_run(path_or_name, phase=phase)
    if str(path_or_name) in shipped():
        return load_run(SHIPPED / path_or_name, phase=phase)
    try:
        voice = find_voice(path_or_name)
    except VoiceError as error:
        raise RunError(
            f"there is no run and no voice {str(path_or_name)!r}",
            remedy=f"give a run's folder (one with a {CONFIG}), a voice that `voxlet voices` lists, or "
            f"{' or '.join(shipped())}",
        ) from error
    return load_voice(voice)


def shipped() -> tuple[str, ...]:
    """Names of the runs that come with voxlet."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob(f"*/{CONFIG}")))


def load_run(path: str | os.PathLike[str], *, phase: Phase = "griffin-lim") -> ClipRun | VoiceRun:
    """Open a run's folder; see `load`.

    Raises:
        RunError: There is no such run, or its `config.json` is damaged.
        ConfigError: A field of `config.json` is unknown, missing or of another type.
    """
    run = open_run(path)
    kind, where = run.record.get("kind"), run.path / CONFIG
    if not isinstance(kind, str) or kind not in KINDS:
        raise RunError(f"holds a run of an unknown kind {kind!r}", where=where)
    for field, wanted in FIELDS.items():
        if not isinstance(run.record.get(field), wanted):
            raise RunError(f"the field {field!r} is missing or damaged", where=where, remedy=DAMAGED)
    config = from_json(KINDS[kind], run.record.get("config"), where=where, field="config")
    if isinstance(config, ClipTraining):
        return ClipRun(run, config, phase=phase)
    return VoiceRun(run, config)
