"""A map as a folder that the page reads: places and names, sounds, and networks to decode any place.

FOLDER/map.json          everything but the sounds; see `model_data` in explorer.py
    clips-NN.opus        many clips each
    decoder.onnx, encoder.onnx   only of a clip VAE that is small enough
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet import files
from voxlet.recipes.opened import ClipRun

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.exploring.sprite import Sprite
    from voxlet.recipes.opened import Opened

FILE = "map.json"
MOST_NETWORK_BYTES = 32_000_000  # per network: larger ones delay the first sound too long
LARGEST = 32767  # of signed 16-bit integers


@dataclass(frozen=True)
class Decoding:
    """Networks that decode any place of a clip VAE's map in a browser.

    Attributes:
        decoder: The decoder as an ONNX file, see `ClipRun.networks`.
        encoder: The encoder as an ONNX file.
        settings: Settings of the model's spectrograms.
    """

    decoder: bytes
    encoder: bytes
    settings: Mapping[str, object]


def decoding_of(opened: Opened) -> Decoding | None:
    """Networks that decode a model's latents in a browser; None if that is not possible or too large."""
    if not isinstance(opened, ClipRun):
        return None
    config, speech = opened.config.spectrogram, opened.speech
    if config.n_fft & (config.n_fft - 1) or opened.parameters > 2 * MOST_NETWORK_BYTES:
        return None
    networks = opened.networks()
    if max(len(networks.decoder), len(networks.encoder)) > MOST_NETWORK_BYTES:
        return None
    settings = {
        "rate": config.rate,
        "n_fft": config.n_fft,
        "hop": config.hop,
        "range_db": config.range_db,
        "samples": speech.samples,
        "low": speech.low,
        "high": speech.high,
        "trim": opened.config.preparation.trim,
    }
    return Decoding(networks.decoder, networks.encoder, settings)


def packed(latents: NDArray[np.float64]) -> dict[str, Any]:
    """Latents (N, Z) as 16-bit integers in base64, and the scale to multiply them by."""
    scale = max(float(np.abs(latents).max(initial=0.0)), 1e-9) / LARGEST
    values = np.round(latents / scale).astype("<i2")
    return {"values": base64.b64encode(values.tobytes()).decode(), "scale": scale}


def write_map_folder(
    folder: Path, data: Mapping[str, Any], sprite: Sprite, decoding: Decoding | None
) -> None:
    """Write a map's folder, whole or not at all; an existing one is replaced.

    Args:
        folder: The folder, whose parent exists.
        data: The map without its sounds.
        sprite: The sounds.
        decoding: Networks that decode the map, if there are any.

    Raises:
        FileError: The folder cannot be written.
    """
    names = [f"clips-{number:02}.opus" for number in range(len(sprite.parts))]
    told = dict(data) | {"format": 1, "rate": sprite.rate, "parts": names, "places": sprite.places}
    contents = dict(zip(names, sprite.parts, strict=True))
    if decoding is not None:
        told["networks"] = {"decoder": "decoder.onnx", "encoder": "encoder.onnx", **decoding.settings}
        contents |= {"decoder.onnx": decoding.decoder, "encoder.onnx": decoding.encoder}
    text = json.dumps(told, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    with files.writing(folder), files.atomic_folder(folder) as building:
        for name, content in contents.items():
            (building / name).write_bytes(content)
        (building / FILE).write_text(text, encoding="utf-8")
