"""Audio players and pictures of clips for pages, and the nearest pairs as files."""

from __future__ import annotations

import base64
import html
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio, files
from voxlet.evaluation.classifiers.inputs import FLOOR, InputConfig, log_mel, normalise
from voxlet.evaluation.metrics.memorisation import PAIRS_KEY
from voxlet.evaluation.parts import GENERATED
from voxlet.plots.figure import grey_png
from voxlet.speak.speech import wav_metadata

if TYPE_CHECKING:
    from pathlib import Path

    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.scorecard import Scorecard

LOUDEST = 4.0  # nepers of power that are drawn black


def player(samples: audio.Samples, rate: int, caption: str) -> str:
    """HTML of a clip: a picture of its mel spectrogram and an audio player, both embedded."""
    drawn = base64.b64encode(picture(samples, rate)).decode()
    sound = base64.b64encode(audio.encode_wav(audio.level(samples, InputConfig().rms), rate)).decode()
    return (
        f'<figure><img alt="spectrogram" src="data:image/png;base64,{drawn}">'
        f'<audio controls preload="none" src="data:audio/wav;base64,{sound}"></audio>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def picture(samples: audio.Samples, rate: int) -> bytes:
    """A PNG of a clip's mel spectrogram, the input of classifiers."""
    inputs = InputConfig()
    silence = np.log(FLOOR)
    shade = (log_mel(normalise(samples, rate, inputs), inputs) - silence) / (LOUDEST - silence)
    return grey_png(255 - (255 * shade.clip(0, 1)).astype(np.uint8)[::-1])


def image(png: bytes, name: str) -> str:
    """HTML of an embedded PNG, at most as wide as the page."""
    drawn = base64.b64encode(png).decode()
    return f'<img alt="{html.escape(name)}" style="max-width: 100%" src="data:image/png;base64,{drawn}">'


def write_pairs(folder: Path, card: Scorecard, clips: ClipSet, train: ClipSet) -> None:
    """Write the nearest pairs as files: NN-generated and NN-train, each as WAV and picture, nearest first.

    Raises:
        FileError: A file cannot be written.
    """
    for number, (row, _, source, _) in enumerate(card.tables.get(GENERATED, {}).get(PAIRS_KEY, []), 1):
        metadata = wav_metadata({"source": clips.sources[int(row)]})
        sides = {
            "generated": (clips.sounds[int(row)], clips.rate, metadata),
            "train": (train.sound_of(str(source)), train.rate, {}),
        }
        for name, (samples, rate, note) in sides.items():
            stem = folder / f"{number:02}-{name}"
            audio.write(stem.with_suffix(".wav"), samples, rate, note)
            files.write_atomically(stem.with_suffix(".png"), picture(samples, rate))
