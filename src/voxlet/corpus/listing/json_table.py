"""Tables of recordings in JSON: one object per line, a list of objects, or one object keyed by file."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from voxlet.corpus.listing.columns import COLUMNS, NAMED, NoColumnsError, Row, fold_heading, quote
from voxlet.errors import CorpusError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def json_rows(path: Path, text: str) -> Iterator[Row]:
    """The rows of a file with JSON lines (blank lines are skipped) or with one JSON value.

    Raises:
        NoColumnsError: An object has neither path nor label, or a `.json` file does not hold objects.
        CorpusError: A line is not JSON or not an object, or a value is neither text nor a number.
    """
    # A `.json` file may hold something other than a table.
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
    """Number, text and value of each JSON line, or of each item of a single JSON value.

    Raises:
        CorpusError: The text is not JSON (an error of class `kind`).
    """
    begins = text.lstrip()[:1]
    if begins == "[" or (begins == "{" and path.suffix.lower() == ".json" and is_one_value(text)):
        items = items_of(parse_json(text, f"{path}:1", kind))
        yield from ((number, json.dumps(row), row) for number, row in enumerate(items, 1))
        return
    # Not `splitlines`: JSON strings may contain U+2028 and other line separators unescaped.
    for number, line in enumerate(re.split("\r\n|\n|\r", text), 1):
        if line.strip():
            yield number, line, parse_json(line, f"{path}:{number}", kind)


def is_one_value(text: str) -> bool:
    """Whether a text that begins with `{` is a single object, rather than one object per line."""
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        return isinstance(error, RecursionError)  # then `parse_json` reports the deep nesting
    return True


def items_of(value: object) -> list[object]:
    """The rows in a JSON value: a list, possibly in a field as in `{"data": [...]}`, or an object's fields.

    `{"0.wav": "yes"}` has a label for each file, `{"clip 0": {"wav": ..., "command": ...}}` a row for each.
    """
    if isinstance(value, list):
        return value
    if not isinstance(value, dict) or not value:
        return [value]
    lists = [one for one in value.values() if isinstance(one, list) and one and isinstance(one[0], dict)]
    if len(lists) == 1:
        return list(lists[0])
    if all(isinstance(one, dict) for one in value.values()):
        return [{"id": name} | one for name, one in value.items()]
    if all(isinstance(one, str) for one in value.values()) and not has_columns(value):
        return [{"path": name, "label": one} for name, one in value.items()]
    return [value]


def has_columns(value: dict[str, object]) -> bool:
    """Whether an object is itself a row, with a key that names the column of files."""
    return any(fold_heading(key) in COLUMNS["path"] for key in value)


def parse_json(text: str, where: str, kind: type[CorpusError]) -> object:
    """Parse a JSON text, with numbers kept as text.

    Raises:
        CorpusError: The text is not JSON (an error of class `kind`).
    """
    try:
        found: object = json.loads(text, parse_int=str, parse_float=str)
    except RecursionError as error:
        raise kind("is nested too deeply", where=where) from error
    except ValueError as error:
        raise kind(f"is not JSON ({error})", where=where) from error
    return found
