"""Sound files and arrays of samples: read, write, resample, level, fade, join.

An array of samples is float32 of shape (T,), mono, with full scale at 1.0; rates are in Hz. Decoding
is the work of `decoding`, encoding that of libsndfile (through soundfile), resampling that of soxr.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, TypeVar

import numpy as np

from voxlet.errors import AudioError, FileError
from voxlet.files import atomic_file, descriptor_of, spooled, uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from voxlet.decoding.decoders import Decoder, Header


Samples = np.ndarray[Any, np.dtype[np.float32]]
Answer = TypeVar("Answer")

STDOUT = "-"
SPEECH_RMS = 0.08  # level of a clip in training, in classifiers' inputs and in speech: some -22 dB
MOST_SAMPLES = 2**26  # of all channels, that are decoded of a file: 23 minutes at 48 kHz in one channel
BLOCK_SAMPLES = 2**22  # of all channels, decoded at once
MOST_CHANNELS = 32
RATES = (1000, 768_000)  # Hz
MOST_FRAMES_A_BYTE = 8192  # no codec packs more: a block of Vorbis, or of silence in FLAC
WAV_SAMPLES = 2**31 - 2**16  # 16-bit samples that fit into the four gigabytes of a WAV file


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
            f"is too long: {length}, and of {header.channels} channels at {header.rate:,} Hz at most "
            f"{most:,.0f} are read",
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


def encode_wav(samples: Samples, rate: int, metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a 16-bit WAV file; `metadata` may have `title`, `software` and `comment`.

    Raises:
        AudioError: A sample is not a number.
    """
    buffer = io.BytesIO()
    _encode(buffer, [samples], rate, metadata)
    return buffer.getvalue()


class _Guarded(io.RawIOBase):
    """A file for libsndfile, whose callbacks cannot raise: the first error is kept until `check`.

    None may raise even where the file is closed: an interruption can leave libsndfile's end to a finaliser.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self.file = file
        self.error: Exception | None = None

    def check(self) -> None:
        """Raise what went wrong."""
        if self.error is not None:
            raise self.error

    def write(self, data: Any) -> int:
        """Write, or do as if."""
        if self.error is None:
            self._tried(lambda: self.file.write(data), 0)
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Read: libsndfile looks at what it has written."""
        return self._tried(lambda: self.file.read(size), b"")

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a position; what waits in the file's buffer is written first, which can fail."""
        return self._tried(lambda: self.file.seek(offset, whence), 0)

    def tell(self) -> int:
        """The position."""
        return self._tried(self.file.tell, 0)

    def _tried(self, action: Callable[[], Answer], otherwise: Answer) -> Answer:
        try:
            return action()
        except Exception as error:
            self.error = self.error or error
            return otherwise


def _encode(
    file: IO[bytes], pieces: Iterable[Samples], rate: int, metadata: Mapping[str, str] | None
) -> None:
    import soundfile

    guarded = _Guarded(file)
    try:
        with contextlib.ExitStack() as opened:
            with uninterrupted():
                sound = soundfile.SoundFile(guarded, "w", rate, 1, subtype="PCM_16", format="WAV")
                opened.callback(_close, sound)
            for key, value in (metadata or {}).items():
                setattr(sound, key, value)
            for piece in _checked(pieces, rate):
                with uninterrupted():
                    sound.write(np.clip(piece, -1.0, 32767 / 32768))
                guarded.check()
    except soundfile.SoundFileError:
        guarded.check()  # the cause, where there is one
        raise
    guarded.check()


@uninterrupted()
def _close(sound: Any) -> None:  # soundfile has no types
    sound.close()


def _checked(pieces: Iterable[Samples], rate: int) -> Iterator[Samples]:
    """The pieces, as long as they are numbers and fit into a WAV file."""
    count = 0
    for piece in pieces:
        if not np.isfinite(piece).all():
            raise AudioError("refusing to write samples that are not numbers")
        count += len(piece)
        if count > WAV_SAMPLES:
            raise AudioError(
                f"is longer than a WAV file can be ({WAV_SAMPLES / rate / 3600:.1f} hours)",
                remedy="write it in several parts",
            )
        yield piece


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The text fields that a sound file carries (`title`, `software`, `comment`, ...)."""
    import soundfile

    with soundfile.SoundFile(path) as file:
        return {key: value for key, value in file.copy_metadata().items() if value}


def write(
    path: str | os.PathLike[str], samples: Samples, rate: int, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a 16-bit WAV file that appears whole or not at all; `-` is standard output.

    Args:
        path: A file; symbolic links are followed. A pipe, a device or `/dev/stdout` gets the whole file once
            it is encoded.
        samples: Shape (T,); what lies beyond full scale is clipped.
        rate: In Hz.
        metadata: As in `encode_wav`.

    Raises:
        FileError: The folder is missing or cannot be written, or the reader of a pipe has gone.
        AudioError: A sample is not a number.

    >>> write("half.wav", np.full(8000, 0.5, np.float32), rate=8000)
    >>> sound = read("half.wav")
    >>> sound.samples.shape, sound.rate, rms(sound.samples)
    ((8000,), 8000, 0.5)
    """
    write_pieces(path, [samples], rate, metadata)


