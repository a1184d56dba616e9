"""Tables that list recordings: CSV with any usual separator, or JSON, from many makers.

A column is known by its heading, in any case (`path`, `file_name`, `file`; `label`, `class`, `text`; ...), or
else by what stands in it. A table without a heading is read if a column names files (LJSpeech's `id|text`).
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

Quoting = Literal[0, 3]  # as the module csv numbers them


@dataclass(frozen=True)
class Manifest:
    """What a table lists.

    Attributes:
        entries: A recording for each row.
        told: Which columns were taken for what, where the heading does not say it; else empty.
        guessed: Whether what was taken for labels may be something else.
    """

    entries: tuple[Entry, ...]
    told: str = ""
    guessed: bool = False


def read_manifest(
    path: Path, *, root: Path | None = None, sounds: Sequence[Path] = (), may_be_empty: bool = False
) -> Manifest:
    """The rows of a manifest; paths in it are relative to its folder, or else to the corpus's.

    Args:
        path: A .csv, .tsv, .txt, .jsonl or .json file.
        root: The corpus's folder, where that is another than the table's.
        sounds: The corpus's sound files, where known: a name alone may be that of one in any folder.
        may_be_empty: Whether a heading alone will do.

    Raises:
        NoColumnsError: It has no column of files, or none of labels.
        CorpusError: It cannot be read, a row is malformed, or there is none.
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
    """The rows of a table, blank ones passed over, and its columns.

    Raises:
        NoColumnsError: Neither its heading nor its cells say which columns there are.
        CorpusError: It is not CSV, or a row has more fields than the first one.
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
    """The line numbers and cells of the rows of a table.

    Raises:
        CorpusError: It is not CSV.
    """
    # Makers of tables with bars do not quote: a quotation mark is a character like any other. Some with tabs
    # do not either, as Common Voice.
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
    """The known columns' values of the rows.

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
    """What separates the fields of a table, and how many lines stand before its first row.

    Those are blank, a remark after `#`, or `sep=;` as Excel writes it. A table without any separator has its
    first column up to the first space.
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
    """The lines of a table as CSV ends them, with their ends."""
    yield from io.StringIO(text, newline="")


def is_heading(cells: Sequence[str]) -> bool:
    """Whether cells name a column of files and one of labels."""
    return {"path", "label"} <= set(heading_columns(cells))
