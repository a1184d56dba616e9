"""Decoders: libsndfile (through soundfile), and FFmpeg (through PyAV) for what libsndfile does not read.

The kind is detected by the first bytes. FFmpeg gets an open file and the kind, so that it neither guesses nor
opens other files that the file may refer to.
"""

from __future__ import annotations

import contextlib
import importlib.util
import shlex
import sys
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import PurePath
from typing import IO, TYPE_CHECKING, Any, Protocol

import numpy as np

from voxlet.decoding.chunks import RepairedWav, find_data
from voxlet.decoding.kinds import HEAD_BYTES, kind_of
from voxlet.errors import AudioError
from voxlet.extras import how_to_install
from voxlet.files import is_file
from voxlet.interrupts import uninterrupted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

UNKNOWN_FRAMES = 2**63 - 1  # libsndfile's value for a header without a length
UNTOLD_FRAMES = 2**16  # read at once from a file of unknown length
LENGTH_TOLD = ("mov", "matroska", "asf")  # kinds whose header states the length; for others it is an estimate
FFMPEG_ALONE = frozenset({"mov", "matroska", "amr", "asf", "wv", "ape", "tta", "aac"})
EXTRA = "formats"


class UnreadKindError(AudioError):
    """The sound file is of a kind that needs the extra `formats`, which is not installed."""


@dataclass(frozen=True)
class Header:
    """The header of a sound file.

    Attributes:
        format: The kind of file.
        rate: Sampling rate in Hz.
        channels: Number of channels.
        frames: Samples per channel; None if not stated.
        lacks: A description of claimed sound that is missing; empty if none is known to be missing.
    """

    format: str
    rate: int
    channels: int
    frames: int | None
    missing: str = ""


class Decoder(Protocol):
    """An open sound file."""

    header: Header

    def read(self, count: int) -> NDArray[np.float32]:
        """The next samples (n, channels), n at most `count`; n is 0 at the end."""
        ...


class Libsndfile:
    """A file decoded by libsndfile."""

    def __init__(self, file: Any) -> None:
        frames = int(file.frames)
        known = None if frames == UNKNOWN_FRAMES else frames
        self.header = Header(file.format, int(file.samplerate), int(file.channels), known)
        self.file = file
        self._left = known

    def read(self, count: int) -> NDArray[np.float32]:
        """See `Decoder`."""
        if self._left == 0:
            return np.zeros((0, self.header.channels), np.float32)
        # soundfile allocates memory for the whole count.
        count = min(count, UNTOLD_FRAMES if self._left is None else self._left)
        with uninterrupted():
            samples: NDArray[np.float32] = self.file.read(count, dtype="float32", always_2d=True)
        if self._left is not None:
            self._left -= len(samples)
        return samples


class Ffmpeg:
    """A file decoded by FFmpeg; of several audio streams, the first."""

    def __init__(self, container: Any, kind: str) -> None:
        from av.audio.resampler import AudioResampler

        stream = next(iter(container.streams.audio), None)
        if stream is None or stream.codec_context is None or not (stream.rate and stream.channels):
            raise ValueError("it holds no sound of a known kind")
        seconds = None
        if kind in LENGTH_TOLD and stream.duration is not None:
            seconds = float(stream.duration * stream.time_base)
        elif kind in LENGTH_TOLD and container.duration is not None:
            seconds = container.duration / 1e6
        frames = None if seconds is None or seconds < 0 else round(seconds * stream.rate)
        self.header = Header(kind, int(stream.rate), int(stream.channels), frames)
        resampler = AudioResampler(format="fltp")
        self._pieces = self._decode(container, stream, resampler)
        self._rest: NDArray[np.float32] = np.zeros((0, self.header.channels), np.float32)

    def read(self, count: int) -> NDArray[np.float32]:
        """See `Decoder`."""
        pieces, have = [self._rest], len(self._rest)
        while have < count and (piece := next(self._pieces, None)) is not None:
            pieces.append(piece)
            have += len(piece)
        samples = np.concatenate(pieces)
        self._rest = samples[count:]
        return samples[:count]

    def _decode(self, container: Any, stream: Any, resampler: Any) -> Iterator[NDArray[np.float32]]:
        """The decoded frames of a stream, each (n, channels)."""
        for frame in container.decode(stream):
            if frame.sample_rate != self.header.rate or frame.layout.nb_channels != self.header.channels:
                raise ValueError("rate or channels change within it")
            for same in resampler.resample(frame):
                yield same.to_ndarray().T.astype(np.float32)


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Decoder]:
    """Open a sound file; a decoder's errors become `AudioError`s while the block runs.

    Raises:
        UnreadKindError: The file needs the extra `formats`, which is not installed.
        AudioError: The file is missing, ends before its sound begins, or cannot be decoded.
    """
    if not is_file(path):
        raise AudioError("no such sound file", where=path)
    with _as_audio_errors(path), path.open("rb") as file:
        kind = kind_of(file.read(HEAD_BYTES))
        if kind in FFMPEG_ALONE:
            if not has_formats():
                raise UnreadKindError(
                    "is of a kind that needs FFmpeg", where=path, remedy=remedy_for(str(path))
                )
            with _ffmpeg(file, kind) as decoder:
                yield decoder
            return
        with contextlib.ExitStack() as stack:
            yield _libsndfile_first(path, file, kind, stack)


