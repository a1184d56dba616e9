"""Takes recorded on the page: which words are wanted; each take is checked as in `voxlet record`, and kept.

TAKES/mine.json                 words, how many takes of each, language
TAKES/mine/lumos_me_0.wav       a take; takes are never overwritten
           consent.txt          whose voice it is
           .aside/              takes of words that are no longer wanted
"""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from voxlet import audio, files
from voxlet.corpus.recording import check
from voxlet.corpus.recording.consent import NOTE
from voxlet.corpus.recording.session import FORBIDDEN, Session, check_names
from voxlet.errors import AudioError, VoxletError
from voxlet.serving.catalogue import uploaded
from voxlet.serving.jobs.runs import LONGEST_NAME
from voxlet.serving.refusals import RefusedError
from voxlet.words.language import check_language
from voxlet.words.spelling import fold

if TYPE_CHECKING:
    from collections.abc import Sequence

SPEAKER = "me"
LAYOUT = "{label}_{speaker}_{take}"
ASIDE = ".aside"  # hidden, so that no corpus reads it
MOST_WORDS, MOST_TAKES, LONGEST_WORD = 100, 100, 40
MOST_SETS = 100
LONGEST_TAKE = 15.0  # seconds
# What can be wrong with a take, and the key of the page's text for it.
PROBLEMS = {
    check.NOTHING: "nothing",
    check.QUIET: "quiet",
    check.DISTORTED: "distorted",
    check.CUT: "cut",
    check.NOISY: "noisy",
    check.PAUSED: "paused",
    check.LENGTH: "length",
    check.UNLIKE: "unlike",
}
Word = Annotated[str, Field(min_length=1, max_length=LONGEST_WORD)]


class Wanted(BaseModel):
    """The words to record, takes of each, their language (a tag; empty if unknown), and whose voice it is."""

    model_config = ConfigDict(extra="forbid")
    words: Annotated[list[Word], Field(min_length=1, max_length=MOST_WORDS)]
    takes: Annotated[int, Field(ge=1, le=MOST_TAKES)] = 10
    language: Annotated[str, Field(max_length=40)] = ""
    consent: Literal["own", "given"]


class Take(BaseModel):
    """A take that is kept; `seconds` is the duration of its speech."""

    file: str
    seconds: float


class WordTakes(BaseModel):
    """The takes of one word."""

    word: str
    takes: list[Take]


class TakesView(BaseModel):
    """A set of takes; `next` is the word to say next, null once all takes are there."""

    name: str
    wanted: int
    language: str
    words: list[WordTakes]
    next: str | None


class Checked(BaseModel):
    """The check of a take: what is wrong with it, or the file in which it is kept."""

    problems: list[str]
    file: str | None
    seconds: float
    takes: TakesView


@dataclass(frozen=True)
class Asked:
    """What is to be recorded, as stored in the JSON file of a set."""

    words: tuple[str, ...]
    takes: int
    language: str


@dataclass
class Recording:
    """A set that is being recorded; `next`, the word to say, changes when a take is kept or removed."""

    asked: Asked
    session: Session
    next: str | None


