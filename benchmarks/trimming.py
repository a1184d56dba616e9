"""How well trimming finds the word: real clips embedded in noise, hum, clicks, breath and silence.

    VOXLET_DATA=... python benchmarks/trimming.py [--clips 100] [--corpora fsdd] [--kinds hum,click]

Only clips are used in which the word's place is known. The word extends from the first to the last 10 ms
frame within 40 dB of the loudest (weighted by `emphasise_speech`), or 10 dB above the quietest 50 ms where
these are louder than -50 dB. A clip is passed over if that level is above -35 dB, if 5 dB more would move an
end by more than 50 ms, if a pause within the word is longer than 160 ms, or if the word begins with a lip
click. The word is cut out, faded over 5 ms, and placed in 0.3 to 0.8 s of surroundings at each side. The RMS
of noise and hum is so many dB below the word's, that of breath 20 dB below it; clicks and knocks have twice
the word's peak. Clicks and knocks are 160 ms or more from the word, and so is breath where there is room.
`close` is white noise with 50 ms left at each side.

Prints percentages of clips: `lost`, more than 30 ms of the word cut off at an end; `edges`, both ends within
30 ms of the word's; `extra`, more than 50 ms kept beside the word. `lost*` and `edges*` are measured against
the audible part of the word: its ends are the first and last 30 ms in which the word has 3 dB more power than
the noise in some quarter octave. What is weaker cannot be told from noise: no trimming reaches 100 % in
`edges` where noise is loud.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio
from voxlet.trimming.regions import emphasise_speech, frame_levels, speech_bounds

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

CORPORA = ("fsdd", "audiomnist", "speech_commands", "arabic_speech_commands")
MAX_RATE = 22050  # Hz, the preparation's own; AudioMNIST is recorded at 48,000
FRAME = 0.010  # seconds
DEPTH_DB = 40.0  # the word reaches down to here, relative to its loudest frame
QUIET_FRAMES = 5  # the quietest stretch of this many shows the clip's own noise
CLEAR_DB = 10.0  # the word is louder than that noise by this
CLICK_FRAMES, CLICK_PAUSE = 4, 3  # at most and at least: frames of a click, and of the silence after it
VAGUE_DB, VAGUE_FRAMES = 5.0, 5  # an end is vague if so few dB move it by more frames
LONGEST_PAUSE = 16  # frames: the closure before a final t
NEAR, EXTRA = 0.030, 0.050  # seconds
CLOSE, FADE = 0.050, 0.005  # seconds kept at each side of a word that is cut out, and faded there
BANDS = 24  # a quarter of an octave each, about as wide as the ear's
OUT_DB, OUT_FRAMES = 3.0, 3  # a sound of 30 ms stands out if it is louder than the noise by this in a band


@dataclass(frozen=True)
class Scene:
    """A word in its surroundings (T,), the word alone (T,), and the word's bounds in samples."""

    samples: NDArray[np.float64]
    word: NDArray[np.float64]
    start: int
    stop: int


def cut_word(samples: audio.Samples, rate: int) -> NDArray[np.float64] | None:
    """The word of a clip (T,), at an RMS of 0.1; None if the word's place is not known."""
    size = round(FRAME * rate)
    word, quietest = samples, None
    for _ in range(2):  # the second time without what was beside the word
        levels = frame_levels(emphasise_speech(np.pad(word, 10 * size), rate), rate)[10:-10]
        levels -= levels.max()
        if len(levels) <= QUIET_FRAMES:
            return None
        quiet = np.convolve(10 ** (levels / 10), np.full(QUIET_FRAMES, 1 / QUIET_FRAMES), "valid")
        quietest = 10 * np.log10(quiet.min()) if quietest is None else quietest
        depth = max(-DEPTH_DB, quietest + CLEAR_DB)
        loud = np.flatnonzero(levels >= depth)
        clearer = np.flatnonzero(levels >= depth + VAGUE_DB)
        if depth > -DEPTH_DB + VAGUE_DB or np.diff(loud, prepend=loud[0]).max() > LONGEST_PAUSE:
            return None
        if max(clearer[0] - loud[0], loud[-1] - clearer[-1]) > VAGUE_FRAMES:
            return None
        pauses = np.flatnonzero(np.diff(loud) > CLICK_PAUSE)
        if len(pauses) and pauses[0] < CLICK_FRAMES:
            return None
        word = audio.fade(word[loud[0] * size : (loud[-1] + 1) * size].copy(), rate, 0.005)
    return np.asarray(0.1 * word / np.sqrt(np.mean(word.astype(np.float64) ** 2)), dtype=np.float64)


