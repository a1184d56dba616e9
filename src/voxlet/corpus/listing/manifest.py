"""Tables that list recordings: CSV with any usual separator, or JSON lines, from many makers.

A column is known by its heading, in any case (`path`, `file_name`, `file`; `label`, `class`, `text`; ...). A
table without a heading is read if its first column names files (LJSpeech's `id|text`).
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import unicodedata
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from voxlet.corpus.listing.entry import PARTS, UNKNOWN_SPEAKER, Entry, Part
from voxlet.corpus.listing.labels import tidy_label
from voxlet.corpus.listing.sound_files import SOUND_SUFFIXES
from voxlet.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MANIFEST_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".jsonl", ".json"})
PLAIN_SUFFIXES = MANIFEST_SUFFIXES - {".jsonl", ".json"}
TEXTS = ("text", "transcription", "transcript", "sentence", "keyword", "category", "class_name", "label_name")
COLUMNS = {
    "path": (
        *("path", "file_name", "filename", "file", "file_path", "filepath"),
        *("audio_filepath", "audio_file", "audio_path", "audio", "wav", "clip", "id"),
    ),
    "label": ("label", "class", "word", *TEXTS),
    "text": ("word", *TEXTS),  # what the label says, where labels are numbers of classes
    "speaker": ("speaker", "speaker_id", "speaker_name", "client_id"),
    "take": ("take",),
    "part": ("split", "part", "set", "subset"),
}
SEPARATORS = ",;\t|"
AUDIO_FOLDERS = ("", "wavs", "clips", "audio")  # where a table's files may lie, beside it
LONGEST_FIELD = 4096  # characters: longer is no path and no word
LARGEST_TABLE = 1 << 28  # bytes
NAMED = "name the columns path and label"
ENDING = re.compile(r"\.(?=.*[a-z])\w{2,4}", re.IGNORECASE)  # a kind of file, not the number in `take.2`
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


def read_manifest(path: Path, part: Part = "", *, may_be_empty: bool = False) -> list[Entry]:
    """The rows of a manifest; paths in it are relative to its folder.

    Args:
        path: A .csv, .tsv, .txt, .jsonl or .json file.
        part: The part of the corpus that all its rows belong to, unless a column says so.
        may_be_empty: Whether a heading alone will do.

    Raises:
        NoColumnsError: It has no column of files, or none of labels.
        CorpusError: It cannot be read, a row is malformed, or there is none.
    """
    text = read_text(path)
    rows = list(csv_rows(path, text) if path.suffix.lower() in PLAIN_SUFFIXES else json_rows(path, text))
    named = "text" if labels_are_numbers(rows) else "label"
    finder = Finder(path.parent)
    seen: set[Path] = set()
    entries = []
    for row in rows:
        check_row(path, row)
        clip = finder.find(row.values["path"])
        entries.append(
            Entry(
                clip,
                tidy_label(row.values[named]),
                row.values.get("speaker") or UNKNOWN_SPEAKER,
                row.values.get("take") or clip.stem,
                PARTS.get(row.values.get("part", "").casefold(), part),
                problem=f"is listed a second time ({path.name}:{row.line})" if clip in seen else None,
            )
        )
        seen.add(clip)
    if not entries and not may_be_empty:
        raise CorpusError("lists no clips", where=path, remedy="add a row for each recording")
    return entries


def labels_are_numbers(rows: Sequence[Row]) -> bool:
    """Whether labels are numbers of classes, and another column says their words."""
    return bool(rows) and all(
        row.values.get("label", "").isdecimal() and row.values.get("text", "").strip("0123456789. ")
        for row in rows
    )


def read_text(path: Path) -> str:
    """The table's text: UTF-8 or UTF-16, with or without a byte order mark.

    Raises:
        CorpusError: It cannot be read, is too large or in another encoding.
    """
    try:
        if path.stat().st_size > LARGEST_TABLE:
            raise CorpusError("is too large for a manifest", where=path, remedy="divide it into several")
        data = path.read_bytes()
    except OSError as error:
        raise CorpusError(f"cannot be read ({error.strerror or error})", where=path) from error
    encoding = "utf-8-sig"
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif data[:2].count(0) == 1:
        encoding = "utf-16-be" if data[0] == 0 else "utf-16-le"
    try:
        return data.decode(encoding).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CorpusError(
            f"cannot be read ({error.reason} for {encoding.removesuffix('-sig').upper()})",
            where=f"{path}:{line}",
            remedy="save it as UTF-8",
        ) from error


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


def csv_rows(path: Path, text: str) -> Iterator[Row]:
    """The rows of a table, blank ones passed over.

    Raises:
        NoColumnsError: Neither its heading nor its first row says which columns there are.
        CorpusError: It is not CSV.
    """
    table = io.StringIO(text, newline="")
    first = next((line for line in table if line.strip()), "")
    if found := re.fullmatch(r"sep=(.)\s*", first):  # as Excel writes it
        separator = found[1]
    else:
        table.seek(0)
        separator = find_separator(first)
    # Makers of tables with bars do not quote: a quotation mark is a character like any other.
    quoting: Literal[0, 3] = csv.QUOTE_NONE if separator == "|" else csv.QUOTE_MINIMAL
    reader = csv.reader(table, delimiter=separator, strict=True, skipinitialspace=True, quoting=quoting)
    skipped = text.count("\n", 0, table.tell()) if found else 0
    try:
        lines = ((reader.line_num + skipped, [cell.strip() for cell in cells]) for cells in reader)
        filled = ((line, cells) for line, cells in lines if any(cells))
        yield from known_cells(path, filled, separator)
    except csv.Error as error:
        raise CorpusError(f"is not CSV ({error})", where=f"{path}:{reader.line_num + skipped}") from error


def known_cells(path: Path, lines: Iterator[tuple[int, list[str]]], separator: str) -> Iterator[Row]:
    """The known columns' values of the rows under a heading, or of all rows where there is none.

    Raises:
        NoColumnsError: Neither the heading nor the first row says which columns there are.
        CorpusError: A row has more fields than the first one.
    """
    line, first = next(lines, (1, []))
    columns = heading_columns(first)
    heading = "" if columns is None else separator.join(first)
    if columns is None and first:
        columns = headless_columns(path, first, line)
        lines = chain([(line, first)], lines)
    for number, cells in lines:
        found = separator.join(cells)
        if any(cells[len(first) :]):
            raise CorpusError(
                f"{len(cells)} fields in the row {quote(found)}, but {len(first)} in the first one",
                where=f"{path}:{number}",
                remedy="put a field that holds the separator in quotation marks",
            )
        values = {name: cells[index] for name, index in (columns or {}).items() if index < len(cells)}
        yield Row(number, values, found, heading)


def find_separator(first: str) -> str:
    """What separates the fields of a table whose first line this is."""
    known = [mark for mark in SEPARATORS if heading_columns(first.strip().split(mark)) is not None]
    return known[0] if known else max(SEPARATORS, key=first.count)


def heading_columns(cells: Sequence[str]) -> dict[str, int] | None:
    """Where the known columns stand; None where there is no heading of files or none of labels."""
    names = [fold_heading(cell) for cell in cells]
    columns = {
        column: names.index(found)
        for column, headings in COLUMNS.items()
        if (found := next((heading for heading in headings if heading in names), None)) is not None
    }
    return columns if {"path", "label"} <= set(columns) else None


def fold_heading(text: str) -> str:
    """A heading without case, quotation marks and kinds of gap."""
    return re.sub(r"[\s_-]+", "_", text.strip().strip("\"'").strip().casefold())


def headless_columns(path: Path, cells: Sequence[str], line: int) -> dict[str, int]:
    """The columns of a table without a heading: a file first, then its label.

    Raises:
        NoColumnsError: The first column names no file.
    """
    if len(cells) >= 2 and cells[1] and "\0" not in cells[0] and Finder(path.parent).find(cells[0]).is_file():
        return {"path": 0, "label": 1}
    headings = [fold_heading(cell) for cell in cells]
    missing = [name for name in ("path", "label") if not set(COLUMNS[name]) & set(headings)]
    raise NoColumnsError(
        f"no {' and no '.join(missing)} in the heading {quote(','.join(cells))}",
        where=f"{path}:{line}",
        remedy=NAMED,
    )


def json_rows(path: Path, text: str) -> Iterator[Row]:
    """The objects of a file of JSON lines, blank lines passed over, or of one JSON list.

    Raises:
        NoColumnsError: An object has neither; or a `.json` file holds something else.
        CorpusError: A line is not JSON, or no object.
    """
    # A file that ends in `.json` may be anything.
    kind = NoColumnsError if path.suffix.lower() == ".json" else CorpusError
    for number, line, found in json_values(path, text, kind):
        where = f"{path}:{number}"
        if not isinstance(found, dict):
            raise kind("is not a JSON object", where=where)
        names = {fold_heading(key): key for key in found}
        heading = ", ".join(found)
        values = {}
        for column, headings in COLUMNS.items():
            value = next((found[names[name]] for name in headings if name in names), None)
            if isinstance(value, dict) and column == "path":  # {"audio": {"path": ...}}
                value = value.get("path")
            if value is not None and not isinstance(value, str):
                raise CorpusError(f"the {column} is neither text nor a number", where=where)
            if value is not None:
                values[column] = value.strip()
        if not {"path", "label"} & set(values):
            raise NoColumnsError(
                f"no path and no label among the fields {quote(heading)}",
                where=where,
                remedy=NAMED,
            )
        yield Row(number, values, line, heading)


def json_values(path: Path, text: str, kind: type[CorpusError]) -> Iterator[tuple[int, str, object]]:
    """Number, text and value of each JSON line, or of each item of a list.

    Raises:
        CorpusError: Of that kind: one is not JSON.
    """
    if text.lstrip().startswith("["):
        items = parse_json(text, f"{path}:1", kind)
        rows = items if isinstance(items, list) else [items]
        yield from ((number, json.dumps(row), row) for number, row in enumerate(rows, 1))
        return
    # Only these end a line: JSON strings may hold U+2028 and the like as they are.
    for number, line in enumerate(re.split("\r\n|\n|\r", text), 1):
        if line.strip():
            yield number, line, parse_json(line, f"{path}:{number}", kind)


def parse_json(text: str, where: str, kind: type[CorpusError]) -> object:
    """The value of a JSON text, its numbers as they are written.

    Raises:
        CorpusError: Of that kind: it is not JSON.
    """
    try:
        found: object = json.loads(text, parse_int=str, parse_float=str)
    except RecursionError as error:
        raise kind("is nested too deeply", where=where) from error
    except ValueError as error:
        raise kind(f"is not JSON ({error})", where=where) from error
    return found


def quote(text: str) -> str:
    """A piece of a table for an error: short, and without what a terminal would obey."""
    return ascii_if_strange(text if len(text) <= QUOTED else f"{text[:QUOTED]}…")


def ascii_if_strange(text: str) -> str:
    """The text in quotation marks; with escapes where it holds what cannot be printed."""
    return repr(text) if text.isprintable() else ascii(text)


@dataclass
class Finder:
    """Finds the files that a table names: backslashes, forms of Unicode and other endings notwithstanding."""

    root: Path
    folders: dict[Path, dict[str, Path]] = field(default_factory=dict)

    def find(self, written: str) -> Path:
        """The file that is meant; where there is none, the path as it is written."""
        as_written = Path(os.path.normpath(self.root / written))
        try:
            if as_written.is_file():
                return as_written
            for folder in AUDIO_FOLDERS:
                place = Path(os.path.normpath(self.root / folder / written.replace("\\", "/")))
                if place.is_file():
                    return place
                if found := self._similar(place):
                    return found
        except (OSError, ValueError):  # a name that no file can have
            pass
        return as_written

    def _similar(self, place: Path) -> Path | None:
        """A file of the same name in another form of Unicode, case or with another ending."""
        names = self.folders.get(place.parent)
        if names is None:
            names = self.folders[place.parent] = self._names(place.parent)
        found = names.get(fold_name(place.name))
        if found is None and ENDING.fullmatch(place.suffix):
            found = names.get(fold_name(place.stem))
        return found

    @staticmethod
    def _names(folder: Path) -> dict[str, Path]:
        if not folder.is_dir():
            return {}
        sounds = sorted(path for path in folder.iterdir() if path.suffix.lower() in SOUND_SUFFIXES)
        names: dict[str, Path] = {}
        for path in sounds:
            names.setdefault(fold_name(path.name), path)
            names.setdefault(fold_name(path.stem), path)
        return names


def fold_name(name: str) -> str:
    """A file's name without case, in one form of Unicode."""
    return unicodedata.normalize("NFC", name).casefold()
