"""A recording session: chooses the next word, checks the takes and stores them."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet import audio, files
from voxlet.corpus.recording.check import Heard, check_take
from voxlet.errors import ConfigError
from voxlet.words.spelling import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.audio import Samples

NAMES = "{label}_{speaker}_{take}"  # file names, without extension
FORBIDDEN = set('/\\:*?"<>|\0_')  # in words and speaker names: invalid in file names, or the separator `_`


class Session:
    """Takes of some words by one speaker, in a folder that may already hold some.

    Args:
        folder: Folder of the takes.
        words: The words to record.
        takes: Takes wanted of each word, including existing ones.
        speaker: Name of the speaker.
        seed: Seed of the random word order.

    Raises:
        ConfigError: A word or the speaker cannot be part of a file name, or a word is given twice.
        AudioError: An existing take cannot be read.
    """

    def __init__(
        self, folder: Path, words: Sequence[str], takes: int, *, speaker: str = "me", seed: int = 0
    ) -> None:
        check_names(words, speaker)
        if takes < 1:
            raise ConfigError(f"{takes} is less than 1", where="--takes")
        self.folder, self.words, self.takes, self.speaker = folder, tuple(words), takes, speaker
        self.random = random.Random(seed)
        self.kept: dict[str, list[Heard]] = {word: [] for word in words}
        self.paths: dict[str, list[Path]] = {word: [] for word in words}  # parallel to `kept`
        self.numbers: Counter[str] = Counter()  # next free take number of each word
        self.last: tuple[str, Path] | None = None
        called = {fold(word): word for word in words}
        for path in sorted(folder.glob("*.wav")) if folder.is_dir() else []:
            name, *rest = path.stem.split("_")
            word = called.get(fold(name))
            if word is None or len(rest) != 2 or not rest[1].isdecimal():
                continue
            if files.fold_name(rest[0]) != files.fold_name(speaker):
                continue
            # Takes of `Ann` and `ann` have other numbers, since some systems ignore case in names.
            self.numbers[word] = max(self.numbers[word], int(rest[1]) + 1)
            if rest[0] != speaker:
                continue
            sound = audio.read(path)
            self.kept[word].append(check_take(sound.samples, sound.rate, word, {}))
            self.paths[word].append(path)

    @property
    def missing(self) -> dict[str, int]:
        """Number of takes of each word that are still to be recorded."""
        return {word: max(0, self.takes - len(kept)) for word, kept in self.kept.items()}

    def next_word(self) -> str | None:
        """A random word of those that lack most takes, if possible not the last one; None when complete."""
        most = max(self.missing.values())
        if not most:
            return None
        lacking = [word for word, count in self.missing.items() if count == most]
        other = [word for word in lacking if self.last is None or word != self.last[0]]
        return self.random.choice(other or lacking)

    def check(self, word: str, samples: Samples, rate: int) -> Heard:
        """Check a take (T,) of a word against the kept takes."""
        return check_take(samples, rate, word, self.kept)

    def keep(self, word: str, samples: Samples, rate: int, heard: Heard) -> Path:
        """Write a take under a free number, safely even if another session records into the same folder.

        Raises:
            AudioError: A sample is not a number.
            FileError: The file cannot be written.
        """
        files.make_folder(self.folder)
        data = audio.encode_wav(samples, rate)
        written = False
        while not written:
            path = self._path(word)
            with contextlib.suppress(FileExistsError):
                files.write_new(path, data)
                written = True
            self.numbers[word] += 1
        self.kept[word].append(heard)
        self.paths[word].append(path)
        self.last = word, path
        return path

    def take_back(self) -> Path | None:
        """Remove the last take of this session that was kept, and return its path; None if there is none."""
        if self.last is None:
            return None
        path = self.last[1]
        self.remove(path)
        return path

    def remove(self, path: Path) -> None:
        """Remove one of the kept takes.

        Raises:
            FileError: The file cannot be removed.
        """
        word = next(word for word, paths in self.paths.items() if path in paths)
        with files.writing(path, "cannot be removed", remedy=None):
            path.unlink(missing_ok=True)
        place = self.paths[word].index(path)
        del self.paths[word][place], self.kept[word][place]
        if self.last is not None and self.last[1] == path:
            self.last = None

    def _path(self, word: str) -> Path:
        name = NAMES.format(label=word, speaker=self.speaker, take=self.numbers[word])
        return self.folder / f"{name}.wav"


def check_names(words: Sequence[str], speaker: str) -> None:
    """Check that the words and the speaker can be parts of file names.

    Raises:
        ConfigError: One cannot, or a word is given twice, or none is given.
    """
    for name in (*words, speaker):
        if not name.strip() or FORBIDDEN & set(name):
            raise ConfigError(
                f"{name!r} cannot be part of a file name",
                where="words" if name in words else "--speaker",
                remedy="use letters, digits, spaces and hyphens",
            )
    if not words or len({fold(word) for word in words}) < len(words):
        raise ConfigError(
            "none is given" if not words else f"one is given twice: {', '.join(words)}",
            where="words",
            remedy="give each once: voxlet record yes no stop --out my_words",
        )
