"""Attributes of real takes that were degraded by known amounts: do the measured values match?

    python benchmarks/attributes.py [--corpus arabic_speech_commands] [--count 40]

Adds noise and hum at known levels, and applies filters and rooms with known decay times. Prints the 10th,
50th and 90th percentiles over takes, for whole takes and for takes cut to their speech.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator

import numpy as np

from voxlet import audio
from voxlet.audio import Samples
from voxlet.corpus.attributes.attributes import measure
from voxlet.corpus.corpus import open_corpus
from voxlet.trimming.frames import emphasise_speech
from voxlet.trimming.regions import trim

LEVELS_DB, CUTS_HZ, DECAYS = (-10, -20, -30, -40), (2000, 3400, 5000), (0.1, 0.2, 0.3, 0.5, 0.8, 1.2)
Spoil = Callable[[Samples, int], Samples]


def noisy(level_db: float) -> Spoil:
    """Adds white noise at this level relative to the speech, both weighted by `emphasise_speech`."""

    def spoil(samples: Samples, rate: int) -> Samples:
        noise = np.random.default_rng(0).standard_normal(len(samples)).astype(np.float32)
        speech, own = (audio.rms(emphasise_speech(one, rate)) for one in (trim(samples, rate), noise))
        return samples + np.float32(speech / own * 10 ** (level_db / 20)) * noise

    return spoil


def humming(level_db: float) -> Spoil:
    """Adds a sawtooth of 50 Hz at this level relative to the speech."""

    def spoil(samples: Samples, rate: int) -> Samples:
        saw = ((50 * np.arange(len(samples)) / rate) % 1 - 0.5).astype(np.float32)
        return (
            samples + np.float32(audio.rms(trim(samples, rate)) * np.sqrt(12) * 10 ** (level_db / 20)) * saw
        )

    return spoil


def filtered(cut: float) -> Spoil:
    """Removes everything above a frequency in Hz."""

    def spoil(samples: Samples, rate: int) -> Samples:
        spectrum = np.fft.rfft(samples)
        spectrum[np.fft.rfftfreq(len(samples), 1 / rate) > cut] = 0
        return np.fft.irfft(spectrum, len(samples)).astype(np.float32)

    return spoil


def in_room(seconds: float) -> Spoil:
    """Adds a room whose impulse response is noise that decays by 60 dB in so many seconds."""

    def spoil(samples: Samples, rate: int) -> Samples:
        time = np.arange(round(1.2 * seconds * rate)) / rate
        response = np.random.default_rng(0).standard_normal(len(time)) * 10 ** (-3 * time / seconds)
        size = 1 << (len(samples) + len(time)).bit_length()
        both = np.fft.rfft(samples, size) * np.fft.rfft(response / np.sqrt(np.sum(response**2)), size)
        return np.fft.irfft(both, size)[: len(samples) + len(time)].astype(np.float32)

    return spoil


def cases() -> Iterator[tuple[str, str, Spoil]]:
    """Each degradation: the attribute that should show it, its description, and the function that does it."""
    yield from (("noise_db", f"noise of {level} dB", noisy(level)) for level in LEVELS_DB)
    yield from (("hum_db", f"hum of {level} dB", humming(level)) for level in LEVELS_DB)
    yield from (("bandwidth_hz", f"nothing above {cut} Hz", filtered(cut)) for cut in CUTS_HZ)
    yield from (("decay_seconds", f"a room of {seconds} s", in_room(seconds)) for seconds in DECAYS)


def line(name: str, attribute: str, sounds: list[Samples], rate: int) -> str:
    """A row with the percentiles of an attribute, of whole takes and of takes cut to their speech."""
    shown = []
    for cut in (False, True):
        values = getattr(measure(sounds, rate, cut=cut), attribute)
        shown.append(" / ".join(f"{value:9.4g}" for value in np.nanpercentile(values, [10, 50, 90])))
    return f"{name:<24} {attribute:<14} {shown[0]}   {shown[1]}"


def report(sounds: list[Samples], rate: int) -> Iterator[str]:
    """A line for each attribute of the takes as they are, then one for each case."""
    yield f"{'':<24} {'':<14} {'whole takes':<33}   cut to the speech"
    for attribute in ("noise_db", "hum_db", "bandwidth_hz", "decay_seconds", "clarity"):
        yield line("as recorded", attribute, sounds, rate)
    for attribute, name, spoil in cases():
        yield line(name, attribute, [spoil(sound, rate) for sound in sounds], rate)


def main() -> None:
    """Degrade takes of a corpus, and print what is measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--corpus", default="arabic_speech_commands")
    parser.add_argument("--count", type=int, default=40)
    arguments = parser.parse_args()
    corpus = open_corpus(arguments.corpus)
    rows = np.random.default_rng(0).permutation(len(corpus.clips))[: arguments.count]
    clips = [corpus.clips[row] for row in rows]
    for text in report([audio.read(clip.path).samples for clip in clips], clips[0].rate):
        print(text)


if __name__ == "__main__":
    main()
