"""A pattern of file names such as `{label}/{speaker}_NO_{take}`: what it reads out of a path; no dates."""

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
MOST_READINGS = 64  # of one name
REMEDY = "for example {label}/{speaker}_NO_{take}, with * for anything"

GAPS = " _.-"  # what stands between the fields of a name
# A day, maybe a time after it: `20240131`, `2024-01-31 at 10.15.12`, `2024_01_31-101512`.
DATE = re.compile(
    r"(?<!\d)(?:19|20)\d\d([-_.]?)(?:0[1-9]|1[0-2])\1(?:0[1-9]|[12]\d|3[01])"
    r"(?:(?:T|[-_ ]+(?:at[-_ ])?)(?:[01]\d|2[0-3])"
    r"(?:[-_.:h][0-5]\d(?:[-_.:m][0-5]\d)?|[0-5]\d[0-5]\d))?(?!\d)"
)

_PIECE = re.compile(r"\{(\w*)\}|(\*)|([^{}*]+)|(.)", re.DOTALL)


@dataclass(frozen=True)
class Pattern:
    """The last parts of a path without its ending; `*` stands for anything, a field twice for the same text.

    Args:
        text: With the fields `{label}`, and optionally `{speaker}` and `{take}`.
        counted: Takes are numbers.

    Raises:
        ConfigError: It makes no sense.
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
        # A number may follow a word at once: `yes0`.
        if any(not one[1] and not two[1] and (two[0] != "take" or not self.counted) for one, two in between):
            raise ConfigError(
                "has two fields with nothing between them", where=f"layout {self.text!r}", remedy=REMEDY
            )

    @cached_property
    def pieces(self) -> tuple[tuple[str, bool], ...]:
        """Its pieces in order: text and true, or the name of a field and false."""
        found = []
        for field, star, literal, other in _PIECE.findall(self.text.strip("/")):
            if other:
                raise ConfigError(f"holds a lone {other!r}", where=f"layout {self.text!r}", remedy=REMEDY)
            found.append((literal, True) if literal else (field or star, False))
        return tuple(found)

    @property
    def depth(self) -> int:
        """How many parts of a path it reads."""
        return self.text.strip("/").count("/") + 1

    @property
    def fields(self) -> frozenset[str]:
        """The fields that it reads."""
        return frozenset(name for name, literal in self.pieces if not literal and name != "*")

    def readings(self, path: Path, root: Path) -> list[dict[str, str]]:
        """Every way to read a path under `root`, the shortest first fields first; at most 64."""
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
        """Where a field at the beginning of `rest` may end: before what follows it, within its folder."""
        end = rest.find("/") if "/" in rest else len(rest)
        if not following:
            if end == len(rest) > 0:
                yield end
            return
        mark, literal = following[0]
        if not literal:  # a number, the whole of it
            stop = len(rest[:end].rstrip("0123456789"))
            if 0 < stop < end:
                yield stop
            return
        stop = rest.find(mark, 1)
        while 0 < stop <= end:
            yield stop
            stop = rest.find(mark, stop + 1)


def without_dates(paths: Sequence[Path], root: Path) -> tuple[list[Path], str]:
    """Paths under `root` without the day and time in them, where most have one, and that it was left out.

    A day is neither word nor speaker. A folder that is called after one is left out, too.
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
