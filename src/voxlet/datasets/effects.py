"""Effects that make clips sound like recordings: rooms, noise, codecs.

Rooms are simulated by pyroomacoustics (the image source method, Allen and Berkley 1979); codecs are those of
libsndfile. The effects on a clip depend on the plan's seed and the clip's number alone.
"""

from __future__ import annotations

import functools
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet import audio
from voxlet.datasets.plan import EFFECTS
from voxlet.extras import import_extra
from voxlet.interrupts import uninterrupted
from voxlet.speak.styles import generator

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.datasets.plan import Plan

SHARE = 0.5  # of the clips that each effect is applied to
ROOMS = 50  # different rooms, each with one place for the speaker and one for the microphone
WIDTH, HEIGHT = (2.0, 7.0), (2.3, 3.2)  # metres
REVERBERATION = (0.15, 0.5)  # seconds until a sound has decayed by 60 dB
WALL = 0.4  # metres that speaker and microphone keep from the walls
ORDER = 12  # highest order of reflections
TAIL = 0.25  # seconds of reverberation kept after a clip
NOISE_DB = (5.0, 30.0)  # signal-to-noise ratios
COLOUR = (0.0, 2.0)  # of noise, whose power falls as 1/f to this power: 0 is white, 2 brown
CODECS = {  # libsndfile's format and subtype, and the rate in Hz
    "mu-law": ("WAV", "ULAW", 8000),
    "gsm": ("WAV", "GSM610", 8000),
    "adpcm": ("WAV", "IMA_ADPCM", 16000),
    "mp3": ("MP3", "MPEG_LAYER_III", 16000),
    "vorbis": ("OGG", "VORBIS", 16000),
    "opus": ("OGG", "OPUS", 16000),
}
# Keys of random generators, different from those in `datasets.plan`.
EFFECT_KEY, ROOM_KEY = 5, 6


def as_recorded(samples: Samples, plan: Plan, index: int) -> tuple[Samples, str]:
    """A clip (T,) after the plan's effects, and those applied, such as `room 3; noise 12 dB; mp3`."""
    what = []
    for number, effect in enumerate(EFFECTS):
        rng = generator(plan.seed, EFFECT_KEY, index, number)
        if effect not in plan.effects or rng.random() >= SHARE:
            continue
        if effect == "rooms":
            room = int(rng.integers(ROOMS))
            samples = in_room(samples, _response(plan.seed, room, plan.rate), plan)
            what.append(f"room {room}")
        elif effect == "noise":
            decibels = rng.uniform(*NOISE_DB)
            samples = with_noise(samples, decibels, rng.uniform(*COLOUR), rng)
            what.append(f"noise {decibels:.0f} dB")
        else:
            codec = list(CODECS)[int(rng.integers(len(CODECS)))]
            samples = coded(samples, plan.rate, codec)
            what.append(codec)
    return samples, "; ".join(what)


def in_room(samples: Samples, response: Samples, plan: Plan) -> Samples:
    """A clip (T,) as recorded in a room, at its former level; longer unless the plan fixes the length."""
    signal = import_extra("scipy.signal", "dataset")
    heard = np.asarray(signal.fftconvolve(samples, response), dtype=np.float32)
    length = len(samples) + (0 if plan.seconds else round(TAIL * plan.rate))
    return audio.level(heard[:length], audio.rms(samples))


@functools.lru_cache(ROOMS)
def _response(seed: int, room: int, rate: int) -> Samples:
    """A room's impulse response (T,) at `rate` Hz, which begins with the direct sound."""
    acoustics: Any = import_extra("pyroomacoustics", "dataset")
    acoustics.constants.set("num_threads", 1)  # several threads would add up in varying order
    rng = generator(seed, ROOM_KEY, room)
    size = np.array([*rng.uniform(*WIDTH, 2), rng.uniform(*HEIGHT)])
    wanted = rng.uniform(*REVERBERATION)
    try:
        absorption, order = acoustics.inverse_sabine(wanted, size)
    except ValueError:  # the room is too large to be so dry: its walls absorb everything
        absorption, order = 1.0, 0
    simulated = acoustics.ShoeBox(
        size, fs=rate, materials=acoustics.Material(absorption), max_order=min(order, ORDER)
    )
    source, microphone = (WALL + rng.random(3) * (size - 2 * WALL) for _ in range(2))
    simulated.add_source(source)
    simulated.add_microphone(microphone)
    simulated.compute_rir()
    response: NDArray[np.float64] = simulated.rir[0][0]
    return response[int(np.abs(response).argmax()) :].astype(np.float32)


def with_noise(samples: Samples, decibels: float, colour: float, rng: np.random.Generator) -> Samples:
    """A clip (T,) with noise `decibels` below it, whose power falls with frequency as 1/f**colour."""
    spectrum = np.fft.rfft(rng.standard_normal(len(samples)))
    spectrum *= np.maximum(np.arange(len(spectrum)), 1.0) ** (-colour / 2)
    noise = np.fft.irfft(spectrum, len(samples)).astype(np.float32)
    wanted = audio.rms(samples) * 10 ** (-decibels / 20)
    return samples + audio.level(noise, wanted, peak=1.0)


def coded(samples: Samples, rate: int, codec: str) -> Samples:
    """A clip (T,) encoded and decoded by a codec, of the same length."""
    import soundfile

    kind, subtype, own_rate = CODECS[codec]
    buffer = io.BytesIO()
    there = np.clip(audio.resample(samples, rate, own_rate), -1.0, 1.0)
    with uninterrupted():
        soundfile.write(buffer, there, own_rate, subtype, format=kind)
        buffer.seek(0)
        back, _ = soundfile.read(buffer, dtype="float32")
    decoded = audio.resample(back, own_rate, rate)[: len(samples)]
    return np.pad(decoded, (0, len(samples) - len(decoded)))
