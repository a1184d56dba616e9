"""What a corpus says of its speakers, read tolerantly: real metadata is dirty."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PLACES = ("data/audioMNIST_meta.txt", "audioMNIST_meta.txt")
OLDEST = 120  # years; AudioMNIST has one of 1234


@dataclass(frozen=True)
class SpeakerMetadata:
    """One speaker; None or an empty string where it is unknown or cannot be true."""

    accent: str = ""
    age: int | None = None  # years
    gender: str = ""
    native: bool | None = None  # speaks English from birth
    origin: str = ""


def read_metadata(root: Path) -> dict[str, SpeakerMetadata]:
    """Speaker -> metadata; empty where the corpus has none that can be read."""
    for place in PLACES:
        try:
            table = json.loads((root / place).read_text(encoding="utf-8", errors="replace"))
        except (OSError, ValueError):
            continue
        if isinstance(table, dict):
            return {str(name): speaker_metadata(row) for name, row in table.items() if isinstance(row, dict)}
    return {}


def speaker_metadata(row: dict[str, object]) -> SpeakerMetadata:
    """One row of the table, cleaned."""
    return SpeakerMetadata(
        accent=tidy(row.get("accent")),
        age=plausible_age(row.get("age")),
        gender=tidy(row.get("gender")).lower(),
        native={"yes": True, "no": False}.get(tidy(row.get("native speaker")).lower()),
        origin=" ".join(str(row.get("origin") or "").split()),
    )


def tidy(value: object) -> str:
    """A name in one spelling: `german` is `German`, `Egyptian_American?` is `Egyptian American`."""
    text = " ".join(str(value or "").replace("_", " ").strip(" ?").split())
    return text[:1].upper() + text[1:]


def plausible_age(value: object) -> int | None:
    """Years, whether given as a number or as text; None where nobody is that old."""
    try:
        age = int(str(value).strip())
    except ValueError:
        return None
    return age if 0 < age <= OLDEST else None
