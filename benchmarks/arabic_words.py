"""Which Arabic word was said for each English label in Arabic Speech Commands: tests `voxlet.words.arabic`.

    VOXLET_DATA=... python benchmarks/arabic_words.py

Needs `espeak-ng` (Debian) and librosa. For each label, three of eSpeak NG's Arabic voices read words that
translate it; these are aligned with a take of each of 14 speakers by dynamic time warping of cepstra (cosine
distance, mean along the path). Prints a line for each label: the distances of its own words, nearest first,
and the rank of the nearest one among the words of all labels. The words are written with vowel marks because
eSpeak guesses vowels that are not written.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import librosa
import numpy as np
from numpy.typing import NDArray

from voxlet import audio
from voxlet.corpus.corpus import open_corpus
from voxlet.trimming.regions import trim

CANDIDATES = {
    "zero": ["صِفْر"],
    "one": ["واحِد"],
    "two": ["اِثْنان", "اِثْنَيْن"],
    "three": ["ثَلاثَة"],
    "four": ["أَرْبَعَة"],
    "five": ["خَمْسَة"],
    "six": ["سِتَّة"],
    "seven": ["سَبْعَة"],
    "eight": ["ثَمانِيَة"],
    "nine": ["تِسْعَة"],
    "yes": ["نَعَم"],
    "no": ["لا"],
    "stop": ["تَوَقَّف", "قِف", "إيقاف"],
    "enable": ["تَفْعيل", "تَمْكين"],
    "disable": ["تَعْطيل"],
    "ok": ["مُوافِق", "حَسَناً"],
    "cancel": ["إِلْغاء"],
    "open": ["فَتْح", "اِفْتَح"],
    "close": ["إِغْلاق", "أَغْلِق"],
    "zoom in": ["تَكْبير", "تَقْريب"],
    "zoom out": ["تَصْغير", "إِبْعاد"],
    "previous": ["السّابِق", "سابِق"],
    "next": ["التّالي", "تالي"],
    "send": ["إِرْسال", "أَرْسِل"],
    "receive": ["اِسْتِقْبال", "اِسْتَقْبِل"],
    "rotate": ["تَدْوير", "دَوِّر"],
    "record": ["تَسْجيل", "سَجِّل"],
    "enter": ["إِدْخال", "أَدْخِل", "دُخول"],
    "digit": ["رَقْم"],
    "direction": ["اِتِّجاه"],
    "options": ["خِيارات"],
    "undo": ["تَراجُع"],
}
VOICES = ("ar", "ar+f2", "ar+m3")
TAKES = 14
RATE = 16_000


def cepstra(sound: audio.Sound) -> NDArray[np.float32]:
    """Standardised cepstra and their slopes (D, F) of a clip's speech, every 20 ms."""
    samples = audio.resample(sound.samples, sound.rate, RATE)
    shape = librosa.feature.mfcc(y=trim(samples, RATE), sr=RATE, n_mfcc=20, n_fft=512, hop_length=160)[1:]
    parts = (shape, librosa.feature.delta(shape))
    first, slope = ((one - one.mean(1, keepdims=True)) / (one.std(1, keepdims=True) + 1e-6) for one in parts)
    return np.vstack([first, slope / 2])[:, ::2]


def distance(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """The mean cosine distance of two clips' cepstra (D, F) along the cheapest path."""
    costs, path = librosa.sequence.dtw(one, other, metric="cosine")
    return float(costs[-1, -1] / len(path))


def read_by_espeak(word: str, folder: Path) -> list[NDArray[np.float32]]:
    """The cepstra of a word as each voice of eSpeak NG reads it."""
    found = []
    for voice in VOICES:
        file = folder / "word.wav"
        subprocess.run(["espeak-ng", "-v", voice, "-s", "140", "-w", file, word], check=True)
        found.append(cepstra(audio.read(file)))
    return found


def main() -> None:
    corpus = open_corpus("arabic_speech_commands")
    with tempfile.TemporaryDirectory() as folder:
        read = {
            (label, word): read_by_espeak(word, Path(folder))
            for label, words in CANDIDATES.items()
            for word in words
        }
    for label in CANDIDATES:
        first = {clip.speaker: clip for clip in reversed(corpus.clips) if clip.label == label}
        takes = [cepstra(audio.read(first[speaker].path)) for speaker in sorted(first)[:TAKES]]
        far = {
            key: float(np.mean([min(distance(one, take) for one in clips) for take in takes]))
            for key, clips in read.items()
        }
        order = sorted(far, key=far.__getitem__)
        own = [key for key in order if key[0] == label]
        shown = ", ".join(f"{word} {far[label, word]:.3f}" for _, word in own)
        print(f"{label:<10} {shown}; {order.index(own[0]) + 1} of {len(order)}")


if __name__ == "__main__":
    main()