def coloured(rng: np.random.Generator, count: int, rate: int, slope: float) -> NDArray[np.float64]:
    """Noise, (T,), of RMS 1, whose power falls with frequency to the power `slope` from 20 Hz on."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequencies = np.maximum(np.fft.rfftfreq(count, 1 / rate), 20.0)
    noise = np.fft.irfft(spectrum * frequencies ** (-slope / 2), count)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))


def hum(rng: np.random.Generator, count: int, rate: int, wave: str) -> NDArray[np.float64]:
    """Mains hum, (T,), of RMS 1: its harmonics below the Nyquist frequency, at 50 or 60 Hz."""
    base = float(rng.choice([50.0, 60.0])) * (1 + rng.uniform(-0.002, 0.002))
    phase = 2 * np.pi * (base * np.arange(count) / rate + rng.uniform())
    orders = np.arange(1, 2 if wave == "sine" else int(rate / 2 / base), 2 if wave == "square" else 1)
    tone = sum((np.sin(order * phase) / order for order in orders), np.zeros(count))
    return np.asarray(tone / np.sqrt(np.mean(tone**2)))


def laid(parts: list[tuple[NDArray[np.float64], int]], count: int) -> NDArray[np.float64]:
    """Silence (T,) with waveforms added at their places."""
    samples = np.zeros(count)
    for part, place in parts:
        samples[place : place + len(part)] += part
    return samples


def before_or_after(
    rng: np.random.Generator, scene: Scene, sound: NDArray[np.float64], rate: int, gap: float
) -> NDArray[np.float64]:
    """The scene's samples with `sound` beside the word, at least `gap` seconds away if there is room."""
    first, last = (
        (0, scene.start - round(gap * rate) - len(sound))
        if rng.uniform() < 0.5
        else (scene.stop + round(gap * rate), len(scene.samples) - len(sound))
    )
    place = int(rng.integers(min(first, last), max(first, last) + 1))
    padded = laid([(sound, max(0, place))], len(scene.samples) + len(sound))
    return scene.samples + padded[: len(scene.samples)]


def click(rng: np.random.Generator, rate: int, peak: float) -> NDArray[np.float64]:
    """A decaying burst of noise of 10 to 30 ms."""
    count = round(rng.uniform(0.010, 0.030) * rate)
    sound = rng.standard_normal(count) * np.exp(-3 * np.arange(count) / count)
    return np.asarray(peak * sound / np.abs(sound).max())


def knock(rng: np.random.Generator, rate: int, peak: float) -> NDArray[np.float64]:
    """A resonance of 150 to 800 Hz that decays within 10 to 30 ms."""
    count = round(rng.uniform(0.010, 0.030) * rate)
    sound = np.sin(2 * np.pi * rng.uniform(150, 800) * np.arange(count) / rate)
    sound *= np.exp(-4 * np.arange(count) / count)
    return np.asarray(peak * sound / np.abs(sound).max())


def breath(rng: np.random.Generator, rate: int, rms: float) -> NDArray[np.float64]:
    """Noise between 300 and 3,000 Hz that swells and falls in 0.15 to 0.3 s."""
    count = round(rng.uniform(0.15, 0.3) * rate)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequencies = np.fft.rfftfreq(count, 1 / rate)
    shape = 1 / (1 + (300 / np.maximum(frequencies, 1)) ** 4) / (1 + (frequencies / 3000) ** 4)
    sound = np.fft.irfft(spectrum * shape, count) * np.hanning(count)
    return np.asarray(rms * sound / np.sqrt(np.mean(sound**2)))


def embed(rng: np.random.Generator, words: list[NDArray[np.float64]], rate: int) -> Scene:
    """Words 0.1 to 0.5 s apart, with 0.3 to 0.8 s of digital silence at each side."""
    lead, tail = (round(rng.uniform(0.3, 0.8) * rate) for _ in range(2))
    parts, place = [], lead
    for word in words:
        parts.append((word, place))
        stop = place + len(word)
        place = stop + round(rng.uniform(0.1, 0.5) * rate)
    samples = laid(parts, stop + tail)
    return Scene(samples, samples, lead, stop)


def noisy(scene: Scene, noise: NDArray[np.float64], level_db: float) -> Scene:
    """The scene with `noise` (of RMS 1) added at a level in dB re the word's RMS of 0.1."""
    return Scene(scene.samples + 0.1 * 10 ** (level_db / 20) * noise, scene.word, scene.start, scene.stop)


def faded(scene: Scene, rate: int, seconds: float) -> Scene:
    """The scene faded in and out, noise included."""
    count = round(seconds * rate)
    ramp = np.ones(len(scene.samples))
    ramp[:count] = np.linspace(0, 1, count)
    ramp[-count:] = np.linspace(1, 0, count)
    return Scene(scene.samples * ramp, scene.word * ramp, scene.start, scene.stop)