class TakeSets:
    """The sets of takes in a folder; threads may share it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._open: dict[str, Recording] = {}
        self._lock = threading.RLock()

    def names(self) -> list[str]:
        """The names of all sets."""
        return sorted(path.stem for path in self.folder.glob("*.json")) if self.folder.is_dir() else []

    def path(self, name: str) -> Path:
        """The folder of a set, whether or not it exists.

        Raises:
            RefusedError: No set can have this name.
        """
        if not name or files.safe_name(name, LONGEST_NAME) != name or FORBIDDEN & set(name):
            raise RefusedError(400, "a name has letters, digits and hyphens", param="name")
        return self.folder / name

    def want(self, name: str, wanted: Wanted) -> TakesView:
        """Create a set, or change its words; a voice is then made of the takes of these words.

        Takes of words that are no longer wanted are put aside, and come back when the word does.

        Raises:
            RefusedError: The name is invalid, differs from another in case alone, or there are too many sets.
            ConfigError: A word cannot be part of a file name or is given twice, or the language is not a tag.
            FileError: The set cannot be written.
        """
        words = tuple(" ".join(word.split()) for word in wanted.words)
        check_names(words, SPEAKER)
        language = check_language(wanted.language) if wanted.language else ""
        with self._lock:
            folder = self.path(name)
            there = self.names()
            other = next((one for one in there if one.casefold() == name.casefold()), name)
            if name not in there and other != name:  # one folder on macOS and Windows
                raise RefusedError(409, f"there are takes {other!r} already; use that name, or another")
            if name not in there and len(there) >= MOST_SETS:
                raise RefusedError(409, f"there are {MOST_SETS} sets of takes already; remove some files")
            files.make_folder(folder)
            asked = Asked(words, wanted.takes, language)
            files.write_atomically(folder / NOTE, f"{wanted.consent}\n".encode())
            files.write_atomically(_settings(folder), json.dumps(asdict(asked)).encode())
            self._open.pop(name, None)
            _put_aside(folder, words)
            return self.view(name)

    def view(self, name: str) -> TakesView:
        """Describe a set.

        Raises:
            RefusedError: There is no set of this name, or its files are damaged.
        """
        with self._lock:
            held = self._recording(name)
            session = held.session
            words = [
                WordTakes(
                    word=word,
                    takes=[
                        Take(file=path.name, seconds=round(heard.seconds, 3))
                        for path, heard in zip(session.paths[word], session.kept[word], strict=True)
                    ],
                )
                for word in held.asked.words
            ]
            return TakesView(
                name=name,
                wanted=held.asked.takes,
                language=held.asked.language,
                words=words,
                next=held.next,
            )

    def add(self, name: str, word: str, recording: bytes) -> Checked:
        """Check a take of a word, and keep it if nothing is wrong with it.

        Raises:
            RefusedError: There is no such set, or no such word in it.
            AudioError: The recording cannot be decoded, or is too long.
            FileError: The take cannot be written.
        """
        with self._lock:
            held = self._recording(name)
            session = held.session
            if word not in session.kept:
                raise RefusedError(404, f"{name!r} has no such word", code="not_found", param="word")
            sound = _read(recording)
            heard = session.check(word, sound.samples, sound.rate)
            file = None
            if not heard.problems:
                file = session.keep(word, sound.samples, sound.rate, heard).name
                held.next = session.next_word()
            problems = [PROBLEMS[problem] for problem in heard.problems]
            seconds = round(heard.seconds, 3)
            return Checked(problems=problems, file=file, seconds=seconds, takes=self.view(name))

    def find(self, name: str, file: str) -> Path:
        """The file of a take.

        Raises:
            RefusedError: There is no such take.
        """
        with self._lock:
            for paths in self._recording(name).session.paths.values():
                for path in paths:
                    if path.name == file:
                        return path
        raise RefusedError(404, f"{name!r} has no such take", code="not_found")

    def remove(self, name: str, file: str) -> TakesView:
        """Remove a take, so that it can be recorded again.

        Raises:
            RefusedError: There is no such take.
            FileError: The take cannot be removed.
        """
        with self._lock:
            path = self.find(name, file)
            held = self._recording(name)
            held.session.remove(path)
            held.next = held.session.next_word()
            return self.view(name)

    def digest(self, name: str) -> str:
        """A digest of a set's takes: of their names and contents."""
        total = hashlib.sha256()
        with self._lock:
            for path in sorted(_files(self._recording(name))):
                total.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
        return total.hexdigest()

    def _recording(self, name: str) -> Recording:
        if name in self._open and all(map(Path.is_file, _files(self._open[name]))):
            return self._open[name]
        folder = self.path(name)
        try:
            held = json.loads(_settings(folder).read_text())
            asked = Asked(tuple(held["words"]), int(held["takes"]), str(held["language"]))
            session = Session(folder, asked.words, asked.takes, speaker=SPEAKER)
        except FileNotFoundError as error:
            raise RefusedError(404, f"there are no takes {name!r}", code="not_found") from error
        except (OSError, ValueError, TypeError, KeyError, RecursionError, VoxletError) as error:
            raise RefusedError(409, f"the takes {name!r} cannot be read ({error})", code="damaged") from error
        self._open[name] = Recording(asked, session, session.next_word())
        return self._open[name]


def _files(recording: Recording) -> list[Path]:
    return [path for paths in recording.session.paths.values() for path in paths]


def _settings(folder: Path) -> Path:
    """The JSON file with a set's words: beside its folder, whose name may contain a dot."""
    return folder.with_name(f"{folder.name}.json")


def _put_aside(folder: Path, words: Sequence[str]) -> None:
    """Move takes of other words into the hidden folder of a set, and takes of `words` back out of it."""
    wanted = {fold(word) for word in words}
    aside = folder / ASIDE
    for source, target, moved in ((folder, aside, False), (aside, folder, True)):
        for path in sorted(source.glob("*.wav")):
            if (fold(path.stem.partition("_")[0]) in wanted) is moved and not (target / path.name).exists():
                files.make_folder(target)
                with files.writing(target / path.name):
                    files.patiently(path.rename, target / path.name)


def _read(recording: bytes) -> audio.Sound:
    with uploaded(recording, "the take") as path:
        sound = audio.read(path)
    if len(sound.samples) > LONGEST_TAKE * sound.rate:
        raise AudioError("is too long", where="the take", remedy="say the word alone")
    return sound
