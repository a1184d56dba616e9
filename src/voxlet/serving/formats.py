"""Encoding audio piece by piece in each format, so that finished bytes can be sent before the rest is made.

At the end, encoders seek back and write lengths into the header. Here the header has been sent by then, so it
says that the length is unknown: a WAV header holds the largest possible sizes. The first frame of an MP3 of
constant bit rate holds nothing but such figures and is left out. A FLAC file is sent once it is complete:
readers take one of unknown length for endless. Every format but PCM is marked as synthetic.
"""

from __future__ import annotations

import functools
import io
import tempfile
from typing import TYPE_CHECKING, Any, Literal, Protocol

import numpy as np

from voxlet.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from voxlet.audio import Samples

RATE = 24_000  # Hz of every answer: what OpenAI's clients expect of PCM
Format = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
MEDIA_TYPES: dict[Format, str] = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "aac": "audio/aac",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
# libsndfile's names of format and subtype.
LIBSNDFILE: dict[Format, tuple[str, str]] = {
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "opus": ("OGG", "OPUS"),
    "flac": ("FLAC", "PCM_16"),
    "wav": ("WAV", "PCM_16"),
    "pcm": ("RAW", "PCM_16"),
}
AAC_BITS = 64_000  # per second
MP3_LEVEL = 0.5  # libsndfile's compression level, 0 to 1: 80,000 bits per second
UNKNOWN_LENGTH = b"\xff\xff\xff\xff"
IN_MEMORY = 2**20  # bytes of a FLAC file kept in memory; a larger one is kept on disk
PIECE = 2**16  # bytes of a FLAC file sent at once


class Encoder(Protocol):
    """Turns samples (T,) at `RATE` into the bytes of a format."""

    def add(self, samples: Samples) -> bytes:
        """Encode samples and return the bytes that can be sent now."""

    def end(self) -> Iterator[bytes]:
        """Finish the file and yield the remaining bytes."""


def open_encoder(form: Format, metadata: Mapping[str, str]) -> Encoder:
    """The encoder for a format; `metadata` is what `speech.wav_metadata` returns.

    Raises:
        MissingExtraError: The format is AAC, and the extra `formats` is not installed.
    """
    if form == "aac":
        return AacEncoder(metadata)
    return FlacEncoder(metadata) if form == "flac" else SoundFileEncoder(form, metadata)


def encode(pieces: Iterator[Samples], encoder: Encoder) -> Iterator[bytes]:
    """Encode the pieces as one sound: yield what can be sent after each, perhaps nothing, then the rest."""
    for samples in pieces:
        yield encoder.add(samples)
    yield from encoder.end()


class _Outlet(io.RawIOBase):
    """A write-only file whose bytes are taken once; later writes over taken bytes are dropped."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting = bytearray()
        self._taken = self._position = 0

    def writable(self) -> bool:
        """Whether bytes can be written: yes."""
        return True

    def seekable(self) -> bool:
        """Whether the position can be set: yes, although taken bytes do not change."""
        return True

    def write(self, data: Any) -> int:
        """Keep the part of `data` that lies after the taken bytes; return the length of `data`."""
        data = bytes(data)
        start = self._position - self._taken
        kept = data[max(0, -start) :]
        start = max(0, start)
        self._waiting[start : start + len(kept)] = kept
        self._position += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Set the position and return it."""
        bases = (0, self._position, self._taken + len(self._waiting))
        self._position = bases[whence] + offset
        return self._position

    def tell(self) -> int:
        """The position."""
        return self._position

    def read(self, _size: int = -1) -> bytes:
        """No bytes: what has been sent cannot be read again."""
        return b""

    def take(self) -> bytes:
        """Take all bytes that have been written and not taken yet."""
        done = bytes(self._waiting)
        self._taken += len(done)
        self._waiting.clear()
        return done


def _open(file: Any, form: Format, metadata: Mapping[str, str]) -> Any:  # soundfile has no types
    import soundfile

    kind, subtype = LIBSNDFILE[form]
    constant = {"bitrate_mode": "CONSTANT", "compression_level": MP3_LEVEL} if form == "mp3" else {}
    sound = soundfile.SoundFile(file, "w", RATE, 1, subtype=subtype, format=kind, endian="FILE", **constant)
    if form != "pcm":
        for key, value in metadata.items():
            setattr(sound, key, value)
    return sound


def _clipped(samples: Samples) -> Samples:
    return np.clip(samples, -1.0, 32767 / 32768)


