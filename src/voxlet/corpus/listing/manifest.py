"""Read tables of recordings from many sources: CSV with any usual separator, or JSON.

A column is identified by its heading, in upper or lower case (`path`, `file_name`, `file`; `label`, `class`,
`text`; ...), or else by its cells. A table without a heading is read if one of its columns holds names of
existing files (LJSpeech's `id|text`).
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from voxlet.corpus.listing.columns import (
    NAMED,
    Columns,
    NoColumnsError,
    Row,
    check_row,
    find_columns,
    heading_columns,
    quote,
)
from voxlet.corpus.listing.entry import UNKNOWN_SPEAKER, Entry, part_of
from voxlet.corpus.listing.finder import Finder
from voxlet.corpus.listing.json_table import json_rows
from voxlet.corpus.listing.labels import tidy_label
from voxlet.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MANIFEST_SUFFIXES = frozenset({".csv", ".tsv", ".txt", ".jsonl", ".json"})
PLAIN_SUFFIXES = MANIFEST_SUFFIXES - {".jsonl", ".json"}
SEPARATORS = ",;\t|"
LARGEST_TABLE = 1 << 28  # bytes

Quoting = Literal[0, 3]  # csv.QUOTE_MINIMAL, csv.QUOTE_NONE


@dataclass(frozen=True)
class Manifest:
    """The content of a table of recordings.

    Attributes:
        entries: One for each row.
        told: Remarks on columns identified by their cells and on unknown parts; may be empty.
        guessed: Whether the column of labels was guessed from its cells.
    """

    entries: tuple[Entry, ...]
    told: str = ""
    guessed: bool = False


def read_manifest(
    path: Path, *, root: Path | None = None, sounds: Sequence[Path] = (), may_be_empty: bool = False
) -> Manifest:
    """Read a manifest, with paths relative to its own folder or to the corpus's folder.

    Args:
        path: A .csv, .tsv, .txt, .jsonl or .json file.
        root: The corpus's folder, if it is not the table's.
        sounds: The corpus's sound files, if known, to find a bare file name in any folder.
        may_be_empty: Whether a table with a heading only is allowed.

    Raises:
        NoColumnsError: There is no column of files, or none of labels.
        CorpusError: The table cannot be read, has a malformed row, or has no rows.
    """
    text = read_text(path)
    roots = (path.parent,) if root is None or root == path.parent else (path.parent, root)
    finder = Finder(roots, sounds)
    if path.suffix.lower() in PLAIN_SUFFIXES:
        rows, columns = csv_rows(path, text, finder)
    else:
        rows, columns = list(json_rows(path, text)), Columns({}, headed=True)
    named = "text" if labels_are_numbers(rows) else "label"
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
                part_of(row.values.get("part", "")),
                problem=f"is listed a second time ({path.name}:{row.line})" if clip in seen else None,
            )
        )
        seen.add(clip)
    if not entries and not may_be_empty:
        raise CorpusError("lists no clips", where=path, remedy="add a row for each recording")
    strange = {value for row in rows if (value := row.values.get("part", "")) and not part_of(value)}
    shown = ", ".join(map(repr, sorted(strange)[:5]))
    told = [columns.told, f"unknown parts, used for training: {shown}" if strange else ""]
    return Manifest(tuple(entries), "; ".join(filter(None, told)), columns.guessed)


def labels_are_numbers(rows: Sequence[Row]) -> bool:
    """Whether all labels are class numbers and another column gives the words."""
    return bool(rows) and all(
        row.values.get("label", "").isdecimal() and row.values.get("text", "").strip("0123456789. ")
        for row in rows
    )


def read_text(path: Path) -> str:
    """The text of a file in UTF-8 or UTF-16, with or without byte order mark.

    Raises:
        CorpusError: The file cannot be read, is too large, or has another encoding.
    """
    try:
        if path.stat().st_size > LARGEST_TABLE:
            raise CorpusError("is too large for a manifest", where=path, remedy="split it into several files")
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


def csv_rows(path: Path, text: str, finder: Finder) -> tuple[list[Row], Columns]:
    """The rows of a CSV table, without blank ones, and its columns.

    Raises:
        NoColumnsError: Neither the heading nor the cells identify the columns.
        CorpusError: The text is not CSV, or a row has more fields than the first one.
    """
    separator, skipped = find_separator(text)
    body = "".join([*lines_of(text)][skipped:])
    if separator == " ":
        lines = [(number, line.split(None, 1)) for number, line in enumerate(lines_of(body), 1)]
    else:
        lines = split_cells(path, body, separator, skipped)
    lines = [(number + skipped, [cell.strip() for cell in cells]) for number, cells in lines]
    lines = [(number, cells) for number, cells in lines if any(cells)]
    if not lines:
        return [], Columns({}, headed=False)
    columns = find_columns([cells for _, cells in lines], finder)
    if columns is None:
        missing = [name for name in ("path", "label") if name not in heading_columns(lines[0][1])]
        raise NoColumnsError(
            f"no {' and no '.join(missing or ['files'])} in the heading {quote(','.join(lines[0][1]))}",
            where=f"{path}:{lines[0][0]}",
            remedy=NAMED,
        )
    return known_cells(path, lines, columns, separator), columns


def split_cells(path: Path, text: str, separator: str, skipped: int) -> list[tuple[int, list[str]]]:
    """Line number and cells of each row of a CSV table.

    Raises:
        CorpusError: The text is not CSV.
    """
    # Tables separated by bars do not use quoting, so quotation marks are ordinary characters there. Some
    # tables separated by tabs do not either, such as Common Voice.
    ways: dict[str, tuple[Quoting, ...]] = {"|": (csv.QUOTE_NONE,), "\t": (csv.QUOTE_MINIMAL, csv.QUOTE_NONE)}
    problem = CorpusError("is not CSV", where=path)
    for quoting in ways.get(separator, (csv.QUOTE_MINIMAL,)):
        table = io.StringIO(text, newline="")
        reader = csv.reader(table, delimiter=separator, strict=True, skipinitialspace=True, quoting=quoting)
        try:
            return [(reader.line_num, cells) for cells in reader]
        except csv.Error as error:
            problem = CorpusError(f"is not CSV ({error})", where=f"{path}:{reader.line_num + skipped}")
    raise problem


def known_cells(
    path: Path, lines: Sequence[tuple[int, list[str]]], columns: Columns, separator: str
) -> list[Row]:
    """The rows, with the values of the known columns.

    Raises:
        CorpusError: A row has more fields than the first one.
    """
    first = lines[0][1]
    heading = separator.join(first) if columns.headed else ""
    rows = []
    for number, cells in lines[columns.headed :]:
        found = separator.join(cells)
        if any(cells[len(first) :]):
            raise CorpusError(
                f"{len(cells)} fields in the row {quote(found)}, but {len(first)} in the first one",
                where=f"{path}:{number}",
                remedy="put a field that holds the separator in quotation marks",
            )
        values = {name: cells[index] for name, index in columns.places.items() if index < len(cells)}
        rows.append(Row(number, values, found, heading))
    return rows


def find_separator(text: str) -> tuple[str, int]:
    """The field separator of a table, and the number of lines before its first row.

    Such lines are blank, comments after `#`, or `sep=;` as written by Excel. Without any separator, the first
    space of a line separates two columns (the separator returned is a space).
    """
    for skipped, line in enumerate(lines_of(text)):
        if found := re.fullmatch(r"sep=(.)\s*", line):
            return found[1], skipped + 1
        if not line.strip() or line.startswith("#"):
            continue
        named = [mark for mark in SEPARATORS if is_heading(line.strip().split(mark))]
        best = named[0] if named else max(SEPARATORS, key=line.count)
        return (best if named or best in line else " "), skipped
    return ",", 0


def lines_of(text: str) -> Iterator[str]:
    """The lines of a text with their line ends, split as the csv module does."""
    yield from io.StringIO(text, newline="")


def is_heading(cells: Sequence[str]) -> bool:
    """Whether the cells include headings for files and for labels."""
    return {"path", "label"} <= set(heading_columns(cells))