def kinds() -> dict[str, Callable[[np.random.Generator, Scene, int], Scene]]:
    """The functions that add each kind of surroundings to a word in digital silence."""

    def white(rng: np.random.Generator, scene: Scene, level_db: float) -> Scene:
        return noisy(scene, rng.standard_normal(len(scene.samples)), level_db)

    def noise(slope: float, level_db: float) -> Callable[[np.random.Generator, Scene, int], Scene]:
        return lambda rng, scene, rate: noisy(scene, coloured(rng, len(scene.samples), rate, slope), level_db)

    def mains(wave: str) -> Callable[[np.random.Generator, Scene, int], Scene]:
        return lambda rng, scene, rate: white(
            rng, noisy(scene, hum(rng, len(scene.samples), rate, wave), -10), -60
        )

    def beside(
        make: Callable[[np.random.Generator, int, float], NDArray[np.float64]], times: float, gap: float
    ) -> Callable[[np.random.Generator, Scene, int], Scene]:
        def add(rng: np.random.Generator, scene: Scene, rate: int) -> Scene:
            loudness = 0.1 if make is breath else float(np.abs(scene.word).max())
            sound = before_or_after(rng, scene, make(rng, rate, times * loudness), rate, gap)
            return white(rng, Scene(sound, scene.word, scene.start, scene.stop), rng.choice([-200, -50]))

        return add

    def offset(rng: np.random.Generator, scene: Scene, _: int) -> Scene:
        return white(rng, Scene(scene.samples + 0.2, scene.word, scene.start, scene.stop), -50)

    def padded(rng: np.random.Generator, scene: Scene, rate: int) -> Scene:
        heard = white(rng, scene, -20).samples
        heard[: round(0.15 * rate)] = 0
        heard[-round(0.15 * rate) :] = 0
        return Scene(heard, scene.word, scene.start, scene.stop)

    def close(level_db: float) -> Callable[[np.random.Generator, Scene, int], Scene]:
        """Noise that ends close to the word, as in prepared and generated clips."""

        def cut(rng: np.random.Generator, scene: Scene, rate: int) -> Scene:
            heard, margin = white(rng, scene, level_db), round(CLOSE * rate)
            part = slice(scene.start - margin, scene.stop + margin)
            word = scene.word[part]
            samples = audio.fade(heard.samples[part].astype(np.float32), rate, FADE).astype(np.float64)
            return Scene(samples, word, margin, len(word) - margin)

        return cut

    return {
        "digital silence": lambda _, scene, __: scene,
        "silence -60": lambda rng, scene, _: white(rng, scene, -60),
        "pause": lambda rng, scene, _: white(rng, scene, rng.choice([-200, -50])),
        "pause, noise -20": noise(1.0, -20),
        **{
            f"{name} {level}": noise(slope, level)
            for name, slope in (("white", 0.0), ("pink", 1.0), ("brown", 2.0))
            for level in (-10, -20, -30)
        },
        **{f"hum {wave} -10": mains(wave) for wave in ("sine", "square", "saw")},
        "click": beside(click, 2.0, 0.16),
        "knock": beside(knock, 2.0, 0.16),
        "breath": beside(breath, 0.1, 0.16),
        "fade, noise -20": lambda rng, scene, rate: faded(
            white(rng, scene, -20), rate, rng.uniform(0.05, 0.2)
        ),
        "zeros, noise -20": padded,
        **{f"close {level}": close(level) for level in (-30, -40, -50)},
        "offset": offset,
    }


def audible(scene: Scene, rate: int) -> tuple[int, int]:
    """First and one-past-last sample of the part of the word that stands out from the noise."""
    size = round(FRAME * rate)
    window = np.hanning(3 * size)
    edges = np.geomspace(100, min(rate / 2, 8000), BANDS + 1)
    frequencies = np.fft.rfftfreq(3 * size, 1 / rate)
    bands = np.stack([(frequencies >= low) & (frequencies < high) for low, high in pairwise(edges)])

    def powers(samples: NDArray[np.float64]) -> NDArray[np.float64]:
        padded = np.pad(samples - samples.mean(), size)
        frames = np.lib.stride_tricks.sliding_window_view(padded, 3 * size)[::size]
        return np.asarray(np.abs(np.fft.rfft(frames * window)) ** 2 @ bands.T)

    noise = powers(scene.samples - scene.word).mean(axis=0) + 1e-12
    over = powers(scene.word) >= 10 ** (OUT_DB / 10) * noise
    lasting = np.lib.stride_tricks.sliding_window_view(over, OUT_FRAMES, axis=0).all(axis=2).any(axis=1)
    frames = np.flatnonzero(lasting)
    if len(frames) == 0:
        return scene.start, scene.stop
    first, last = frames[0] * size, (frames[-1] + OUT_FRAMES) * size
    return max(scene.start, first), min(scene.stop, last)


