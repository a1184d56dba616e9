"""A clip as the bytes of a sound file that is marked as synthetic."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import numpy as np

from voxlet.interrupts import uninterrupted
from voxlet.version import __version__

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlet.audio import Samples


def encode(samples: Samples, rate: int, kind: str, facts: Mapping[str, object]) -> bytes:
    """Encode samples (T,) as a 16-bit `wav` or `flac` file, with the facts in its comment."""
    import soundfile

    buffer = io.BytesIO()
    pcm, form = "PCM_16", kind.upper()
    with uninterrupted(), soundfile.SoundFile(buffer, "w", rate, 1, subtype=pcm, format=form) as sound:
        sound.software = f"voxlet {__version__}"
        sound.comment = json.dumps(facts)
        sound.write(np.clip(samples, -1.0, 32767 / 32768))
    return buffer.getvalue()


def decode(data: bytes) -> tuple[Samples, int, dict[str, object]]:
    """Decode a file that `encode` made: samples (T,), rate in Hz, and the facts.

    Raises:
        ValueError: The data is not such a file.
    """
    import soundfile

    try:
        with uninterrupted(), soundfile.SoundFile(io.BytesIO(data)) as sound:
            samples, rate, comment = sound.read(dtype="float32"), sound.samplerate, sound.comment
    except soundfile.SoundFileError as error:
        raise ValueError(str(error)) from error
    try:
        facts = json.loads(comment)
    except RecursionError as error:
        raise ValueError("its comment is nested too deeply") from error
    if not isinstance(facts, dict):
        raise ValueError("its comment is not a JSON object")
    return samples, rate, facts
