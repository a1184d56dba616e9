"""Sound files and arrays of samples: read, write, resample, trim, level, fade, join.

An array of samples is float32 of shape (T,), mono, with full scale at 1.0; rates are in Hz. Decoding and
encoding is libsndfile's work (through soundfile), resampling is the SoX resampler's (through soxr).
"""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from voxlet.errors import AudioError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

Samples = np.ndarray[Any, np.dtype[np.float32]]

STDOUT = "-"
WAV_SAMPLES = 2**31 - 2**16  # 16-bit samples that fit into the four gigabytes of a WAV file
SILENCE_DB = -40.0  # relative to the clip's loudest frame
FRAME_SECONDS = 0.010  # resolution at which levels are measured
RUMBLE_HZ, VOWEL_HZ = 120.0, 500.0  # below these lie hum and breath; most of a vowel's energy
FLOOR_FRAMES = 5  # the quietest stretch of this many frames shows the noise floor
ABOVE_FLOOR_DB = 8.0  # what is louder than the floor by this is speech
FLOOR_AT_MOST_DB = -22.0  # relative to the loudest frame: a higher floor is speech itself
CLOSURE_FRAMES = 15  # the longest silence inside a word


@dataclass(frozen=True)
class Sound:
    """Samples of shape (T,) and their rate in Hz."""

    samples: Samples
    rate: int


def read(path: str | os.PathLike[str]) -> Sound:
    """Decode a sound file (WAV, FLAC, OGG, MP3; any rate and bit depth) and average its channels.

    Raises:
        AudioError: The file is missing, cannot be decoded, is empty, or holds values that are not numbers.
    """
    import soundfile

    path = Path(path)
    if not path.is_file():
        raise AudioError("no such sound file", where=path)
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as error:
        raise AudioError(
            f"cannot be decoded ({error})", where=path, remedy="give a WAV, FLAC, OGG or MP3 file"
        ) from error
    if samples.shape[0] == 0:
        raise AudioError("holds no samples", where=path)
    if not np.isfinite(samples).all():
        raise AudioError("holds samples that are not numbers (NaN or infinity)", where=path)
    return Sound(samples.mean(axis=1, dtype=np.float32), int(rate))


def encode_wav(samples: Samples, rate: int, metadata: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a 16-bit WAV file; `metadata` may have `title`, `software` and `comment`.

    Raises:
        AudioError: A sample is not a number.
    """
    buffer = io.BytesIO()
    _encode(buffer, [samples], rate, metadata)
    return buffer.getvalue()


def _encode(
    file: IO[bytes], pieces: Iterable[Samples], rate: int, metadata: Mapping[str, str] | None
) -> None:
    import soundfile

    count = 0
    with soundfile.SoundFile(file, "w", samplerate=rate, channels=1, subtype="PCM_16", format="WAV") as sound:
        for key, value in (metadata or {}).items():
            setattr(sound, key, value)
        for piece in pieces:
            if not np.isfinite(piece).all():
                raise AudioError("refusing to write samples that are not numbers")
            count += len(piece)
            if count > WAV_SAMPLES:
                raise AudioError(
                    f"is longer than a WAV file can be ({WAV_SAMPLES / rate / 3600:.1f} hours)",
                    remedy="write it in several parts",
                )
            sound.write(np.clip(piece, -1.0, 32767 / 32768))


def read_metadata(path: str | os.PathLike[str]) -> dict[str, str]:
    """The text fields that a sound file carries (`title`, `software`, `comment`, ...)."""
    import soundfile

    with soundfile.SoundFile(path) as file:
        return {key: value for key, value in file.copy_metadata().items() if value}


def write(
    path: str | os.PathLike[str], samples: Samples, rate: int, metadata: Mapping[str, str] | None = None
) -> None:
    """Write a 16-bit WAV file that appears whole or not at all; `-` is standard output.

    Raises:
        AudioError: The folder is missing or cannot be written, or a sample is not a number.
    """
    data = encode_wav(samples, rate, metadata)
    if os.fspath(path) == STDOUT:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
        return
    write_atomically(path, data)


def write_pieces(
    path: str | os.PathLike[str],
    pieces: Iterable[Samples],
    rate: int,
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write pieces laid end to end as `write` does, holding one of them in memory at a time.

    Raises:
        AudioError: As `write`, or the pieces together are longer than a WAV file can be.
    """
    if os.fspath(path) == STDOUT:
        # The header states the length, so the first byte can only leave after the last sample is known.
        with tempfile.TemporaryFile() as file:
            _encode(file, pieces, rate, metadata)
            file.seek(0)
            shutil.copyfileobj(file, sys.stdout.buffer)
        sys.stdout.buffer.flush()
        return
    with appearing(path) as file:
        _encode(file, pieces, rate, metadata)


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make a folder for files, unless it is there, and those above it.

    Raises:
        AudioError: It cannot be made.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise AudioError(f"the folder cannot be made ({error.strerror})", where=folder) from error
    return folder


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write `data` so that the file appears whole or not at all, even when the power fails.

    Raises:
        AudioError: The folder is missing, full or not writable.
    """
    with appearing(path) as file:
        file.write(data)


@contextlib.contextmanager
def appearing(path: str | os.PathLike[str]) -> Iterator[IO[bytes]]:
    """A file to write to that takes its place at `path` when the block ends, and vanishes if it fails.

    Raises:
        AudioError: The folder is missing, full or not writable.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            with path.open("wb") as device:  # /dev/null or a pipe is written to, not replaced
                yield device
            return
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
        try:
            with os.fdopen(handle, "w+b") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).chmod(0o644)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise AudioError(
            f"cannot be written ({error.strerror})", where=path, remedy="check the folder and its free space"
        ) from error


