"""Clips in Opus files: each at its offsets, and no file larger than requested."""

from __future__ import annotations

import io

import numpy as np
import pytest
import soundfile

from voxlet import audio
from voxlet.exploring import sprite


def bursts(rate: int, count: int = 12) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    envelopes = [np.hanning(round(rate * length)) for length in rng.uniform(0.1, 0.4, count)]
    return [
        (0.3 * e * np.sin(2 * np.pi * (200 + 120 * i) * np.arange(len(e)) / rate)).astype(np.float32)
        for i, e in enumerate(envelopes)
    ]


@pytest.mark.parametrize(("rate", "own"), [(8000, 8000), (22_050, 24_000)])
def test_each_clip_is_where_it_is_said_to_be(rate: int, own: int) -> None:
    clips = bursts(rate)
    found = sprite.encode(clips, rate, 100_000)
    assert found.rate == own
    decoded = [soundfile.read(io.BytesIO(part), dtype="float32") for part in found.parts]
    for clip, (part, start, seconds) in zip(clips, found.places, strict=True):
        samples, decoded_rate = decoded[part]
        heard = samples[round(start * decoded_rate) : round((start + seconds) * decoded_rate)]
        sent = audio.resample(clip, rate, decoded_rate)[: len(heard)]
        assert abs(seconds - len(clip) / rate) < 0.001
        likeness = np.correlate(np.abs(heard), np.abs(sent), "full")
        assert abs(int(likeness.argmax()) - len(sent) + 1) < 0.003 * decoded_rate
        assert np.abs(samples[round((start + seconds) * decoded_rate) :][:50]).max() < 0.03


def test_long_sprites_are_parted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sprite, "PART_SECONDS", 1.0)
    found = sprite.encode(bursts(8000), 8000, 100_000)
    assert len(found.parts) > 2
    assert [place[0] for place in found.places] == sorted(place[0] for place in found.places)
    assert {place[0] for place in found.places} == set(range(len(found.parts)))


def test_fewer_bytes_are_asked_for_and_come() -> None:
    noise = [0.1 * np.random.default_rng(i).standard_normal(8000).astype(np.float32) for i in range(20)]
    small, large = (sprite.encode(noise, 8000, most) for most in (25_000, 60_000))
    assert small.size < 1.15 * 25_000 < large.size < 1.15 * 60_000


def test_the_same_clips_give_the_same_bytes_and_its_pages_are_whole() -> None:
    first, again = (sprite.encode(bursts(8000), 8000, 100_000) for _ in range(2))
    assert first == again
    (part,) = first.parts
    samples, rate = soundfile.read(io.BytesIO(part))
    assert len(samples) > 12 * 0.1 * rate
    # The checksum of the encoder's own pages is what is computed here.
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(800), 8000, format="OGG", subtype="OPUS")
    page = bytearray(buffer.getvalue())
    end = 27 + page[26] + sum(page[27 : 27 + page[26]])
    own = int.from_bytes(page[22:26], "little")
    page[22:26] = bytes(4)
    assert sprite.checksum(bytes(page[:end])) == own
