"""Identify the columns of a table (files, labels, speakers) by their headings, or else by their cells."""

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
    "text": ("word", *TEXTS),  # the word, if the labels are class numbers
    "speaker": (
        *("speaker", "speaker_id", "speakerid", "speaker_name", "client_id", "spk", "spk_id"),
        *("user", "user_id", "participant", "participant_id", "subject", "subject_id"),
    ),
    "take": ("take", "repetition"),
    "part": ("split", "part", "set", "subset", "partition"),
}
SAMPLE = 50  # rows examined to identify the column of files
NAMED = "name the columns path and label"
LONGEST_FIELD = 4096  # characters: anything longer is neither a path nor a word
QUOTED = 60  # characters of a row quoted in an error


class NoColumnsError(CorpusError):
    """A table whose columns of files and labels cannot be identified."""


@dataclass(frozen=True)
class Row:
    """One row: line number, values of the known columns, and the original text of the row and the heading."""

    line: int
    values: dict[str, str]
    found: str
    heading: str


@dataclass(frozen=True)
class Columns:
    """Positions of the known columns of a table.

    Attributes:
        places: Column index by content: `path`, `label`, maybe `speaker` and others.
        headed: Whether the first row is a heading.
        told: What was inferred from the cells rather than from the heading, in a few words.
        guessed: Whether the heading does not name the column of labels, so that the choice may be wrong.
    """

    places: dict[str, int]
    headed: bool
    told: str = ""
    guessed: bool = False


def find_columns(rows: Sequence[Sequence[str]], finder: Finder) -> Columns | None:
    """The columns of a table of rows of cells; None if the files and labels are not identified."""
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
    """Positions of the known columns in a heading."""
    names = [fold_heading(one) for one in cells]
    return {
        column: names.index(found)
        for column, headings in COLUMNS.items()
        if (found := next((heading for heading in headings if heading in names), None)) is not None
    }


def fold_heading(text: str) -> str:
    """A heading in lower case, without quotation marks, and with `_` for every gap."""
    return re.sub(r"[\s_-]+", "_", text.strip().strip("\"'").strip().casefold())


def headless_columns(rows: Sequence[Sequence[str]], path: int) -> Columns | None:
    """The columns of a table without a heading, whose column `path` holds the files.

    The first other column holds the labels, unless it follows the files and holds numbers while a later one
    holds words. Then the words are the labels, and the numbers are speakers (`path|speaker|text`) or, if each
    belongs to one word, class numbers.
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
    if len(pairs) > max(len(numbers), len(labels)):  # the numbers are not class numbers
        places["speaker"] = first
    if len(labels) > max(1, len(rows) // 2):  # too many different texts: they are remarks
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
    """The column, not in `others`, in which words recur; None unless there is exactly one."""
    found = []
    for column in sorted(set(range(max(map(len, rows), default=0))) - others):
        values = [cell(row, column) for row in rows]
        recur = 1 < len(set(values)) <= len(values) / 2
        if recur and all(values) and not all_numbers(rows, column):
            found.append(column)
    return found[0] if len(found) == 1 else None


def all_numbers(rows: Sequence[Sequence[str]], column: int) -> bool:
    """Whether all cells of a column hold numbers or nothing."""
    return all(not cell(row, column).strip("+-0123456789., ") for row in rows)


def is_file(finder: Finder, written: str) -> bool:
    """Whether a cell names a file that exists."""
    return bool(written) and "\0" not in written and finder.find(written).is_file()


def cell(row: Sequence[str], column: int) -> str:
    """The cell of a row in a column; empty if the row is shorter."""
    return row[column] if column < len(row) else ""


def check_row(path: Path, row: Row) -> None:
    """Check that a row has a path and a label, and that its values are printable text of bounded length.

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
        # White space is allowed: it becomes a space.
        strange = next(
            (c for c in value if unicodedata.category(c) in {"Cc", "Cs"} and not c.isspace()), None
        )
        if strange is not None:
            kind = "half a character" if unicodedata.category(strange) == "Cs" else "a control character"
            raise CorpusError(f"the {name} {quote(value)} holds {kind}, U+{ord(strange):04X}", where=where)


def quote(text: str) -> str:
    """A quotation from a table for an error: shortened, and with control characters escaped."""
    text = text if len(text) <= QUOTED else f"{text[:QUOTED]}…"
    return repr(text) if text.isprintable() else ascii(text)
