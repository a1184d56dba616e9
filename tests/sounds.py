"""Sound files of many kinds, made for tests."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import numpy as np

# File ending -> FFmpeg's container, codec, and a rate that the codec supports.
FFMPEG_KINDS = {
    ".m4a": ("ipod", "aac", 16000),
    ".3gp": ("3gp", "aac", 16000),
    ".mp4": ("mp4", "aac", 44100),
    ".aac": ("adts", "aac", 16000),
    ".amr": ("amr", "libopencore_amrnb", 8000),
    ".webm": ("webm", "libopus", 48000),
    ".mka": ("matroska", "libopus", 16000),
    ".wma": ("asf", "wmav2", 16000),
}


def encode(path: Path, samples: np.ndarray, rate: int, container: str, codec: str) -> None:
    """Write samples (T,) or (T, channels) into a file with FFmpeg."""
    import av

    table = samples.reshape(len(samples), -1).T.astype(np.float32)
    layout = "mono" if len(table) == 1 else "stereo"
    with av.open(str(path), "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate, layout=layout)
        if codec == "wmav2":
            stream.bit_rate = 64000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(table), format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, 0, Fraction(1, rate)
        size = stream.codec_context.frame_size or 1024
        resampler = av.AudioResampler(stream.format, layout, rate, frame_size=size)
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            file.mux(stream.encode(piece))
        file.mux(stream.encode(None))


def wav_bytes(
    pcm: bytes, *, rate: int = 8000, outer: int | None = None, data: int | None = None, tail: bytes = b""
) -> bytes:
    """A mono 16-bit WAV file, whose outer header and data chunk can claim any length."""
    data = len(pcm) if data is None else data
    outer = 36 + len(pcm) + len(tail) if outer is None else outer
    form = struct.pack("<IHHIIHH", 16, 1, 1, rate, 2 * rate, 2, 16)
    return (
        b"RIFF"
        + struct.pack("<I", outer)
        + b"WAVEfmt "
        + form
        + b"data"
        + struct.pack("<I", data)
        + pcm
        + tail
    )
