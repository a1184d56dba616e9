"""Speaker metadata of a corpus, read tolerantly: real metadata is dirty."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PLACES = ("data/audioMNIST_meta.txt", "audioMNIST_meta.txt")
OLDEST = 120  # years; AudioMNIST lists an age of 1234


@dataclass(frozen=True)
class SpeakerMetadata:
    """Metadata of one speaker; None or an empty string for values that are unknown or impossible."""

    accent: str = ""
    age: int | None = None  # years
    gender: str = ""
    native: bool | None = None  # native speaker of English
    origin: str = ""


def read_metadata(root: Path) -> dict[str, SpeakerMetadata]:
    """Metadata by speaker; empty if the corpus has no readable metadata."""
    for place in PLACES:
        try:
            table = json.loads((root / place).read_text(encoding="utf-8", errors="replace"))
        except (OSError, ValueError):
            continue
        if isinstance(table, dict):
            return {str(name): speaker_metadata(row) for name, row in table.items() if isinstance(row, dict)}
    return {}


def speaker_metadata(row: dict[str, object]) -> SpeakerMetadata:
    """The metadata in one row of the table, cleaned."""
    return SpeakerMetadata(
        accent=tidy(row.get("accent")),
        age=plausible_age(row.get("age")),
        gender=tidy(row.get("gender")).lower(),
        native={"yes": True, "no": False}.get(tidy(row.get("native speaker")).lower()),
        origin=" ".join(str(row.get("origin") or "").split()),
    )


def tidy(value: object) -> str:
    """A name in normalised spelling: `german` is `German`, `Egyptian_American?` is `Egyptian American`."""
    text = " ".join(str(value or "").replace("_", " ").strip(" ?").split())
    return text[:1].upper() + text[1:]


def plausible_age(value: object) -> int | None:
    """An age in years, given as a number or as text; None if it is not a plausible age."""
    try:
        age = int(str(value).strip())
    except ValueError:
        return None
    return age if 0 < age <= OLDEST else None