@dataclass
class Tally:
    """Counts of one row."""

    clips: int = 0
    lost: int = 0
    edges: int = 0
    extra: int = 0
    audible_lost: int = 0
    audible_edges: int = 0

    def count(self, scene: Scene, rate: int) -> None:
        """Trim a scene, and count how its ends compare with the word's."""
        heard = (scene.samples - scene.samples.mean()).astype(np.float32)
        start, stop = speech_bounds(heard, rate)
        near, extra = NEAR * rate, EXTRA * rate
        self.clips += 1
        self.lost += start - scene.start > near or scene.stop - stop > near
        self.edges += abs(start - scene.start) <= near and abs(stop - scene.stop) <= near
        self.extra += max(0, scene.start - start) + max(0, stop - scene.stop) > extra
        first, last = audible(scene, rate)
        self.audible_lost += start - first > near or last - stop > near
        # An end between the audible part's and the word's own is not wrong.
        self.audible_edges += (
            scene.start - near <= start <= first + near and last - near <= stop <= scene.stop + near
        )

    def row(self) -> str:
        """The counts as percentages."""
        figures = (self.lost, self.edges, self.extra, self.audible_lost, self.audible_edges)
        return " ".join(f"{100 * figure / max(1, self.clips):7.1f}" for figure in figures)


def words_of(root: Path, name: str, clips: int, seed: int) -> tuple[int, list[NDArray[np.float64]]]:
    """The rate, and the words of `clips` random clips, or of fewer if too few words have a known place."""
    paths = sorted(path for path in (root / name).rglob("*") if path.suffix in {".wav", ".flac"})
    rng = np.random.default_rng(seed)
    rate = min(MAX_RATE, audio.read(paths[0]).rate)
    words: list[NDArray[np.float64]] = []
    for index in rng.permutation(len(paths)):
        sound = audio.read(paths[index])
        samples = audio.resample(sound.samples - np.float32(sound.samples.mean()), sound.rate, rate)
        word = cut_word(samples, rate)
        if word is not None:
            words.append(word)
        if len(words) == clips:
            break
    return rate, words


def milliseconds(rate: int) -> float:
    """Processor time to trim one second of sound, half of it speech-like: the median of 50 calls."""
    rng = np.random.default_rng(0)
    second = 1e-4 * rng.standard_normal(rate)
    second[rate // 4 : -rate // 4] += 0.1 * coloured(rng, len(second[rate // 4 : -rate // 4]), rate, 1.0)
    times = []
    for _ in range(50):
        began = time.process_time()
        speech_bounds(second.astype(np.float32), rate)
        times.append(time.process_time() - began)
    return float(1000 * np.median(times))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clips", type=int, default=100, help="clips of each corpus (default: 100)")
    parser.add_argument("--corpora", default=",".join(CORPORA))
    parser.add_argument("--kinds", default="", help="only kinds that begin so")
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    chosen = tuple(filter(None, asked.kinds.split(",")))
    sums: dict[str, Tally] = {}
    print(f"{'corpus':<24}{'kind':<18} clips    lost   edges   extra   lost*  edges*")
    for name in asked.corpora.split(","):
        rate, pool = words_of(Path(os.environ["VOXLET_DATA"]), name, asked.clips, asked.seed)
        for number, (kind, make) in enumerate(kinds().items()):
            if chosen and not kind.startswith(chosen):
                continue
            tally = Tally()
            for index, word in enumerate(pool):
                rng = np.random.default_rng([asked.seed, number, index])
                both = [word, pool[(index + 1) % len(pool)]] if kind.startswith("pause") else [word]
                tally.count(make(rng, embed(rng, both, rate), rate), rate)
            print(f"{name:<24}{kind:<18} {tally.clips:>5} {tally.row()}", flush=True)
            total = sums.setdefault(kind, Tally())
            for field in vars(total):
                setattr(total, field, getattr(total, field) + getattr(tally, field))
    for kind, tally in sums.items():
        print(f"{'all':<24}{kind:<18} {tally.clips:>5} {tally.row()}")
    for rate in (8000, 16000, 22050, 48000):
        print(f"{rate:>6} Hz, 1 s: {milliseconds(rate):.2f} ms of processor time")


if __name__ == "__main__":
    main()