def write_pieces(
    path: str | os.PathLike[str],
    pieces: Iterable[Samples],
    rate: int,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write pieces laid end to end as `write` does, holding one of them in memory at a time.

    Raises:
        FileError: As `write`.
        AudioError: As `write`, or the pieces together are longer than a WAV file can be.
    """
    # The header states the length, so the first byte can only leave after the last sample is known.
    with standard_output() if is_standard_output(path) else atomic_file(path) as file:
        _encode(file, pieces, rate, metadata)


def is_standard_output(path: str | os.PathLike[str]) -> bool:
    """Whether a path is `-`, or stands for standard output as `/dev/stdout` does."""
    return os.fspath(path) == STDOUT or descriptor_of(path) == 1


@contextlib.contextmanager
def standard_output() -> Iterator[IO[bytes]]:
    """A file to write to, which goes to standard output as a whole when the block ends well.

    Raises:
        FileError: Standard output is closed or full.
        BrokenPipeError: Its reader has gone.
    """
    output = sys.stdout
    if output is None:
        raise FileError("is closed", where="standard output")

    def stream() -> contextlib.AbstractContextManager[IO[bytes]]:
        output.flush()
        try:  # by a duplicate: what cannot be written is not tried again when the interpreter ends
            return os.fdopen(os.dup(output.fileno()), "wb")
        except io.UnsupportedOperation:  # a stand-in, as in notebooks
            return contextlib.nullcontext(output.buffer)

    try:
        with spooled(stream) as file:
            yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise FileError(f"cannot be written ({error.strerror})", where="standard output") from error


def resample(samples: Samples, rate: int, new_rate: int) -> Samples:
    """Band-limited resampling along the last axis, (..., T) -> (..., T * new_rate / rate)."""
    if rate == new_rate:
        return samples
    import soxr  # only where it is needed: `voxlet say` has to start at once

    moved = np.moveaxis(samples, -1, 0)
    resampled: Samples = soxr.resample(moved, rate, new_rate, quality="HQ")
    return np.moveaxis(resampled, 0, -1).astype(np.float32)


def rms(samples: Samples) -> float:
    """Root mean square over all samples.

    >>> round(rms(np.float32([3, -4, 3, -4])), 4)
    3.5355
    """
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def level(
    samples: Samples, target_rms: float, peak: float = 0.99, *, loudness: float | None = None
) -> Samples:
    """Scale to a root mean square of `target_rms`, less where the peak would pass `peak`; silence stays.

    `loudness` is that of the samples which are to have it, of their speech, say; unless given, of all.
    """
    loudness = rms(samples) if loudness is None else loudness
    highest = float(np.abs(samples).max(initial=0.0))
    if loudness == 0.0 or highest == 0.0:
        return samples
    return samples * np.float32(min(target_rms / loudness, peak / highest))


def fade(samples: Samples, rate: int, seconds: float) -> Samples:
    """Raised-cosine fade in and out of `seconds` each, at most half the clip."""
    count = min(round(seconds * rate), len(samples) // 2)
    if count == 0:
        return samples
    ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / count)).astype(np.float32)
    faded = samples.copy()
    faded[:count] *= ramp
    faded[-count:] *= ramp[::-1]
    return faded


def silence(seconds: float, rate: int) -> Samples:
    """Zeros that last `seconds`."""
    return np.zeros(round(seconds * rate), dtype=np.float32)


def join(parts: Sequence[Samples], rate: int, gap: float) -> Samples:
    """Concatenate `parts` with `gap` seconds of silence between them.

    >>> join([np.ones(2, np.float32), np.ones(1, np.float32)], rate=1000, gap=0.002).tolist()
    [1.0, 1.0, 0.0, 0.0, 1.0]
    """
    pieces: list[Samples] = []
    for index, part in enumerate(parts):
        if index:
            pieces.append(silence(gap, rate))
        pieces.append(part)
    return np.concatenate(pieces) if pieces else silence(0, rate)
