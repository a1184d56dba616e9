"""Write 16-bit WAV files, whole or not at all, and to standard output."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import IO, TYPE_CHECKING, Any, TypeVar

import numpy as np

from voxlet.audio.reading import RATES
from voxlet.errors import AudioError, FileError
from voxlet.files import atomic_file, descriptor_of, spooled
from voxlet.interrupts import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from voxlet.audio.samples import Samples

Answer = TypeVar("Answer")

STDOUT = "-"
WAV_SAMPLES = 2**31 - 2**16  # 16-bit samples that fit into the four gigabytes of a WAV file


def encode_wav(samples: Samples, rate: int, metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a 16-bit WAV file; `metadata` may have `title`, `software` and `comment`.

    Raises:
        AudioError: `samples` is not an array of finite samples, or the rate is invalid.
    """
    buffer = io.BytesIO()
    _encode(buffer, [samples], rate, metadata)
    return buffer.getvalue()


class _Guarded(io.RawIOBase):
    """A file for libsndfile, whose callbacks cannot raise: the first error is kept until `check`.

    Not even a closed file may raise, because an interruption can leave the end of libsndfile to a finaliser.
    """

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__()
        self.file = file
        self.error: Exception | None = None

    def check(self) -> None:
        """Raise the first error, if there was one."""
        if self.error is not None:
            raise self.error

    def write(self, data: Any) -> int:
        """Write the data, or only pretend to after an error."""
        if self.error is None:
            self._tried(lambda: self.file.write(data), 0)
        return len(data)

    def read(self, size: int = -1) -> bytes:
        """Read, because libsndfile looks at what it has written."""
        return self._tried(lambda: self.file.read(size), b"")

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move to a position; this first writes the file's buffer, which can fail."""
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

    if isinstance(rate, bool) or not isinstance(rate, int | np.integer) or not RATES[0] <= rate <= RATES[1]:
        raise AudioError(f"{rate!r} is not a sampling rate", remedy=f"give {RATES[0]} to {RATES[1]} Hz")
    guarded = _Guarded(file)
    try:
        with contextlib.ExitStack() as opened:
            with uninterrupted():
                sound = soundfile.SoundFile(guarded, "w", int(rate), 1, subtype="PCM_16", format="WAV")
                opened.callback(_close, sound)
            for key, value in (metadata or {}).items():
                setattr(sound, key, value)
            for piece in _checked(pieces, rate):
                with uninterrupted():
                    sound.write(np.clip(piece.astype(np.float32, copy=False), -1.0, 32767 / 32768))
                guarded.check()
    except soundfile.SoundFileError:
        guarded.check()  # the cause, where there is one
        raise
    guarded.check()


@uninterrupted()
def _close(sound: Any) -> None:  # soundfile has no types
    sound.close()


def _checked(pieces: Iterable[Samples], rate: int) -> Iterator[Samples]:
    """The pieces, after a check that they are finite samples and fit into a WAV file."""
    count = 0
    for piece in pieces:
        if not isinstance(piece, np.ndarray) or piece.ndim != 1 or piece.dtype.kind != "f":
            shown = f"{piece.dtype} {piece.shape}" if isinstance(piece, np.ndarray) else type(piece).__name__
            raise AudioError(
                f"refusing to write {shown} as a sound",
                remedy="give floats (T,) with full scale at 1: samples of 16 bits divided by 32768",
            )
        if not np.isfinite(piece).all():
            raise AudioError("refusing to write samples that are not numbers")
        count += len(piece)
        if count > WAV_SAMPLES:
            raise AudioError(
                f"is longer than a WAV file can be ({WAV_SAMPLES / rate / 3600:.1f} hours)",
                remedy="write it in several parts",
            )
        yield piece


def write(
    path: str | os.PathLike[str], samples: Samples, rate: int, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a 16-bit WAV file that appears whole or not at all; `-` is standard output.

    Args:
        path: A file; symbolic links are followed. A pipe, a device or `/dev/stdout` gets the whole file once
            it is encoded.
        samples: Samples (T,); values beyond full scale are clipped.
        rate: Sampling rate in Hz.
        metadata: As in `encode_wav`.

    Raises:
        FileError: The folder is missing or cannot be written, or the reader of a pipe has gone.
        AudioError: `samples` is not an array of finite samples, or the rate is invalid.

    >>> from voxlet import audio
    >>> audio.write("half.wav", np.full(8000, 0.5, np.float32), rate=8000)
    >>> sound = audio.read("half.wav")
    >>> sound.samples.shape, sound.rate, audio.rms(sound.samples)
    ((8000,), 8000, 0.5)
    """
    write_pieces(path, [samples], rate, metadata)


def write_pieces(
    path: str | os.PathLike[str],
    pieces: Iterable[Samples],
    rate: int,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write the concatenation of pieces as `write` does, with only one piece in memory at a time.

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
    """A file to write to, whose whole content goes to standard output when the block ends without an error.

    Raises:
        FileError: Standard output is closed or full.
        BrokenPipeError: Its reader has gone.
    """
    output = sys.stdout
    if output is None:
        raise FileError("is closed", where="standard output")

    def stream() -> contextlib.AbstractContextManager[IO[bytes]]:
        output.flush()
        try:  # a duplicate, so that the interpreter does not retry a failed write when it exits
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
