"""Pack many clips into a few Opus files with offsets, as the page plays them. Shapes: T samples."""

from __future__ import annotations

import io
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio
from voxlet.interrupts import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.audio import Samples

RATES = (8000, 12000, 16000, 24000, 48000)  # Hz: the sampling rates of Opus
BITS = (8_000, 32_000)  # per second: below, words are unintelligible; above, nothing is gained
CODEC_BITS = (6_000, 256_000)  # per second, at libsndfile's compression levels 1 and 0
PART_SECONDS = 45.0  # per file, which is decoded as a whole, in a tenth of a second
GAP = 0.03  # seconds of silence between clips, so that none leaks into the next
LEAD = 0.01  # seconds of silence before the first clip
MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Sprite:
    """Clips in Opus files.

    Attributes:
        rate: Sampling rate of the files in Hz.
        parts: The files.
        places: For each clip, the index of its file, and its start and length in seconds.
    """

    rate: int
    parts: tuple[bytes, ...]
    places: tuple[tuple[int, float, float], ...]

    @property
    def size(self) -> int:
        """Size of all files together in bytes."""
        return sum(map(len, self.parts))


def encode(sounds: Sequence[Samples], rate: int, most_bytes: int) -> Sprite:
    """Encode clips, each (T,) at `rate` Hz, in about `most_bytes` at most, or else at the lowest bit rate."""
    own = next((known for known in RATES if known >= rate), RATES[-1])
    waiting: list[list[Samples]] = [[audio.silence(LEAD, own)]]
    places, reached = [], LEAD
    for sound in sounds:
        clip = audio.resample(sound, rate, own)
        if reached + len(clip) / own > PART_SECONDS and len(waiting[-1]) > 1:
            waiting.append([audio.silence(LEAD, own)])
            reached = LEAD
        places.append((len(waiting) - 1, round(reached, 4), round(len(clip) / own, 4)))
        pieces = [clip, audio.silence(GAP, own)]
        waiting[-1] += pieces
        reached += sum(map(len, pieces)) / own
    seconds = sum(len(piece) for part in waiting for piece in part) / own
    bits = float(np.clip(8 * most_bytes / max(seconds, 1.0), *BITS))
    parts = tuple(opus(np.concatenate(part), own, bits) for part in waiting)
    return Sprite(own, parts, tuple(places))


def opus(samples: Samples, rate: int, bits: float) -> bytes:
    """Samples (T,) as an Opus file with about `bits` bits per second."""
    import soundfile

    buffer = io.BytesIO()
    level = (CODEC_BITS[1] - bits) / (CODEC_BITS[1] - CODEC_BITS[0])
    with uninterrupted():
        soundfile.write(
            buffer, np.clip(samples, -1, 1), rate, format="OGG", subtype="OPUS", compression_level=level
        )
    return with_serial_zero(buffer.getvalue())


def with_serial_zero(file: bytes) -> bytes:
    """An Ogg file with the stream's random serial number set to 0: same samples, same bytes.

    A page (RFC 3533) has this number at byte 14, a checksum at 22, the lengths of its segments from 27 on.
    """
    pages, at = bytearray(file), 0
    while at < len(pages):
        count = pages[at + 26]
        end = at + 27 + count + sum(pages[at + 27 : at + 27 + count])
        pages[at + 14 : at + 18] = pages[at + 22 : at + 26] = bytes(4)
        pages[at + 22 : at + 26] = checksum(bytes(pages[at:end])).to_bytes(4, "little")
        at = end
    return bytes(pages)


def checksum(page: bytes) -> int:
    """The checksum of an Ogg page: zlib's CRC-32 with the order of all bits reversed and no inversion."""
    plain = zlib.crc32(page.translate(MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{plain:032b}"[::-1], 2)