def _libsndfile_first(path: Path, file: IO[bytes], kind: str | None, stack: contextlib.ExitStack) -> Decoder:
    """A decoder by libsndfile or, if that fails, by FFmpeg if the kind is known and FFmpeg is installed."""
    try:
        data = find_data(file, path.stat().st_size)
    except EOFError as error:
        raise AudioError("is cut off: it ends before its sound begins", where=path) from error
    source = RepairedWav(file, data) if data is not None and data.needs_repair else path
    try:
        with uninterrupted():
            decoder = Libsndfile(stack.enter_context(_forward_only()(source)))
    except RuntimeError:  # soundfile's errors are RuntimeErrors
        if kind is None or not has_formats():
            raise
        failed = sys.exception()
        try:
            return stack.enter_context(_ffmpeg(file, kind))
        except _failures():  # then libsndfile's error is as good a reason
            raise failed from None  # type: ignore[misc]
    if data is not None and data.cut_off:
        lacks = f"it promises {data.claimed:,} bytes of sound and has {data.found:,}"
        decoder.header = replace(decoder.header, missing=lacks)
    return decoder


@lru_cache(maxsize=1)
def _forward_only() -> Any:
    import soundfile

    class Forward(soundfile.SoundFile):  # type: ignore[misc]
        """Never seeks: soundfile seeks after each block, which fails if a length is wrong."""

        def seekable(self) -> bool:
            """False, as for a pipe."""
            return False

    return Forward


@contextlib.contextmanager
def _ffmpeg(file: IO[bytes], kind: str) -> Iterator[Ffmpeg]:
    import av

    file.seek(0)
    with av.open(file, format=kind) as container:
        yield Ffmpeg(container, kind)


@contextlib.contextmanager
def _as_audio_errors(path: Path) -> Iterator[None]:
    """Turn the errors of decoders into `AudioError`s.

    Raises:
        AudioError: The file cannot be decoded.
    """
    try:
        yield
    except _failures() as error:
        reason = str(getattr(error, "error_string", None) or getattr(error, "strerror", None) or error)
        if "regular file" in reason:  # libsndfile's message for what its MP3 decoder cannot open
            reason = "not MP3"
        raise AudioError(
            f"cannot be decoded ({reason.rstrip('.')})",
            where=path,
            remedy="give a WAV, FLAC, OGG or MP3 file",
        ) from error


def _failures() -> tuple[type[Exception], ...]:
    """The error classes of both libraries, as far as they are loaded."""
    usual = (RuntimeError, TypeError, ValueError, EOFError, OSError)
    ffmpegs = getattr(sys.modules.get("av"), "FFmpegError", None)  # another thread may be loading it
    return usual if ffmpegs is None else (*usual, ffmpegs)


def has_formats() -> bool:
    """Whether the extra `formats` is installed."""
    return importlib.util.find_spec("av") is not None


def remedy_for(name: str) -> str:
    """Advice for a file of this name that needs the extra `formats`."""
    extra, old = how_to_install(EXTRA), file_argument(name)
    new = file_argument(PurePath(name).with_suffix(".wav").as_posix())
    return (
        f"{extra}, or replace it with what this makes: ffmpeg -i {old} NEW.wav"
        if name.lower().endswith(".wav")  # by name, but not by content
        else f"{extra}, or ffmpeg -i {old} {new}"
    )


def file_argument(name: str) -> str:
    """A file name, quoted for an FFmpeg command, which takes some names for options or URLs."""
    odd = name.startswith("-") or ":" in name.partition("/")[0]
    return shlex.quote(f"./{name}" if odd else name)
