"""Record from the microphone with miniaudio, and detect one word in a stream of blocks of samples."""

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

RATE = 44_100  # Hz: more than speech needs
BLOCK = 0.05  # seconds
BEFORE, AFTER = 0.3, 0.6  # seconds kept before the speech; seconds of silence that end a take
MOST = 4.0  # seconds: a take ends at the latest this long after `WAIT`
WAIT = 5.0  # seconds to wait for the first speech
ABOVE_DB = 12.0  # a block this far above the quietest block so far is speech
AT_LEAST_DB = -50.0  # re full scale: anything weaker is not speech
STARTING = 0.5  # seconds: zeros that a device gives for longer are silence
SILENT = 3.0  # seconds without a block after which the device counts as gone


@contextlib.contextmanager
def microphone(rate: int = RATE) -> Iterator[Iterator[Samples]]:
    """Open the default microphone; yields an iterator of its blocks of samples (T,), float32.

    Raises:
        MissingExtraError: miniaudio is not installed.
        AudioError: There is no microphone, or access to it is denied.
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
        yield running(arriving(blocks), rate)
    finally:
        device.close()


def arriving(blocks: queue.SimpleQueue[Samples]) -> Iterator[Samples]:
    """The blocks as they arrive.

    Raises:
        AudioError: No block has arrived for three seconds.
    """
    while True:
        try:
            yield blocks.get(timeout=SILENT)
        except queue.Empty:
            raise AudioError(
                "no longer gives any sound", where="microphone", remedy="plug it in again, and continue"
            ) from None


def running(blocks: Iterator[Samples], rate: int) -> Iterator[Samples]:
    """Drop the zeros that many devices give before they run, at most `STARTING` seconds of them.

    Taken for the noise floor, the zeros would make noise count as speech.
    """
    left = round(STARTING * rate)
    for block in blocks:
        dropped = min(left, len(block) - len(np.trim_zeros(block, "f"))) if left else 0
        left = left - dropped if dropped == len(block) else 0
        if dropped < len(block):
            yield block[dropped:]


def hear(blocks: Iterator[Samples], rate: int, on_level: Callable[[float], None] = lambda _: None) -> Samples:
    """Record one word, with a little silence on each side, (T,); everything heard if nobody speaks.

    Args:
        blocks: Blocks of samples, as from `microphone`.
        rate: Sampling rate in Hz.
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
