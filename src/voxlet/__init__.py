"""voxlet: a voice from a folder of short recordings.

    voice = voxlet.load_voice("digits")
    audio = voice.say("4091", speaker="jackson", seed=7)
    audio.save("4091.wav")

The packages; a table in tests/test_imports.py says which may import which:

    speak/       speaking, without PyTorch: text to words, the voice file, one utterance
    corpus/      real recordings: known corpora, any folder, inspection, prepared clips, splits
    spectral/    every transform between waveforms and spectra
    models/      clip VAEs; the wave VAE, flow prior, style encoder and discriminators of a voice
    training/    the training loop, runs, checkpoints, several processes
    recipes/     presets: what is trained and what a run produces; opening a run
    evaluation/  classifiers, metrics, the scorecard
    study/       the study's models compared with voxlet's
    hub/         uploading and downloading voices
    serving/     voices over HTTP
    exploring/   the latent space, seen, heard and steered
    cli/         the command line, one file per command

    words/       words: spelling, digits, languages
    datasets/    labelled clips of a voice by the hundred thousand

    and what all of them use: audio, decoding, trimming, files, cache, engines, downloading, plots.
    ARCHITECTURE.md describes every package and its imports.

Each name below is imported when it is first used, so that `import voxlet` is quick and light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from voxlet.version import __version__

if TYPE_CHECKING:
    from voxlet.corpus.corpus import open_corpus
    from voxlet.errors import VoxletError
    from voxlet.exploring.explore import explore
    from voxlet.recipes.opened import ClipRun, VoiceRun, load
    from voxlet.recipes.train import train
    from voxlet.speak.speech import Utterance
    from voxlet.speak.voice import Voice, load_voice, say

__all__ = [
    "ClipRun",
    "Utterance",
    "Voice",
    "VoiceRun",
    "VoxletError",
    "__version__",
    "adapt",
    "explore",
    "load",
    "load_voice",
    "open_corpus",
    "say",
    "train",
]

_HOMES = {
    "ClipRun": "voxlet.recipes.clip.clip_run",
    "Utterance": "voxlet.speak.speech",
    "Voice": "voxlet.speak.voice",
    "VoiceRun": "voxlet.recipes.voice.voice_run",
    "VoxletError": "voxlet.errors",
    "explore": "voxlet.exploring.explore",
    "adapt": "voxlet.recipes.adapt",
    "load": "voxlet.recipes.opened",
    "load_voice": "voxlet.speak.voice",
    "open_corpus": "voxlet.corpus.corpus",
    "say": "voxlet.speak.voice",
    "train": "voxlet.recipes.train",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'voxlet' has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:  # an extra is not installed
        if (error.name or "").startswith("voxlet"):
            raise
        from voxlet.extras import missing_extra

        raise missing_extra(error, "train") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
