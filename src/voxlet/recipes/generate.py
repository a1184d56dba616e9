"""What `voxlet generate` does: the same text said many times, each time another way, by a run or a voice."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from voxlet import files
from voxlet.errors import ConfigError, RunError, VoiceError
from voxlet.recipes.clip.sampler import open_sampler
from voxlet.speak.speech import say
from voxlet.speak.voice import load_voice
from voxlet.training.run import CONFIG

if TYPE_CHECKING:
    import os

    from voxlet.speak.speech import Sampler

MOST_FILES = 100_000
LONGEST_STEM = 40  # characters of the text in a file's name


def open_speaker(name_or_path: str | os.PathLike[str]) -> Sampler:
    """A run's folder or a voice, by path or by name.

    Raises:
        RunError: It is a folder, but not of a run that can speak.
        VoiceError: There is no such run or voice, or it is damaged.
    """
    path = Path(name_or_path)
    if path.is_dir():
        return open_sampler(path)
    try:
        return load_voice(name_or_path)
    except VoiceError as error:
        if path.exists():
            raise
        raise RunError(
            f"there is no run and no voice {str(name_or_path)!r}",
            remedy=f"give a run's folder (one with a {CONFIG}) or a voice that `voxlet voices` lists",
        ) from error


def generate(
    sampler: Sampler,
    text: str,
    folder: str | os.PathLike[str],
    *,
    count: int = 1,
    seed: int = 0,
    speaker: str | None = None,
    rate: int | None = None,
    gap: float | None = None,
) -> list[Path]:
    """Say `text` `count` times, with the seeds `seed`, `seed + 1`, ...; a WAV file for each.

    A file that was made with the same seed is replaced.

    Raises:
        TextError: It cannot be said.
        ConfigError: The count, seed, rate or gap makes no sense.
        FileError: The folder cannot be made, or a file cannot be written.
    """
    if not 1 <= count <= MOST_FILES:
        raise ConfigError(f"{count} files cannot be made", where="-n", remedy=f"give 1 to {MOST_FILES}")
    target = Path(folder)
    stem = files.safe_name(text, LONGEST_STEM) or "clip"
    written: list[Path] = []
    for one in tqdm(range(seed, seed + count), unit="file", disable=count == 1):
        utterance = say(sampler, text, speaker=speaker, seed=one, rate=rate, gap=gap)
        if not written:  # nothing is made for a text that cannot be said
            files.make_folder(target)
        path = target / f"{stem}-seed{one}.wav"
        utterance.save(path)
        written.append(path)
    return written
