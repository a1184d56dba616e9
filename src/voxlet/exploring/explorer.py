"""The explorer: one or two maps in a self-contained page that makes no network requests.

Its script is the map of voxlet's web page (`serving/page/map`), whose modules are embedded here.
"""

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
from voxlet.exploring.bundle import PREFIX, bundle
from voxlet.exploring.map_folder import packed
from voxlet.exploring.sprite import encode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from voxlet.exploring.clips import Clips
    from voxlet.exploring.projection import Projection
    from voxlet.exploring.sprite import Sprite

PAGE = Path(__file__).parents[1] / "serving" / "page"
ENTRY = "explorer.js"
STYLES = ("style.css", "map/map.css")
TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' data:; \
style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{title}}</title>
<style>{{style}}</style>
</head>
<body>
<div id="voxlet"></div>
<script type="application/json" id="maps">{{maps}}</script>
<script type="importmap">{{modules}}</script>
<script type="module">import '{{entry}}';</script>
</body>
</html>
"""
MOST_BYTES = 6_000_000  # of a page
DIGITS = 5  # decimals of a clip's place on the map


@dataclass(frozen=True)
class Map:
    """One model's map.

    Attributes:
        clips: The clips on the map.
        projection: Their places.
        density: Density of the prior, (cells, cells), from 0 to 255.
        doubtful: Rows of doubtful clips, the worst first, each with the reason.
        table: Path, label and speaker of every recording, from which a corrected table is made.
        is_of_words: Whether the map separates words (a clip VAE); otherwise it separates speakers.
        voice: Digest of the voice file whose styles the latents are; None for runs.
    """

    clips: Clips
    projection: Projection
    density: NDArray[np.uint8]
    doubtful: tuple[tuple[int, str], ...] = ()
    table: tuple[tuple[str, str, str], ...] = ()
    is_of_words: bool = True
    voice: str | None = None


def write_explorer(path: Path, maps: Sequence[Map]) -> tuple[int, list[Sprite]]:
    """Write the page of one map, or of two side by side, whole or not at all.

    Returns:
        The size of the page in bytes, and the sounds of each map.

    Raises:
        FileError: The page cannot be written.
    """
    sprites = sprites_of(maps)
    page = explorer(maps, sprites).encode()
    files.write_atomically(path, page)
    return len(page), sprites


def sprites_of(maps: Sequence[Map]) -> list[Sprite]:
    """The sounds of each map, compressed so that the whole page stays within its size limit."""
    used = len(page_of([model_data(one) for one in maps]).encode())
    seconds = [sum(len(sound) / one.clips.rate for sound in one.clips.sounds) for one in maps]
    room = 0.93 * (MOST_BYTES - used) * 3 / 4 / max(sum(seconds), 1e-9)  # base64
    return [
        encode(one.clips.sounds, one.clips.rate, round(room * share))
        for one, share in zip(maps, seconds, strict=True)
    ]


def explorer(maps: Sequence[Map], sprites: Sequence[Sprite]) -> str:
    """The HTML of the page with these maps and their sounds."""
    data = [
        model_data(one)
        | {
            "rate": sprite.rate,
            "parts": [base64.b64encode(part).decode() for part in sprite.parts],
            "places": sprite.places,
        }
        for one, sprite in zip(maps, sprites, strict=True)
    ]
    return page_of(data)


def page_of(data: Sequence[dict[str, Any]]) -> str:
    """The HTML of the page with the data of its maps."""
    title = "Map of " + " and ".join(one["name"] for one in data)
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    parts = {
        "title": html.escape(title),
        "style": "\n".join((PAGE / name).read_text(encoding="utf-8") for name in STYLES),
        "maps": text.replace("<", "\\u003c"),
        "modules": bundle(PAGE, ENTRY),
        "entry": PREFIX + ENTRY,
    }
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], TEMPLATE)


def model_data(one: Map) -> dict[str, Any]:
    """A map in the format of the page's script, without its sounds."""
    clips, plane = one.clips, one.projection.plane
    low, high = one.projection.bounds
    places = (one.projection.places - low) / (high - low)
    found = {
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
        "table": one.table or None,
        "credit": clips.credit,
        "colour": "label" if one.is_of_words else "speaker",
        "rate": clips.rate,
        "parts": [],
        "places": [],
        "voice": one.voice,
    }
    if plane is not None:
        found["plane"] = {
            "centre": plane.centre.tolist(),
            "directions": plane.directions.tolist(),
            "low": low.tolist(),
            "span": float(high[0] - low[0]),
        }
        found["latents"] = packed(clips.latents)
    return found


def numbers(values: NDArray[np.float64], digits: int) -> list[float | None]:
    """Rounded values for JSON; None for those that are not finite."""
    return [round(float(value), digits) if np.isfinite(value) else None for value in values]
