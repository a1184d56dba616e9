"""Each format: the stream is the sound, begins early, and is marked as synthetic."""

from __future__ import annotations

import io
import wave

import av
import numpy as np
import pytest
import soundfile

from voxlet import audio
from voxlet.serving.formats import MEDIA_TYPES, RATE, encode, open_encoder
from voxlet.speak.speech import wav_metadata

METADATA = wav_metadata({"voice": "tiny", "seed": 7, "text": "4091 é"})
TONE = (0.3 * np.sin(np.arange(3 * RATE) * 0.1)).astype(np.float32)
PIECES = np.split(TONE, 6)
# How far a decoder's first sample may lie behind ours: what the encoder puts in front.
DELAYS = {"mp3": 1_200, "aac": 2_048}

by_format = pytest.mark.parametrize("form", MEDIA_TYPES)


def streamed(form: str) -> list[bytes]:
    return list(encode(iter(PIECES), open_encoder(form, METADATA)))


def decoded(data: bytes) -> np.ndarray:
    with av.open(io.BytesIO(data)) as file:
        rate = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        frames = [one for frame in file.decode(audio=0) for one in rate.resample(frame)]
        frames += rate.resample(None)
    return np.concatenate([frame.to_ndarray()[0] for frame in frames])


@by_format
def test_it_is_the_sound(form: str) -> None:
    data = b"".join(streamed(form))
    sound = np.frombuffer(data, "<i2") / 32768 if form == "pcm" else decoded(data)
    assert len(TONE) - 400 <= len(sound) <= len(TONE) + DELAYS.get(form, 400) + 1_100
    best = max(
        np.corrcoef(sound[shift : shift + 50_000], TONE[:50_000])[0, 1]
        for shift in range(0, DELAYS.get(form, 0) + 1, 4)
    )
    assert best > 0.99


@pytest.mark.parametrize("form", [form for form in MEDIA_TYPES if form != "pcm"])
def test_it_says_that_it_is_synthetic(form: str) -> None:
    data = b"".join(streamed(form))
    with av.open(io.BytesIO(data)) as file:
        found = {**file.metadata, **file.streams.audio[0].metadata}
    comment = next(value for key, value in found.items() if key.lower() == "comment")
    assert comment == METADATA["comment"]
    assert '"synthetic": true' in comment


@by_format
def test_it_begins_before_it_ends_and_is_the_same_again(form: str) -> None:
    pieces = streamed(form)
    assert pieces == streamed(form)
    early = b"".join(pieces[:3])
    assert early == b"" if form == "flac" else len(early) > 500
    assert len(early) < 0.7 * len(b"".join(pieces))


def test_wav_of_unknown_length_is_read_by_all() -> None:
    data = b"".join(streamed("wav"))
    assert data[4:8] == b"\xff" * 4
    with wave.open(io.BytesIO(data)) as file:
        raw = file.readframes(10 * RATE)
    samples, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    assert (raw, rate) == (samples.tobytes(), RATE)
    whole, _ = soundfile.read(io.BytesIO(audio.encode_wav(TONE, RATE)), dtype="int16")
    assert (samples == whole).all()


@pytest.mark.parametrize("form", ["mp3", "opus", "flac"])
def test_libsndfile_reads_it_whole(form: str, tmp_path) -> None:
    path = tmp_path / f"sound.{form}"
    path.write_bytes(b"".join(streamed(form)))
    sound = audio.read(path)
    assert sound.rate == RATE
    assert len(TONE) <= len(sound.samples) <= len(TONE) + DELAYS.get(form, 0)


def test_a_long_flac_waits_on_the_disk() -> None:
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, 20 * RATE).astype(np.float32)
    pieces = list(encode(iter([noise, noise, noise]), open_encoder("flac", METADATA)))
    assert max(map(len, pieces)) <= 2**16
    assert len(soundfile.read(io.BytesIO(b"".join(pieces)))[0]) == 60 * RATE


def test_nothing_said_is_no_sound() -> None:
    assert b"".join(encode(iter([]), open_encoder("pcm", METADATA))) == b""
