"""Sound files read: one channel of several, a block at a time, and never more than a file may hold."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxlet.audio.samples import Samples
from voxlet.errors import AudioError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from voxlet.decoding.decoders import Decoder, Header

MOST_SAMPLES = 2**26  # of all channels, that are decoded of a file: 23 minutes at 48 kHz in one channel
BLOCK_SAMPLES = 2**22  # of all channels, decoded at once
MOST_CHANNELS = 32
RATES = (1000, 768_000)  # Hz
MOST_FRAMES_A_BYTE = 8192  # no codec packs more: a block of Vorbis, or of silence in FLAC


@dataclass(frozen=True)
class Sound:
    """Samples of shape (T,), their rate in Hz, and which of several channels they are.

    `channel` is empty where there was one, or the mean of all was taken.
    """

    samples: Samples
    rate: int
    channel: str = ""


class SoundFile:
    """An open sound file: its header, which can be true, and its samples when they are asked for."""

    def __init__(self, path: Path, decoder: Decoder) -> None:
        self.path = path
        self.header = _checked_header(path, decoder.header)
        self._decoder = decoder

    def read(self, seconds: float | None = None) -> Sound:
        """See `read`."""
        header = self.header
        if seconds is not None and not seconds > 0:  # not a number fails, too
            raise AudioError(f"{seconds!r} is not a number of seconds to read", where=self.path)
        seconds = None if seconds == np.inf else seconds
        most = MOST_SAMPLES // header.channels
        asked = most + 1 if seconds is None else min(round(seconds * header.rate), most)
        if seconds is None and header.frames is not None and header.frames > most:
            raise self._too_long(header.frames)
        # Of several channels, those are compared for as long that it does not matter how much was asked for.
        channel, samples = self._mixed(asked)
        if len(samples) > most:
            raise self._too_long(len(samples))
        if len(samples) == 0:
            raise AudioError("holds no samples", where=self.path)
        return Sound(samples, header.rate, channel)

    def _mixed(self, frames: int) -> tuple[str, Samples]:
        """The first `frames` as one channel, (T,), and which that is."""
        header = self.header
        if header.channels == 1:
            blocks = list(self._blocks(frames))
            return "", _joined([block[:, 0] for block in blocks])
        from voxlet.decoding.channels import HEARD_SECONDS, choose

        heard = min(round(HEARD_SECONDS * header.rate), MOST_SAMPLES // header.channels)
        beginning = _joined(list(self._blocks(heard)), header.channels)
        choice = choose(beginning, header.rate)
        pieces = [choice.of(beginning)[:frames]]
        del beginning
        pieces += [choice.of(block) for block in self._blocks(frames - heard)]
        return choice.name, _joined(pieces)

    def _blocks(self, frames: int) -> Iterator[Samples]:
        """The next `frames`, block by block, (n, channels)."""
        block = max(1, BLOCK_SAMPLES // self.header.channels)
        while frames > 0:
            samples = self._decoder.read(min(frames, block))
            if len(samples) == 0:  # fewer than the header claims
                return
            if not np.isfinite(samples).all():
                raise AudioError("holds samples that are not numbers (NaN or infinity)", where=self.path)
            frames -= len(samples)
            yield samples

    def _too_long(self, frames: int) -> AudioError:
        header = self.header
        minutes, most = frames / header.rate / 60, MOST_SAMPLES / header.channels / header.rate / 60
        length = f"{minutes:,.0f} minutes" if header.frames is not None else f"more than {most:,.0f} minutes"
        return AudioError(
            f"is too long: {length}; with {header.channels} channels at {header.rate:,} Hz, at most "
            f"{most:,.0f} minutes are read",
            where=self.path,
            remedy="cut it into shorter files",
        )


def _joined(pieces: list[Samples], channels: int = 0) -> Samples:
    """Pieces laid end to end; of none, an empty one, (0,) or (0, channels)."""
    if len(pieces) == 1:
        return pieces[0]
    return np.concatenate(pieces) if pieces else np.zeros((0, channels) if channels else 0, np.float32)


def _checked_header(path: Path, header: Header) -> Header:
    """A header, if it can be true and is one that voxlet reads.

    Raises:
        AudioError: Too many channels, an odd rate, or more samples than so many bytes can hold.
    """
    if not 1 <= header.channels <= MOST_CHANNELS:
        raise AudioError(
            f"has {header.channels:,} channels, and at most {MOST_CHANNELS} are read", where=path
        )
    if not RATES[0] <= header.rate <= RATES[1]:
        raise AudioError(
            f"has a rate of {header.rate:,} Hz, outside {RATES[0]:,} to {RATES[1]:,}", where=path
        )
    size = path.stat().st_size
    if header.frames is not None and header.frames > size * MOST_FRAMES_A_BYTE:
        raise AudioError(f"is damaged: it claims {header.frames:,} samples in {size:,} bytes", where=path)
    return header


@contextlib.contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[SoundFile]:
    """Open a sound file of any kind: what libsndfile reads, and with the extra `formats` what FFmpeg reads.

    Raises:
        AudioError: The file is missing, of no known format, of too many channels or an odd rate, or claims
            more than so many bytes can hold.
    """
    from voxlet.decoding import decoders  # only where it is needed: `voxlet say` has to start at once

    with decoders.opened(Path(path)) as decoder:
        yield SoundFile(Path(path), decoder)


def read(path: str | os.PathLike[str], *, seconds: float | None = None) -> Sound:
    """Decode a sound file of any kind and bit depth, and make one channel of several.

    That is the mean of all, or where these differ the channel, or the difference of two, that holds speech;
    see `decoding.channels`. The header is looked at first, and samples are decoded a block at a time: no file
    takes more memory than the longest that may be read.

    Args:
        path: The file.
        seconds: Only so many are decoded, from the beginning; the file may then be of any length.

    Raises:
        AudioError: As `opened`; or the file is empty, too long, cannot be decoded, or holds values that are
            not numbers.
    """
    with opened(path) as file:
        return file.read(seconds)


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The text fields that a sound file carries (`title`, `software`, `comment`, ...).

    Raises:
        AudioError: It is missing, or none that libsndfile reads.
    """
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            return {key: value for key, value in file.copy_metadata().items() if value}
    except (OSError, soundfile.SoundFileError) as error:
        raise AudioError("is not a sound file with readable text fields", where=path) from error