class SoundFileEncoder:
    """An encoder for the formats that libsndfile writes front to back."""

    def __init__(self, form: Format, metadata: Mapping[str, str]) -> None:
        self._form, self._begun = form, False
        self._outlet = _Outlet()
        self._sound = _open(self._outlet, form, metadata)

    def add(self, samples: Samples) -> bytes:
        """See `Encoder.add`."""
        self._sound.write(_clipped(samples))
        return self._checked(self._outlet.take())

    def end(self) -> Iterator[bytes]:
        """See `Encoder.end`."""
        self._sound.close()
        yield self._checked(self._outlet.take())

    def _checked(self, data: bytes) -> bytes:
        """The bytes without figures that are known only at the end, or without Ogg's random stream number."""
        if self._form == "opus":
            return _of_one_stream(data)
        if self._begun or not data:
            return data
        self._begun = True
        if self._form == "mp3":
            return _without_first_frame(data)
        return _of_unknown_length(data) if self._form == "wav" else data


class FlacEncoder:
    """An encoder for FLAC, which is kept in a temporary file until it is complete."""

    def __init__(self, metadata: Mapping[str, str]) -> None:
        self._file = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  # `end` closes it
        self._sound = _open(self._file, "flac", metadata)

    def add(self, samples: Samples) -> bytes:
        """Encode samples; no bytes can be sent yet."""
        self._sound.write(_clipped(samples))
        return b""

    def end(self) -> Iterator[bytes]:
        """Finish the file and yield all of its bytes."""
        self._sound.close()
        with self._file as file:
            file.seek(0)
            while piece := file.read(PIECE):
                yield piece


def _without_first_frame(data: bytes) -> bytes:
    """The start of an MP3 without the frame after its tag, whose figures are zeros until the end is known."""
    start = 0
    if data[:3] == b"ID3":
        start = 10 + sum(byte << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    second = data.find(data[start : start + 2], start + 2)
    return data[:start] + (data[second:] if second > 0 else b"")


def _of_unknown_length(data: bytes) -> bytes:
    """The start of a WAV file, with both of its sizes marked as unknown."""
    sizes = data.index(b"data") + 4
    return data[:4] + UNKNOWN_LENGTH + data[8:sizes] + UNKNOWN_LENGTH + data[sizes + 4 :]


def _of_one_stream(pages: bytes) -> bytes:
    """Whole Ogg pages with stream number 0, not a random one, so that equal sounds have equal bytes."""
    done, start = bytearray(pages), 0
    while start < len(done):
        segments = done[start + 26]
        body = start + 27 + segments
        end = body + sum(done[start + 27 : body])
        done[start + 14 : start + 18] = done[start + 22 : start + 26] = bytes(4)  # stream number, checksum
        done[start + 22 : start + 26] = _ogg_checksum(done[start:end]).to_bytes(4, "little")
        start = end
    return bytes(done)


def _ogg_checksum(page: bytes | bytearray) -> int:
    """The CRC-32 of an Ogg page, most significant bit first and starting from 0 (RFC 3533)."""
    table, found = _crc_table(), 0
    for byte in page:
        found = (found << 8 & 0xFFFFFFFF) ^ table[found >> 24 ^ byte]
    return found


@functools.cache
def _crc_table() -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = value << 1 & 0xFFFFFFFF ^ (0x04C11DB7 if value & 0x80000000 else 0)
        return value

    return tuple(entry(byte << 24) for byte in range(256))


class AacEncoder:
    """An encoder for AAC in ADTS frames after an ID3 tag, by FFmpeg (the package `av`)."""

    def __init__(self, metadata: Mapping[str, str]) -> None:
        av = import_extra("av", "formats")
        self._av, self._outlet = av, _Outlet()
        self._file = av.open(self._outlet, "w", format="adts", options={"write_id3v2": "1"})
        self._file.metadata.update(metadata)
        self._stream = self._file.add_stream("aac", rate=RATE, layout="mono", bit_rate=AAC_BITS)
        self._frames = av.AudioFifo()

    def add(self, samples: Samples) -> bytes:
        """See `Encoder.add`."""
        frame = self._av.AudioFrame.from_ndarray(
            np.clip(samples, -1.0, 1.0)[None], format="fltp", layout="mono"
        )
        frame.sample_rate = RATE
        self._frames.write(frame)
        for whole in self._frames.read_many(self._stream.codec_context.frame_size or 1024):
            self._mux(whole)
        return self._outlet.take()

    def end(self) -> Iterator[bytes]:
        """See `Encoder.end`."""
        if (rest := self._frames.read(0, partial=True)) is not None:
            self._mux(rest)
        self._mux(None)
        self._file.close()
        yield self._outlet.take()

    def _mux(self, frame: Any) -> None:
        if frame is not None:
            frame.pts = None
        for packet in self._stream.encode(frame):
            self._file.mux(packet)
