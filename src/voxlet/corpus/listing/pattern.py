"""Patterns of file names such as `{label}/{speaker}_NO_{take}`, which parse a path; removal of dates."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from voxlet.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

FIELDS = ("label", "speaker", "take")
MOST_READINGS = 64  # of one path
REMEDY = "for example {label}/{speaker}_NO_{take}, with * for anything"

GAPS = " _.-"  # separators between the fields of a name
# A date, optionally followed by a time: `20240131`, `2024-01-31 at 10.15.12`, `2024_01_31-101512`.
DATE = re.compile(
    r"(?<!\d)(?:19|20)\d\d([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])"
    r"(?:(?:T|[-_ ]+(?:at[-_ ])?)(?:[01]\d|2[0-3])"
    r"(?:[-_.:h][0-5]\d(?:[-_.:m][0-5]\d)?|[0-5]\d[0-5]\d))?(?!\d)"
)

_PIECE = re.compile(r"\{(\w*)\}|(\*)|([^{}*]+)|(.)", re.DOTALL)


@dataclass(frozen=True)
class Pattern:
    """A pattern for the last components of a path without extension.

    `*` matches anything; a field that occurs twice must match the same text both times.

    Args:
        text: The pattern, with the field `{label}` and optionally `{speaker}` and `{take}`.
        counted: Whether takes must be numbers.

    Raises:
        ConfigError: The pattern is malformed.
    """

    text: str
    counted: bool = False

    def __post_init__(self) -> None:
        names = [name for name, literal in self.pieces if not literal and name != "*"]
        if strange := [name for name in names if name not in FIELDS]:
            raise ConfigError(
                f"no field is called {{{strange[0]}}}", where=f"layout {self.text!r}", remedy=REMEDY
            )
        if "label" not in names:
            raise ConfigError("has no {label}", where=f"layout {self.text!r}", remedy=REMEDY)
        between = zip(self.pieces, self.pieces[1:], strict=False)
        # A number may follow a word without a separator: `yes0`.
        if any(not one[1] and not two[1] and (two[0] != "take" or not self.counted) for one, two in between):
            raise ConfigError(
                "has two fields with nothing between them", where=f"layout {self.text!r}", remedy=REMEDY
            )

    @cached_property
    def pieces(self) -> tuple[tuple[str, bool], ...]:
        """The pieces of the pattern: (text, True), or (field name or `*`, False)."""
        found = []
        for field, star, literal, other in _PIECE.findall(self.text.strip("/")):
            if other:
                raise ConfigError(f"holds a lone {other!r}", where=f"layout {self.text!r}", remedy=REMEDY)
            found.append((literal, True) if literal else (field or star, False))
        return tuple(found)

    @property
    def depth(self) -> int:
        """Number of path components that the pattern matches."""
        return self.text.strip("/").count("/") + 1

    @property
    def fields(self) -> frozenset[str]:
        """The fields in the pattern."""
        return frozenset(name for name, literal in self.pieces if not literal and name != "*")

    def readings(self, path: Path, root: Path) -> list[dict[str, str]]:
        """All ways to match a path under `root`, with shorter first fields first; at most 64."""
        parts = (*path.relative_to(root).parts[:-1], path.stem)
        if len(parts) < self.depth:
            return []
        name = unicodedata.normalize("NFC", "/".join(parts[-self.depth :]))
        found = self._read(name, self.pieces, {})
        return [reading for reading, _ in zip(found, range(MOST_READINGS), strict=False)]

    def _read(
        self, rest: str, pieces: Sequence[tuple[str, bool]], known: dict[str, str]
    ) -> Iterator[dict[str, str]]:
        if not pieces:
            if not rest:
                yield known
            return
        (piece, literal), following = pieces[0], pieces[1:]
        if literal or piece in known:
            text = piece if literal else known[piece]
            if rest.startswith(text):
                yield from self._read(rest[len(text) :], following, known)
            return
        for stop in self._stops(rest, following):
            value = rest[:stop]
            if piece == "take" and self.counted and not (value.isascii() and value.isdigit()):
                continue
            taken = known if piece == "*" else known | {piece: value}
            yield from self._read(rest[stop:], following, taken)

    @staticmethod
    def _stops(rest: str, following: Sequence[tuple[str, bool]]) -> Iterator[int]:
        """Positions where a field at the start of `rest` may end: before the next piece and any `/`."""
        end = rest.find("/") if "/" in rest else len(rest)
        if not following:
            if end == len(rest) > 0:
                yield end
            return
        mark, literal = following[0]
        if not literal:  # the take follows at once: all digits at the end belong to it
            stop = len(rest[:end].rstrip("0123456789"))
            if 0 < stop < end:
                yield stop
            return
        stop = rest.find(mark, 1)
        while 0 < stop <= end:
            yield stop
            stop = rest.find(mark, stop + 1)


def without_dates(paths: Sequence[Path], root: Path) -> tuple[list[Path], str]:
    """Remove dates and times from paths under `root`, if most contain one; also a remark that says so.

    A date is neither a word nor a speaker. Folders whose name is only a date are removed, too.
    """
    inside = [path.relative_to(root) for path in paths]
    if 2 * sum(DATE.search(str(path)) is not None for path in inside) <= len(paths):
        return list(paths), ""
    shown = []
    for path in inside:
        folders = [DATE.sub("", name).strip(GAPS) for name in path.parts[:-1]]
        stem = re.sub(rf"([{GAPS}])[{GAPS}]+", r"\1", DATE.sub("", path.stem)).strip(GAPS)
        shown.append(root.joinpath(*filter(None, folders), f"{stem or 'dated'}{path.suffix}"))
    return shown, "; without the dates in names"
