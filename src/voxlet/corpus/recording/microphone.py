"""The microphone, by miniaudio; and one word heard from it, or from anything that gives blocks of samples."""

from __future__ import annotations

import contextlib
import queue
from typing import TYPE_CHECKING

import numpy as np

from voxlet.errors import AudioError
from voxlet.extras import import_extra

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from voxlet.audio import Samples

RATE = 44_100  # Hz: more than any voice has
BLOCK = 0.05  # seconds
BEFORE, AFTER = 0.3, 0.6  # seconds kept before speech begins; of silence that end a take
MOST = 4.0  # seconds that a take lasts
WAIT = 5.0  # seconds in which nothing is said, and the take is over
ABOVE_DB = 12.0  # above the quietest blocks so far: speech
AT_LEAST_DB = -50.0  # re full scale: what is weaker is no speech
SILENT = 3.0  # seconds without a block: the device is gone


@contextlib.contextmanager
def microphone(rate: int = RATE) -> Iterator[Iterator[Samples]]:
    """Blocks (T,) of what the default microphone hears, float32.

    Raises:
        MissingExtraError: miniaudio is not installed.
        AudioError: There is no microphone, or it may not be used.
    """
    miniaudio = import_extra("miniaudio", "record")
    blocks: queue.SimpleQueue[Samples] = queue.SimpleQueue()

    def receive() -> Generator[None, bytes, None]:
        while True:
            data = yield
            blocks.put(np.frombuffer(bytes(data), "<i2").astype(np.float32) / np.float32(32768))

    receiver = receive()
    next(receiver)
    try:
        device = miniaudio.CaptureDevice(
            input_format=miniaudio.SampleFormat.SIGNED16,
            nchannels=1,
            sample_rate=rate,
            buffersize_msec=round(1000 * BLOCK),
        )
        device.start(receiver)
    except miniaudio.MiniaudioError as error:
        raise AudioError(
            f"cannot be used ({error.args[0] if error.args else error})",
            where="microphone",
            remedy="plug one in and allow its use; or record elsewhere, and cut that with `voxlet split`",
        ) from error
    try:
        yield arriving(blocks)
    finally:
        device.close()


def arriving(blocks: queue.SimpleQueue[Samples]) -> Iterator[Samples]:
    """The blocks as they come.

    Raises:
        AudioError: None comes any more.
    """
    while True:
        try:
            yield blocks.get(timeout=SILENT)
        except queue.Empty:
            raise AudioError(
                "no longer gives any sound", where="microphone", remedy="plug it in again, and continue"
            ) from None


def hear(blocks: Iterator[Samples], rate: int, on_level: Callable[[float], None] = lambda _: None) -> Samples:
    """One word, from a little before it to a little after it, (T,).

    Args:
        blocks: Of samples, as from `microphone`.
        rate: Hz.
        on_level: Called with each block's level in dB re full scale.
    """
    heard: list[Samples] = []
    levels: list[float] = []
    begun, seconds, quiet = None, 0.0, 0.0
    for block in blocks:
        level = 20 * float(np.log10(max(np.sqrt(np.square(block, dtype=np.float64).mean()), 1e-6)))
        on_level(level)
        heard.append(block)
        levels.append(level)
        seconds += len(block) / rate
        speaking = level > max(min(levels) + ABOVE_DB, AT_LEAST_DB)
        if speaking:
            begun = len(heard) - 1 if begun is None else begun
            quiet = 0.0
        else:
            quiet += len(block) / rate
        if begun is None and seconds < WAIT:
            continue
        if begun is None or quiet >= AFTER or seconds >= WAIT + MOST:
            break
    if begun is None:
        return np.concatenate(heard) if heard else np.zeros(0, np.float32)
    before = sum(len(block) for block in heard[:begun])
    return np.concatenate(heard)[max(0, before - round(BEFORE * rate)) :]
