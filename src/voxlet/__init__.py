"""voxlet: a voice from a folder of short recordings.

    voice = voxlet.load_voice("digits")
    audio = voice.say("4091", speaker="george", seed=7)
    audio.save("4091.wav")

The map, from left to right; a folder is a stage and imports only what stands above it:

    speak/      text to labels and pauses, the voice file, one utterance; needs no PyTorch
    corpus/     real recordings: known sets, any folder, a look at them, prepared clips, splits
    features    waveform to log spectrogram and back
    models/     the study's clip VAEs, the wave VAE, the flow-matching prior
    training/   presets, one loop, the run folder, export to a voice file
    judging/    recognisers trained on real clips, scores, the scorecard, the study
    exploring/  latent maps, morphs, traversals
    serving/    the page and the HTTP API
    cli         one function per command (arguments: the plain command lines, read at once)

    errors      the one family of errors a user can see
    audio       sound files and arrays of samples
    plots       numbers to figures

What a name below stands for is imported when it is first used, so `import voxlet` is quick and light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from voxlet.corpus.corpus import open_corpus
    from voxlet.errors import VoxletError
    from voxlet.speak.speech import Utterance
    from voxlet.speak.voice import Voice, load_voice, say
    from voxlet.training.run import Run, open_run
    from voxlet.training.train import train

__all__ = [
    "Run",
    "Utterance",
    "Voice",
    "VoxletError",
    "__version__",
    "load_voice",
    "open_corpus",
    "open_run",
    "say",
    "train",
]

_HOMES = {
    "Run": "voxlet.training.run",
    "Utterance": "voxlet.speak.speech",
    "Voice": "voxlet.speak.voice",
    "VoxletError": "voxlet.errors",
    "load_voice": "voxlet.speak.voice",
    "open_corpus": "voxlet.corpus.corpus",
    "open_run": "voxlet.training.run",
    "say": "voxlet.speak.voice",
    "train": "voxlet.training.train",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'voxlet' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