def resample(samples: Samples, rate: int, new_rate: int) -> Samples:
    """Band-limited resampling along the last axis, (..., T) -> (..., T * new_rate / rate)."""
    import soxr

    if rate == new_rate:
        return samples
    moved = np.moveaxis(samples, -1, 0)
    resampled: Samples = soxr.resample(moved, rate, new_rate, quality="HQ")
    return np.moveaxis(resampled, 0, -1).astype(np.float32)


def frame_levels(samples: Samples, rate: int) -> NDArray[np.float64]:
    """Level of each 10 ms frame in dB re full scale, shape (F,); the last frame may be shorter."""
    size = max(1, round(FRAME_SECONDS * rate))
    edges = np.arange(0, len(samples), size)
    energy = np.add.reduceat(np.square(samples, dtype=np.float64), edges)
    counts = np.minimum(size, len(samples) - edges)
    return 10 * np.log10(np.maximum(energy / counts, 1e-12))


def speech_bounds(samples: Samples, rate: int, threshold_db: float = SILENCE_DB) -> tuple[int, int]:
    """First and one-past-last sample of the word in a clip, by the level of its 10 ms frames.

    A frame is loud when it is within `threshold_db` of the loudest and also above the noise floor, which the
    clip's quietest stretch shows. The word is the loud stretch with the most energy and those close to it
    (the closure before a final t is silent); a click at a distance is left outside.
    """
    levels = frame_levels(emphasise_speech(samples, rate), rate)
    energy = 10 ** (levels / 10)
    loudest = levels.max()
    stretch = min(FLOOR_FRAMES, len(energy))
    floor = 10 * np.log10(np.convolve(energy, np.full(stretch, 1 / stretch), "valid").min())
    # In a clip cut close to the word the quietest stretch is speech too: hence the upper bound.
    threshold = max(loudest + threshold_db, min(floor + ABOVE_FLOOR_DB, loudest + FLOOR_AT_MOST_DB))
    edges = np.flatnonzero(np.diff(levels >= threshold, prepend=False, append=False))
    stretches = [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2)]
    main = int(np.argmax([energy[start:stop].sum() for start, stop in stretches]))
    first, last = stretches[main]
    for start, stop in stretches[main + 1 :]:
        if start - last <= CLOSURE_FRAMES and stop - start > 1:
            last = stop
    for start, stop in reversed(stretches[:main]):
        if first - stop <= CLOSURE_FRAMES and stop - start > 1:
            first = start
    size = max(1, round(FRAME_SECONDS * rate))
    return first * size, min(len(samples), last * size)


def emphasise_speech(samples: Samples, rate: int) -> Samples:
    """The samples, (T,), weighted as speech stands out from noise, with no delay.

    Below 120 Hz (hum, breath, an offset) nothing stays; below 500 Hz it falls by 6 dB an octave, so that an s
    or f counts beside a vowel.
    """
    # A power of two: transforms of some lengths take ten times as long.
    size = 1 << (len(samples) - 1).bit_length()
    frequencies = np.maximum(np.fft.rfftfreq(size, 1 / rate), 1e-3)
    rumble = (RUMBLE_HZ / frequencies) ** 4  # Butterworth, second order
    vowel = (VOWEL_HZ / frequencies) ** 2  # first order
    gains = 1 / np.sqrt((1 + rumble) * (1 + vowel))
    # An offset would be a step at the end, where the padding begins.
    centred = samples - samples.mean(dtype=np.float64)
    return np.fft.irfft(np.fft.rfft(centred, size) * gains, size)[: len(samples)].astype(np.float32)


def trim(samples: Samples, rate: int, threshold_db: float = SILENCE_DB, margin: float = 0.0) -> Samples:
    """Cut leading and trailing silence, keeping at most `margin` seconds of it on each side."""
    start, stop = speech_bounds(samples, rate, threshold_db)
    extra = round(margin * rate)
    return samples[max(0, start - extra) : stop + extra]


def rms(samples: Samples) -> float:
    """Root mean square over all samples."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def level(samples: Samples, target_rms: float, peak: float = 0.99) -> Samples:
    """Scale to a root mean square of `target_rms`, less where the peak would pass `peak`; silence stays."""
    loudness, highest = rms(samples), float(np.abs(samples).max(initial=0.0))
    if loudness == 0.0:
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
    """Concatenate `parts` with `gap` seconds of silence between them."""
    pieces: list[Samples] = []
    for index, part in enumerate(parts):
        if index:
            pieces.append(silence(gap, rate))
        pieces.append(part)
    return np.concatenate(pieces) if pieces else silence(0, rate)
