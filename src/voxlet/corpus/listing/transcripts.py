"""Recordings whose words are in transcripts: Kaldi's `text`, or a text file beside each recording."""

from __future__ import annotations

import re
import shlex
from typing import TYPE_CHECKING

from voxlet.corpus.listing.entry import UNKNOWN_SPEAKER, Entry, Listing, part_of
from voxlet.corpus.listing.finder import Finder
from voxlet.corpus.listing.labels import tidy_label
from voxlet.corpus.listing.manifest import read_text
from voxlet.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

KALDI = "wav.scp"
KALDI_DEPTHS = (KALDI, f"*/{KALDI}", f"*/*/{KALDI}")  # `data/train/wav.scp`
BESIDE = (".lab", ".txt", ".LAB", ".TXT")
MOST_BYTES = 512  # of a text beside a recording: a longer one is more than a word or two
SPAN = re.compile(r"\d+ \d+ (?=\D)")  # range of samples before the text, in TIMIT
LEAST_TAKES = 2  # of a label on average: with fewer, the texts are not labels


def list_kaldi(root: Path) -> Listing | None:
    """The listing of Kaldi folders in `root` (`wav.scp`, `text`, maybe `utt2spk`); None if there is none.

    Folders named after the parts of a corpus are all read, as these parts; otherwise only the first one is.

    Raises:
        CorpusError: A file is malformed, or lists segments of longer recordings.
    """
    folders = sorted({path.parent for depth in KALDI_DEPTHS for path in root.glob(depth)})
    folders = [folder for folder in folders if (folder / "text").is_file()]
    if not folders:
        return None
    named = [folder for folder in folders if part_of(folder.name)]
    folders = named or folders[:1]
    entries, notes = [], []
    for folder in folders:
        found, missing = kaldi_entries(folder, root)
        entries += found
        if missing:
            notes.append(f"{missing:,} of the texts in {folder / 'text'} have no recording in {KALDI}")
    where = ", ".join((folder.relative_to(root) / KALDI).as_posix() for folder in folders)
    return Listing(
        tuple(entries), f"Kaldi's {where}, with text{' and utt2spk' * has_speakers(entries)}", tuple(notes)
    )


def has_speakers(entries: Sequence[Entry]) -> bool:
    """Whether any speaker is known."""
    return any(entry.speaker != UNKNOWN_SPEAKER for entry in entries)


def kaldi_entries(folder: Path, root: Path) -> tuple[list[Entry], int]:
    """The entries of a Kaldi folder, and the number of texts without a recording.

    Raises:
        CorpusError: A file cannot be read, or the recordings are divided into segments.
    """
    if (folder / "segments").is_file():
        raise CorpusError(
            "lists stretches of longer recordings",
            where=folder / "segments",
            remedy="write each to its own file, list these in wav.scp, delete segments",
        )
    recordings, texts = two_columns(folder / KALDI), two_columns(folder / "text")
    speakers = two_columns(folder / "utt2spk") if (folder / "utt2spk").is_file() else {}
    # Paths are relative to the directory of the recipe, which is a parent.
    finder = Finder((root, folder, *folder.parents[:2]))
    part = part_of(folder.name)
    entries = []
    for name, written in recordings.items():
        label, clip = tidy_label(texts.get(name, "")), finder.find(source(written, finder))
        problem = None if label else f"has no text in {folder.name}/text"
        speaker = speakers.get(name) or UNKNOWN_SPEAKER
        entries.append(Entry(clip, label, speaker, name, part, problem))
    return entries, len(texts.keys() - recordings.keys())


def source(written: str, finder: Finder) -> str:
    """The file that a command such as `flac -dc a.flac |` reads; a plain path as it is."""
    if not written.endswith("|"):
        return written
    try:
        words = shlex.split(written.rstrip("|"))
    except ValueError:
        return written
    return next((word for word in words if "." in word and finder.find(word).is_file()), written)


def two_columns(path: Path) -> dict[str, str]:
    """Map the first word of each line of a file to the rest of the line.

    Raises:
        CorpusError: The file cannot be read.
    """
    pairs = (line.split(None, 1) for line in re.split("\r\n|\n|\r", read_text(path)) if line.strip())
    return {pair[0]: pair[1].strip() if len(pair) == 2 else "" for pair in pairs}


def list_beside(paths: Sequence[Path]) -> Listing | None:
    """The listing by a text beside each recording (`0.lab` for `0.wav`), if all have one and words recur."""
    found: dict[Path, str] = {}
    for path in paths:
        beside = next((one for end in BESIDE if (one := path.with_suffix(end)).is_file()), None)
        if beside is None or beside.stat().st_size > MOST_BYTES:
            return None
        try:
            text = SPAN.sub("", read_text(beside).strip())
        except CorpusError:
            return None
        if not text or "\n" in text:
            return None
        found[path] = text
    if not found or LEAST_TAKES * len(set(found.values())) > len(found):
        return None
    entries = [Entry(path, tidy_label(text), take=path.stem) for path, text in found.items()]
    endings = ", ".join(sorted({end for end in BESIDE if paths[0].with_suffix(end).is_file()}))
    return Listing(tuple(entries), f"the texts beside the recordings ({endings})")
