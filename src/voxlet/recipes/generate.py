"""`voxlet generate`: one text said many times by a run or a voice, each time with another seed."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from voxlet import files
from voxlet.errors import ConfigError
from voxlet.recipes.opened import VoiceRun
from voxlet.speak.speech import say
from voxlet.speak.voice import Voice

if TYPE_CHECKING:
    import os

    from voxlet.speak.speech import Sampler

MOST_FILES = 100_000
LONGEST_STEM = 40  # characters of the text in a file's name


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
    """Say `text` `count` times, with the seeds `seed`, `seed + 1`, ..., and write a WAV file for each.

    A file that was made with the same text and seed is replaced.

    Raises:
        TextError: The text cannot be said.
        ConfigError: The count, seed, rate or gap makes no sense.
        FileError: The folder cannot be made, or a file cannot be written.
    """
    if not 1 <= count <= MOST_FILES:
        raise ConfigError(f"{count} files cannot be made", where="-n", remedy=f"give 1 to {MOST_FILES}")
    speaking = sampler.voice if isinstance(sampler, VoiceRun) else sampler
    # A voice says all words of a text as one take.
    speak = speaking.say if isinstance(speaking, Voice) else partial(say, speaking)
    target = Path(folder)
    stem = stem_of(text)
    written: list[Path] = []
    for one in tqdm(range(seed, seed + count), unit="file", disable=count == 1):
        utterance = speak(text, speaker=speaker, seed=one, rate=rate, gap=gap)
        if not written:  # no folder is made for a text that cannot be said
            files.make_folder(target)
        path = target / f"{stem}-seed{one}.wav"
        utterance.save(path)
        written.append(path)
    return written


def stem_of(text: str) -> str:
    """The beginning of the names of a text's files; with a digest unless the text can be told from it.

    >>> stem_of("four zero"), stem_of("four, zero")
    ('four-zero', 'four-zero-394c5a')
    """
    stem = files.safe_name(text, LONGEST_STEM)
    if stem and stem.replace("-", " ") == text.replace("-", " "):
        return stem
    return "-".join(filter(None, (stem, hashlib.sha256(text.encode()).hexdigest()[:6])))
