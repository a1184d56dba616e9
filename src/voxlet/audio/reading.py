"""Read sound files as one channel, block by block, up to a maximum length."""

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

MOST_SAMPLES = 2**26  # most that are decoded of a file, all channels together: 23 minutes of mono at 48 kHz
BLOCK_SAMPLES = 2**22  # decoded at once, all channels together
MOST_CHANNELS = 32
RATES = (1000, 768_000)  # Hz
MOST_FRAMES_A_BYTE = 8192  # no codec packs more: a block of Vorbis, or of silence in FLAC


@dataclass(frozen=True)
class Sound:
    """Samples of shape (T,), their rate in Hz, and the channel that they are from.

    `channel` is empty if the file has one channel, or if the mean of all was taken.
    """

    samples: Samples
    rate: int
    channel: str = ""


class SoundFile:
    """An open sound file: its header, checked for plausibility, and its samples on demand."""

    def __init__(self, path: Path, decoder: Decoder) -> None:
        self.path = path
        self.header = _checked_header(path, decoder.header)
        self._decoder = decoder

    def read(self, seconds: float | None = None) -> Sound:
        """See `read`."""
        header = self.header
        if seconds is not None and not seconds > 0:  # NaN fails, too
            raise AudioError(f"{seconds!r} is not a number of seconds to read", where=self.path)
        seconds = None if seconds == np.inf else seconds
        most = MOST_SAMPLES // header.channels
        asked = most + 1 if seconds is None else min(round(seconds * header.rate), most)
        if seconds is None and header.frames is not None and header.frames > most:
            raise self._too_long(header.frames)
        # Channels are compared over a fixed time, so that the choice does not depend on how much is read.
        channel, samples = self._mixed(asked)
        if len(samples) > most:
            raise self._too_long(len(samples))
        if len(samples) == 0:
            raise AudioError("holds no samples", where=self.path)
        return Sound(samples, header.rate, channel)

    def _mixed(self, frames: int) -> tuple[str, Samples]:
        """The name of the channel that was chosen, and its first `frames` samples (T,)."""
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
        """The next `frames` samples of all channels, in blocks (n, channels)."""
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
        channels = f"{header.channels} channel{'s' if header.channels > 1 else ''}"
        return AudioError(
            f"is too long: {length}; with {channels} at {header.rate:,} Hz, at most "
            f"{most:,.0f} minutes are read",
            where=self.path,
            remedy="cut it into shorter files",
        )


def _joined(pieces: list[Samples], channels: int = 0) -> Samples:
    """Concatenated pieces; if there are none, an empty array (0,) or (0, channels)."""
    if len(pieces) == 1:
        return pieces[0]
    return np.concatenate(pieces) if pieces else np.zeros((0, channels) if channels else 0, np.float32)


def _checked_header(path: Path, header: Header) -> Header:
    """Return `header` if it is plausible and voxlet can read such a file.

    Raises:
        AudioError: It has too many channels, an odd rate, or more samples than the file's bytes can hold.
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
        AudioError: The file is missing, of an unknown format, has too many channels or an odd rate, or claims
            more samples than its bytes can hold.
    """
    from voxlet.decoding import decoders  # imported late, so that `voxlet say` starts at once

    with decoders.opened(Path(path)) as decoder:
        yield SoundFile(Path(path), decoder)


def read(path: str | os.PathLike[str], *, seconds: float | None = None) -> Sound:
    """Decode a sound file of any kind and bit depth to one channel.

    Several channels become their mean or, if they differ, the channel or difference of two that holds speech;
    see `decoding.channels`. The header is checked first, and samples are decoded block by block, so that no
    file takes more memory than the longest allowed one.

    Args:
        path: The file.
        seconds: Decode only so many from the beginning; the file may then be of any length.

    Raises:
        AudioError: As `opened`; or the file is empty, too long, cannot be decoded, or has values that are not
            finite.
    """
    with opened(path) as file:
        return file.read(seconds)


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The text fields that a sound file carries (`title`, `software`, `comment`, ...).

    Raises:
        AudioError: The file is missing, or libsndfile cannot read it.
    """
    import soundfile

    try:
        with soundfile.SoundFile(path) as file:
            return {key: value for key, value in file.copy_metadata().items() if value}
    except (OSError, soundfile.SoundFileError) as error:
        raise AudioError("is not a sound file with readable text fields", where=path) from error
