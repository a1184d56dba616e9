from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tiny_dataset import VOICE, plan
from voxlet import audio
from voxlet.datasets.clips import make_clips, opened_voice
from voxlet.datasets.effects import CODECS, EFFECTS, SHARE, TAIL, _response, coded, in_room, with_noise
from voxlet.speak.styles import generator

TONE = (0.2 * np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)).astype(np.float32)
CLICK = np.zeros(2000, np.float32)
CLICK[0] = 0.5


def test_each_effect_happens_to_half_of_the_clips_and_is_told() -> None:
    asked = plan(150, effects=("noise", "codecs"))
    plain = make_clips(replace(asked, effects=()), opened_voice(VOICE), 0, 150)
    made = make_clips(asked, opened_voice(VOICE), 0, 150)
    for one, other in zip(plain, made, strict=True):
        assert np.array_equal(one.samples, other.said)
        assert np.array_equal(one.samples, other.samples) == (other.effects == "")
        assert len(one.samples) == len(other.samples)
    for word in ("noise", "|".join(CODECS)):
        share = np.mean([any(part in one.effects for part in word.split("|")) for one in made])
        assert abs(share - SHARE) < 0.13
    assert EFFECTS == ("rooms", "noise", "codecs")


@pytest.mark.parametrize("colour", [0.0, 1.0, 2.0])
def test_noise_is_as_far_below_the_clip_as_it_says(colour: float) -> None:
    noise = with_noise(TONE, 12.0, colour, generator(0, 9)) - TONE
    assert 20 * np.log10(audio.rms(TONE) / audio.rms(noise)) == pytest.approx(12.0, abs=0.1)
    power = np.abs(np.fft.rfft(noise)) ** 2
    low, high = power[100:200].mean(), power[800:1600].mean()  # three octaves higher
    assert np.log2(low / high) == pytest.approx(3 * colour, abs=0.7)


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("rate", [8000, 16000, 22050])
def test_a_codec_changes_little_and_keeps_the_length(codec: str, rate: int) -> None:
    tone = (0.2 * np.sin(2 * np.pi * 440 * np.arange(rate // 2) / rate)).astype(np.float32)
    heard = coded(tone, rate, codec)
    assert len(heard) == len(tone)
    assert 0.9 < audio.rms(heard) / audio.rms(tone) < 1.1
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert abs(int(spectrum.argmax()) * rate / len(heard) - 440) < 5
    assert not np.array_equal(heard, tone)


@pytest.mark.slow
def test_rooms_ring_each_in_its_own_way() -> None:
    pytest.importorskip("pyroomacoustics")
    asked = plan(effects=("rooms",))
    rooms = [_response(0, room, 8000) for room in range(6)]
    assert np.array_equal(rooms[0], _response.__wrapped__(0, 0, 8000))
    assert len({room.tobytes() for room in rooms}) == 6
    for room in rooms:
        heard = in_room(TONE, room, asked)
        assert len(TONE) < len(heard) <= len(TONE) + round(TAIL * 8000)
        assert audio.rms(heard) == pytest.approx(audio.rms(TONE), rel=0.01)
        decay = np.cumsum(np.square(in_room(CLICK, room, asked))[::-1])[::-1]
        assert 0.005 < np.argmax(decay < decay[0] * 1e-3) / 8000 < 0.6  # seconds until 30 dB lower
    fixed = replace(asked, seconds=0.5)
    assert len(in_room(TONE, rooms[0], fixed)) == len(TONE)
