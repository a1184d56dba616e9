"""How a folder of recordings says which word each file is and who speaks: file names, folders or a manifest.

`names`     {label}_{speaker}_{take}.wav, at any depth (FSDD, AudioMNIST)
`folders`   label/anything.wav; a name {speaker}_nohash_{take} also gives speaker and take (Speech Commands)
`manifest`  a CSV or JSONL file with the fields path and label, and optionally speaker and take
"""

from __future__ import annotations

import csv
import json
import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from voxlet.digits import DIGIT_WORDS
from voxlet.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Layout = Literal["names", "folders", "manifest"]

SOUND_SUFFIXES = frozenset({".wav", ".wave", ".flac", ".ogg", ".oga", ".opus", ".mp3"})
MANIFEST_SUFFIXES = frozenset({".csv", ".jsonl"})
MANIFEST_NAMES = ("manifest.csv", "manifest.jsonl")
UNKNOWN_SPEAKER = "unknown"
NUMBER_WORDS = (*DIGIT_WORDS, "ten", "eleven", "twelve")

_NAME = re.compile(r"(?P<label>[^_]+)_(?P<speaker>.+)_(?P<take>[0-9]+)", re.DOTALL)
_NOHASH = re.compile(r"(?P<speaker>.+)_nohash_(?P<take>[0-9]+)", re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """One file as its layout describes it; `problem` says why it cannot be a clip, if it cannot."""

    path: Path
    label: str = ""
    speaker: str = UNKNOWN_SPEAKER
    take: str = ""
    problem: str | None = None


def as_label(text: str) -> str:
    """The label a name stands for: the digits 0 to 9 are the words zero to nine, others are themselves.

    >>> as_label("7"), as_label("yes"), as_label("42")
    ('seven', 'yes', '42')
    """
    text = unicodedata.normalize("NFC", text).strip()
    return DIGIT_WORDS[int(text)] if text in {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"} else text


def sort_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Each label once: in numerical order where all are number words, otherwise in alphabetical order.

    >>> sort_labels(["two", "one", "ten", "one"]), sort_labels(["yes", "two", "no"])
    (('one', 'two', 'ten'), ('no', 'two', 'yes'))
    """
    distinct = set(labels)
    if distinct <= set(NUMBER_WORDS):
        return tuple(word for word in NUMBER_WORDS if word in distinct)
    return tuple(sorted(distinct))


def list_entries(root: Path, layout: Layout | None = None) -> list[Entry]:
    """What `root` (a folder, or a manifest file) holds, sorted by path; the layout is found out unless given.

    Raises:
        CorpusError: `root` is missing, no sound file is in it, or the manifest is malformed.
    """
    if not root.exists():
        raise CorpusError("no such folder or manifest", where=root)
    manifest = find_manifest(root)
    if layout == "manifest" and manifest is None:
        raise CorpusError("holds no manifest", where=root, remedy=f"add {' or '.join(MANIFEST_NAMES)}")
    if manifest is not None and layout in (None, "manifest"):
        return sorted(read_manifest(manifest), key=lambda entry: entry.path)
    if not root.is_dir():
        raise CorpusError(
            "is neither a folder nor a manifest", where=root, remedy="a manifest is a .csv or .jsonl file"
        )
    paths = sorted(sound_files(root))
    if not paths:
        kinds = ", ".join(sorted(SOUND_SUFFIXES))
        raise CorpusError("holds no sound files", where=root, remedy=f"looked for {kinds} at any depth")
    by_name = (layout or guess_layout(root, paths)) == "names"
    return [entry_by_name(path) if by_name else entry_by_folder(path, root) for path in paths]


def find_manifest(root: Path) -> Path | None:
    """`root` itself where it is a manifest file, or the manifest that lies in the folder `root`."""
    if root.is_file():
        return root if root.suffix.lower() in MANIFEST_SUFFIXES else None
    return next((root / name for name in MANIFEST_NAMES if (root / name).is_file()), None)


def sound_files(root: Path) -> Iterator[Path]:
    """Files under `root` whose suffix is a sound file's; hidden names and folders named `_...` are not."""
    seen: set[tuple[int, int]] = set()
    for folder, subfolders, names in os.walk(root, followlinks=True):
        # A link to a folder is followed, but never round in a circle.
        status = os.stat(folder)  # noqa: PTH116
        if (status.st_dev, status.st_ino) in seen:
            subfolders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        subfolders[:] = sorted(name for name in subfolders if not name.startswith((".", "_")))
        for name in names:
            path = Path(folder, name)
            if path.suffix.lower() in SOUND_SUFFIXES and not name.startswith("."):
                yield path


def guess_layout(root: Path, paths: list[Path]) -> Layout:
    """`names` where most names read {label}_{speaker}_{take} and the folders are not the labels."""
    matches = [_NAME.fullmatch(path.stem) for path in paths]
    nohash = sum(_NOHASH.fullmatch(path.stem) is not None for path in paths)
    if sum(match is not None for match in matches) * 2 <= len(paths) or nohash * 2 > len(paths):
        return "names" if all(path.parent == root for path in paths) else "folders"
    if len({path.parent for path in paths}) == 1:
        return "names"
    # Several folders: each is a label if the names in it agree on that, else a speaker or just a box.
    agree = sum(
        match is not None and as_label(match["label"]) == as_label(path.parent.name)
        for match, path in zip(matches, paths, strict=True)
    )
    return "folders" if agree * 2 > len(paths) else "names"


def entry_by_name(path: Path) -> Entry:
    """What the file's name says in the layout {label}_{speaker}_{take}."""
    match = _NAME.fullmatch(path.stem)
    if match is None:
        return Entry(path, problem="its name does not read {label}_{speaker}_{take}")
    return Entry(path, as_label(match["label"]), match["speaker"], match["take"])


def entry_by_folder(path: Path, root: Path) -> Entry:
    """What the file's folder says in the layout label/anything."""
    if path.parent == root:
        return Entry(path, problem="lies outside the label folders")
    label = as_label(path.parent.name)
    match = _NOHASH.fullmatch(path.stem) or _NAME.fullmatch(path.stem)
    if match is None or ("label" in match.groupdict() and as_label(match["label"]) != label):
        return Entry(path, label, take=path.stem)
    return Entry(path, label, match["speaker"], match["take"])


def read_manifest(path: Path) -> Iterator[Entry]:
    """The rows of a manifest; paths in it are relative to its folder.

    Raises:
        CorpusError: A row is malformed, or there is none.
    """
    seen: set[Path] = set()
    for line, row in _manifest_rows(path):
        where = f"{path}:{line}"
        missing = [field for field in ("path", "label") if not row.get(field)]
        if missing:
            raise CorpusError(
                f"no {' and no '.join(missing)}",
                where=where,
                remedy="each row needs the fields path and label",
            )
        clip = Path(os.path.normpath(path.parent / row["path"]))
        yield Entry(
            clip,
            as_label(row["label"]),
            row.get("speaker") or UNKNOWN_SPEAKER,
            row.get("take") or clip.stem,
            problem=f"is listed a second time ({path.name}:{line})" if clip in seen else None,
        )
        seen.add(clip)
    if not seen:
        raise CorpusError("lists no clips", where=path)


def _manifest_rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line number and text fields of each row; blank lines are passed over."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"cannot be read ({error})", where=path, remedy="save it as UTF-8") from error
    if path.suffix.lower() == ".csv":
        reader = csv.DictReader(text.splitlines(), strict=True, skipinitialspace=True)
        try:
            for row in reader:
                yield reader.line_num, {k: v.strip() for k, v in row.items() if k and isinstance(v, str)}
        except csv.Error as error:
            raise CorpusError(f"is not CSV ({error})", where=f"{path}:{reader.line_num}") from error
        return
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
        except ValueError as error:
            raise CorpusError(f"is not JSON ({error})", where=f"{path}:{number}") from error
        if not isinstance(values, dict):
            raise CorpusError("is not a JSON object", where=f"{path}:{number}")
        yield number, {key: str(value).strip() for key, value in values.items() if value is not None}
