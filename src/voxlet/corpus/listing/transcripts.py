"""Recordings whose words stand in other text files than tables: Kaldi's, or one beside each recording."""

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
MOST_BYTES = 512  # of a text beside a recording: longer is no word or two
SPAN = re.compile(r"\d+ \d+ (?=\D)")  # of samples, in front of TIMIT's texts
LEAST_TAKES = 2  # of a label on average, or the texts are something else


def list_kaldi(root: Path) -> Listing | None:
    """What Kaldi's folders in `root` list: `wav.scp`, `text` and maybe `utt2spk`; None where there is none.

    Several such folders, called as the parts of a corpus, are its parts.

    Raises:
        CorpusError: One is malformed, or lists stretches of longer recordings.
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
    """The recordings that a folder of Kaldi's lists, and how many texts are of no recording.

    Raises:
        CorpusError: A file cannot be read, or its recordings are divided into segments.
    """
    if (folder / "segments").is_file():
        raise CorpusError(
            "lists stretches of longer recordings",
            where=folder / "segments",
            remedy="write each to its own file, list these in wav.scp, delete segments",
        )
    recordings, texts = two_columns(folder / KALDI), two_columns(folder / "text")
    speakers = two_columns(folder / "utt2spk") if (folder / "utt2spk").is_file() else {}
    # Paths are relative to where the recipe runs, which is above.
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
    """The recording that a command such as `flac -dc a.flac |` reads, or the path itself."""
    if not written.endswith("|"):
        return written
    try:
        words = shlex.split(written.rstrip("|"))
    except ValueError:
        return written
    return next((word for word in words if "." in word and finder.find(word).is_file()), written)


def two_columns(path: Path) -> dict[str, str]:
    """What stands after the first word of each line of a file, by that word.

    Raises:
        CorpusError: It cannot be read.
    """
    pairs = (line.split(None, 1) for line in re.split("\r\n|\n|\r", read_text(path)) if line.strip())
    return {pair[0]: pair[1].strip() if len(pair) == 2 else "" for pair in pairs}


def list_beside(paths: Sequence[Path]) -> Listing | None:
    """What texts beside the recordings say (`0.lab` of `0.wav`): one for each, and words recur; else None."""
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
