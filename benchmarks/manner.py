"""How well a voice delivers the speed, pitch and clarity that it is asked for.

    python benchmarks/manner.py VOICE [--count 300]

The same clips are made with the same seeds in the speaker's own manner (neutral) and in each other manner. A
line of the table has the median ratio of their lengths, the median change of pitch in semitones, DNSMOS, the
share of words that the cross-corpus classifier recognises, and the likeness to the speaker's neutral clips.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from voxlet import load_voice
from voxlet.corpus.attributes.attributes import measure
from voxlet.evaluation.classifiers.cross_corpus import cross_corpus_classifier, reserving_corpora
from voxlet.evaluation.clipset import ClipSet, sample_clips
from voxlet.evaluation.metrics import naturalness, speaker
from voxlet.speak.manner import Manner
from voxlet.training import hardware

DNSMOS_STRINGS = 12
ASKED = (
    Manner(variation=0.0),
    Manner(),
    *(Manner(speed=value) for value in (0.8, 0.9, 1.15, 1.3)),
    *(Manner(pitch=value) for value in (-3, -1.5, 1.5, 3)),
    *(Manner(clarity=value) for value in (0, 0.5)),
)


def line(manner: Manner, clips: ClipSet, neutral: ClipSet, accuracy: float) -> str:
    found, usual = (measure(one.sounds, one.rate, cut=True) for one in (clips, neutral))
    ratio = np.exp(np.median(np.log(usual.seconds / found.seconds)))
    change = 12 * np.nanmedian(np.log2(found.pitch_hz / usual.pitch_hz))
    mos = naturalness.dnsmos(clips.sounds, clips.rate, count=DNSMOS_STRINGS)
    alike = speaker.similarity(clips, neutral)[speaker.SIMILARITY]
    shown = "-" if isinstance(alike, str) else f"{alike.value:.3f}"
    scores = " / ".join(f"{value.value:.2f}" for value in mos.values())
    asked = ", ".join(f"{name} {value:g}" for name, value in manner.metadata.items()) or "nothing"
    return f"| {asked} | {ratio:.3f} | {change:+.2f} | {100 * accuracy:.1f} % | {scores} | {shown} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("voice")
    parser.add_argument("--count", type=int, default=300)
    asked = parser.parse_args()
    hardware.set_up()
    voice = load_voice(asked.voice)
    classifier = cross_corpus_classifier(reserving_corpora(voice.labels, voice.language), voice.labels)
    neutral = None
    print("| asked | speed | semitones | words recognised | DNSMOS | likeness to neutral |")
    print("|---|---|---|---|---|---|")
    for manner in ASKED:
        clips = replace(sample_clips(voice.in_manner(manner), asked.count), name="generated")
        neutral = clips if neutral is None else neutral
        said = classifier.predict(clips.sounds, clips.rate)
        print(line(manner, clips, neutral, float((said.labels == clips.labels).mean())), flush=True)


if __name__ == "__main__":
    main()
