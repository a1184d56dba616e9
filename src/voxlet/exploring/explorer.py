"""The explorer: one page with a map, its sounds and all that it needs; it asks no address for anything."""

from __future__ import annotations

import base64
import html
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet import files
from voxlet.exploring.sprite import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voxlet.exploring.clips import Clips
    from voxlet.exploring.projection import Projection

FOLDER = Path(__file__).with_name("page")
MOST_BYTES = 6_000_000  # of a page
DIGITS = 5  # of a place on the map


@dataclass(frozen=True)
class Map:
    """One model's map.

    Attributes:
        clips: What stands on it.
        projection: Where.
        density: Of the prior, (cells, cells) from 0 to 255.
        doubtful: Rows of clips whose labels are doubted, the worst first, each with the reason.
        table: Path, label and speaker of every recording: what a corrected table is made of.
        is_of_words: Whether words lie apart on it; else speakers do.
    """

    clips: Clips
    projection: Projection
    density: NDArray[np.uint8]
    doubtful: tuple[tuple[int, str], ...] = ()
    table: tuple[tuple[str, str, str], ...] = ()
    is_of_words: bool = True


def write_explorer(path: Path, maps: Sequence[Map]) -> int:
    """Write the page of one map, or of two side by side, whole or not at all.

    Returns:
        Its size in bytes.

    Raises:
        FileError: It cannot be written.
    """
    page = explorer(maps).encode()
    files.write_atomically(path, page)
    return len(page)


def explorer(maps: Sequence[Map]) -> str:
    """The page's HTML."""
    silent = [model_data(one) for one in maps]
    table = next((one.table for one in maps if one.table), None)
    colour = "label" if maps[0].is_of_words else "speaker"
    used = len(page_of({"models": silent, "table": table, "colour": colour}, maps).encode())
    seconds = [sum(len(sound) / one.clips.rate for sound in one.clips.sounds) for one in maps]
    for data, one, share in zip(silent, maps, seconds, strict=True):
        room = 0.93 * (MOST_BYTES - used) * share / max(sum(seconds), 1e-9)
        sprite = encode(one.clips.sounds, one.clips.rate, round(room * 3 / 4))  # base64
        data |= {
            "rate": sprite.rate,
            "parts": [base64.b64encode(part).decode() for part in sprite.parts],
            "places": sprite.places,
        }
    return page_of({"models": silent, "table": table, "colour": colour}, maps)


def page_of(data: dict[str, Any], maps: Sequence[Map]) -> str:
    """The template with these data in it."""
    title = "Map of " + " and ".join(one.clips.name for one in maps)
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    parts = {
        "title": html.escape(title),
        "style": (FOLDER / "explorer.css").read_text(encoding="utf-8"),
        "script": (FOLDER / "explorer.js").read_text(encoding="utf-8"),
        "data": text.replace("<", "\\u003c"),
    }
    template = (FOLDER / "explorer.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def model_data(one: Map) -> dict[str, Any]:
    """One model as the page's script reads it, without its sounds."""
    clips = one.clips
    low, high = one.projection.bounds
    places = (one.projection.places - low) / (high - low)
    return {
        "name": clips.name,
        "axes": one.projection.axes,
        "labels": clips.label_names,
        "speakers": clips.speaker_names,
        "x": places[:, 0].round(DIGITS).tolist(),
        "y": places[:, 1].round(DIGITS).tolist(),
        "label": clips.labels.tolist(),
        "speaker": clips.speakers.tolist(),
        "kind": clips.generated.astype(int).tolist(),
        "seconds": numbers(clips.measured.seconds, 3),
        "pitch": numbers(clips.measured.pitch_hz, 1),
        "level": numbers(clips.measured.level_db, 1),
        "doubt": numbers(clips.doubt, 3),
        "source": clips.sources,
        "density": one.density.ravel().tolist() if one.density.any() else [],
        "doubtful": [{"i": row, "reason": reason} for row, reason in one.doubtful],
        "credit": clips.credit,
        "rate": clips.rate,
        "parts": [],
        "places": [],
    }


def numbers(values: NDArray[np.float64], digits: int) -> list[float | None]:
    """Values for JSON, None where there is no number."""
    return [round(float(value), digits) if np.isfinite(value) else None for value in values]
