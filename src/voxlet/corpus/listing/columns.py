"""Which column of a table holds the files, which the labels: by its heading, else by what stands in it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlet.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from voxlet.corpus.listing.finder import Finder

TEXTS = (
    *("text", "transcription", "transcript", "sentence", "keyword", "category", "class_name", "label_name"),
    *("command", "phrase", "prompt", "utterance", "digit", "words"),
)
COLUMNS = {
    "path": (
        *("path", "file_name", "filename", "file", "file_path", "filepath"),
        *("audio_filepath", "audio_file", "audio_path", "audio_filename", "audio", "wav", "wav_file"),
        *("wav_path", "wav_filename", "fname", "recording", "sound", "sound_file", "slice_file_name"),
        *("clip", "clip_path", "id"),
    ),
    "label": ("label", "class", "word", *TEXTS, "target"),
    "text": ("word", *TEXTS),  # what the label says, where labels are numbers of classes
    "speaker": (
        *("speaker", "speaker_id", "speakerid", "speaker_name", "client_id", "spk", "spk_id"),
        *("user", "user_id", "participant", "participant_id", "subject", "subject_id"),
    ),
    "take": ("take", "repetition"),
    "part": ("split", "part", "set", "subset", "partition"),
}
SAMPLE = 50  # rows that are looked at to tell what a column holds
NAMED = "name the columns path and label"
LONGEST_FIELD = 4096  # characters: longer is no path and no word
QUOTED = 60  # characters of a row that an error repeats


class NoColumnsError(CorpusError):
    """A table in which nothing says which column holds the files, or which the labels."""


@dataclass(frozen=True)
class Row:
    """One row: its line number in the file, the known columns' values, and the row as it was found."""

    line: int
    values: dict[str, str]
    found: str
    heading: str


@dataclass(frozen=True)
class Columns:
    """Where the known columns of a table stand.

    Attributes:
        places: Their numbers by what they hold: `path`, `label`, maybe `speaker` and others.
        headed: Whether the first row is a heading.
        told: What was concluded from the cells rather than from the heading, in a few words.
        guessed: Whether there is a heading, but not for the labels: they may be something else.
    """

    places: dict[str, int]
    headed: bool
    told: str = ""
    guessed: bool = False


def find_columns(rows: Sequence[Sequence[str]], finder: Finder) -> Columns | None:
    """The columns of a table, (rows, cells); None where nothing says which hold files and labels."""
    named = heading_columns(rows[0])
    if {"path", "label"} <= set(named):
        return Columns(named, headed=True)
    path = file_column(rows, finder)
    if path is None:
        return None
    if is_file(finder, cell(rows[0], path)):
        return headless_columns(rows, path)
    named["path"] = path
    guessed = "label" not in named
    if guessed:
        label = label_column(rows[1:], set(named.values()))
        if label is None:
            return None
        named["label"] = label
    heading = rows[0]
    told = f"files in the column {cell(heading, path)!r}, labels in {cell(heading, named['label'])!r}"
    return Columns(named, headed=True, told=told, guessed=guessed)


def heading_columns(cells: Sequence[str]) -> dict[str, int]:
    """Where the columns stand that a heading names."""
    names = [fold_heading(one) for one in cells]
    return {
        column: names.index(found)
        for column, headings in COLUMNS.items()
        if (found := next((heading for heading in headings if heading in names), None)) is not None
    }


def fold_heading(text: str) -> str:
    """A heading without case, quotation marks and kinds of gap."""
    return re.sub(r"[\s_-]+", "_", text.strip().strip("\"'").strip().casefold())


def headless_columns(rows: Sequence[Sequence[str]], path: int) -> Columns | None:
    """The columns of a table without a heading, whose files stand in column `path`.

    The label is the first other column, unless that holds numbers and a later one words: then these are the
    label, and the numbers are the speakers (`path|speaker|text`), or else the same classes.
    """
    others = [column for column in range(len(rows[0])) if column != path]
    if not others or not cell(rows[0], others[0]):
        return None
    first = others[0]
    words = next((column for column in others if not all_numbers(rows, column)), first)
    pairs = {(cell(row, first), cell(row, words)) for row in rows}
    if words == first or path > first:
        return Columns({"path": path, "label": first}, headed=False)
    places = {"path": path, "label": words}
    numbers, labels = {number for number, _ in pairs}, {label for _, label in pairs}
    if len(pairs) > max(len(numbers), len(labels)):  # not one number for each label
        places["speaker"] = first
    if len(labels) > max(1, len(rows) // 2):  # the words are some remark
        return Columns({"path": path, "label": first}, headed=False)
    return Columns(places, headed=False, told=f"labels in column {words + 1}")


def file_column(rows: Sequence[Sequence[str]], finder: Finder) -> int | None:
    """The first column in which most cells name files that exist."""
    sample = rows[1 : SAMPLE + 1] or rows
    for column in range(len(rows[0])):
        if 2 * sum(is_file(finder, cell(row, column)) for row in sample) > len(sample):
            return column
    return None


def label_column(rows: Sequence[Sequence[str]], others: set[int]) -> int | None:
    """The only column, none of those that are known, in which words recur; else None."""
    found = []
    for column in sorted(set(range(max(map(len, rows), default=0))) - others):
        values = [cell(row, column) for row in rows]
        recur = 1 < len(set(values)) <= len(values) / 2
        if recur and all(values) and not all_numbers(rows, column):
            found.append(column)
    return found[0] if len(found) == 1 else None


def all_numbers(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Whether no cell of a column holds more than a number."""
    return all(not cell(row, column).strip("+-0123456789., ") for row in rows)


def is_file(finder: Finder, written: str) -> bool:
    """Whether a cell names a file that exists."""
    return bool(written) and "\0" not in written and finder.find(written).is_file()


def cell(row: Sequence[str], column: int) -> str:
    """The cell of a row; empty where the row is shorter."""
    return row[column] if column < len(row) else ""


def check_row(path: Path, row: Row) -> None:
    """See that a row names a file and a label, both of them text.

    Raises:
        CorpusError: It does not.
    """
    where = f"{path}:{row.line}"
    missing = [name for name in ("path", "label") if not row.values.get(name)]
    if missing:
        heading = f", the heading is {quote(row.heading)}" if row.heading else ""
        raise CorpusError(
            f"no {' and no '.join(missing)} in the row {quote(row.found)}",
            where=where,
            remedy=f"fill it in or delete the row{heading}",
        )
    for name, value in row.values.items():
        if len(value) > LONGEST_FIELD:
            raise CorpusError(f"the {name} has {len(value):,} characters", where=where)
        # Not what separates lines or words: that becomes a space.
        strange = next(
            (c for c in value if unicodedata.category(c) in {"Cc", "Cs"} and not c.isspace()), None
        )
        if strange is not None:
            kind = "half a character" if unicodedata.category(strange) == "Cs" else "a control character"
            raise CorpusError(f"the {name} {quote(value)} holds {kind}, U+{ord(strange):04X}", where=where)


def quote(text: str) -> str:
    """A piece of a table for an error: short, and without what a terminal would obey."""
    text = text if len(text) <= QUOTED else f"{text[:QUOTED]}…"
    return repr(text) if text.isprintable() else ascii(text)
