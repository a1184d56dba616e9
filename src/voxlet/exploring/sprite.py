"""Many clips as a few Opus files with offsets, as a page plays them. Shapes: T samples."""

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

RATES = (8000, 12000, 16000, 24000, 48000)  # Hz: those that Opus has
BITS = (8_000, 32_000)  # a second: below, words are not understood; above, nothing is gained
CODEC_BITS = (6_000, 256_000)  # what libsndfile's compression levels 1 and 0 stand for
PART_SECONDS = 45.0  # of a file: decoded at once, in a tenth of a second
GAP = 0.03  # seconds of silence between clips, so that none is heard in another
LEAD = 0.01  # seconds before the first
MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


@dataclass(frozen=True)
class Sprite:
    """Clips in Opus files.

    Attributes:
        rate: Hz, of the files.
        parts: The files.
        places: Of each clip, the number of its file, where it starts and how long it lasts, in seconds.
    """

    rate: int
    parts: tuple[bytes, ...]
    places: tuple[tuple[int, float, float], ...]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(map(len, self.parts))


def encode(sounds: Sequence[Samples], rate: int, most_bytes: int) -> Sprite:
    """Encode clips, each (T,) at `rate` Hz, in about `most_bytes` at most, or at the lowest rate of bits."""
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
    """Samples (T,) as an Opus file of about so many bits a second."""
    import soundfile

    buffer = io.BytesIO()
    level = (CODEC_BITS[1] - bits) / (CODEC_BITS[1] - CODEC_BITS[0])
    with uninterrupted():
        soundfile.write(
            buffer, np.clip(samples, -1, 1), rate, format="OGG", subtype="OPUS", compression_level=level
        )
    return numbered(buffer.getvalue())


def numbered(file: bytes) -> bytes:
    """An Ogg file whose stream has the number 0, not one that is drawn by chance: same samples, same bytes.

    A page (RFC 3533) has the number at byte 14, a checksum at 22, the lengths of its segments from 27 on.
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
    """The checksum of an Ogg page: zlib's with all bits in the other order, and nothing inverted."""
    plain = zlib.crc32(page.translate(MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{plain:032b}"[::-1], 2)
