"""Speaking with a clip VAE: label -> latent -> log spectrogram -> phase -> clip.

What this needs besides the weights is fitted once, at the end of training, and saved in the run's
`sampler.safetensors`, so that speaking needs no corpus.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from voxlet import audio
from voxlet.errors import ConfigError, FileError, RunError
from voxlet.files import write_atomically
from voxlet.models.clip.build import build_model
from voxlet.recipes.clip.label_posterior import LabelPosterior, from_arrays
from voxlet.speak.speech import check_seed
from voxlet.spectral.griffin_lim import griffin_lim
from voxlet.spectral.log_spectrogram import Spectrogram, amplitudes
from voxlet.spectral.stft import istft
from voxlet.training import checkpoints
from voxlet.training.run import GO_ON
from voxlet.training.serialize import from_json, to_json
from voxlet.trimming.regions import find_speech

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from voxlet.audio import Samples
    from voxlet.models.clip.vae import ClipVAE
    from voxlet.recipes.clip.config import ClipTraining
    from voxlet.spectral.config import SpectrogramConfig
    from voxlet.training.run import Run
    from voxlet.training.serialize import JSON

Phase = Literal["griffin-lim", "none"]

FILE = "sampler.safetensors"
FORMAT = 1
DIGEST = "digest"  # the first files of this format have none
STAGE = "vae"
DECODED_AT_ONCE = 32  # clips; the study's CNN needs 20 MB for each


@dataclass(frozen=True)
class Speech:
    """What speaking needs to know of the corpus.

    Attributes:
        labels: Names of the C labels.
        shape: (M, F) of the spectrograms.
        samples: T of the clips.
        low: dB that 0 stands for in a generated spectrogram.
        high: dB that 1 stands for.
    """

    labels: tuple[str, ...]
    shape: tuple[int, int]
    samples: int
    low: float
    high: float


class LatentSource(Protocol):
    """A distribution of latents for each label: a `LabelPosterior` or a learned `MixturePrior`."""

    def draw(self, label: int, generator: np.random.Generator) -> NDArray[np.float64]:
        """One latent (Z,) of the label with this number."""


def draw_latents(
    source: LatentSource | None, labels: Sequence[int], size: int, *, seed: int = 0, first: int = 0
) -> Tensor:
    """Draw latents (B, Z), each a function of its label, `seed`, and `first` plus its place.

    Args:
        source: The distribution to draw from; None: the standard normal.
        labels: B label numbers.
        size: Z.
        seed: Seed of all latents.
        first: Place of the first latent.

    Raises:
        ConfigError: `seed` or `first` is not a whole number from 0.
    """
    check_seed(seed)
    first = check_seed(first, "first")
    drawn = np.empty((len(labels), size))
    for place, label in enumerate(labels):
        generator = np.random.default_rng((seed, first + place))
        drawn[place] = generator.standard_normal(size) if source is None else source.draw(label, generator)
    return torch.from_numpy(drawn).float()


@torch.inference_mode()
def decode(model: ClipVAE, latents: Tensor, labels: Tensor) -> Tensor:
    """Scaled log spectrograms (B, M, F) in [0, 1] of latents (B, Z) and label numbers (B,)."""
    pairs = zip(torch.split(latents, DECODED_AT_ONCE), torch.split(labels, DECODED_AT_ONCE), strict=True)
    return torch.cat([model.decode(some, said).float().sigmoid() for some, said in pairs])


@torch.inference_mode()
def to_waveforms(
    spectrograms: Tensor, speech: Speech, config: SpectrogramConfig, phase: Phase
) -> list[Samples]:
    """Waveforms (T,) of generated spectrograms (B, M, F)."""
    ones = torch.ones(len(spectrograms))
    amplitude = amplitudes(Spectrogram(spectrograms, speech.low * ones, speech.high * ones, ones))
    if phase == "none":
        waveforms = istft(amplitude.to(torch.complex64), config, speech.samples)
    else:
        waveforms = griffin_lim(amplitude, config, samples=speech.samples)
    return list(waveforms.numpy())


def save_speech(run: Run, speech: Speech, posterior: LabelPosterior | None) -> None:
    """Save in the run what speaking needs besides the weights.

    Raises:
        RunError: The file cannot be written.
    """
    arrays = posterior.arrays() if posterior else {"none": np.zeros(1)}
    told = to_json(speech)
    described = {"format": FORMAT, "speech": told, DIGEST: digest_of(told, arrays)}
    data = save(arrays, metadata={"voxlet": json.dumps(described)})
    try:
        write_atomically(run.path / FILE, data)
    except FileError as error:
        raise RunError(error.what, where=error.where, remedy=error.remedy) from error


def digest_of(speech: JSON, arrays: Mapping[str, NDArray[np.float64]]) -> str:
    """SHA-256 of what `save_speech` saves."""
    total = hashlib.sha256(json.dumps(speech, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        total.update(f"{name} {array.dtype} {array.shape}".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def load_speech(run: Run) -> Speech:
    """The facts about the corpus that `save_speech` saved.

    Raises:
        RunError: The file is missing or damaged.
    """
    return _kept(run)[0]


def load_posterior(run: Run) -> LabelPosterior | None:
    """The posterior that `save_speech` saved; None for conditional models.

    Raises:
        RunError: The file is missing or damaged.
    """
    arrays = _kept(run)[1]
    return None if "none" in arrays else from_arrays(arrays, where=run.path / FILE)


def _kept(run: Run) -> tuple[Speech, dict[str, NDArray[np.float64]]]:
    path = run.path / FILE
    if not path.exists():
        raise RunError(
            "cannot speak yet: its training is not finished",
            where=run.path,
            remedy=GO_ON,
        )
    try:
        with safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
            described = json.loads(file.metadata()["voxlet"])
        if described["format"] != FORMAT:
            raise RunError(f"is of format {described['format']}, not {FORMAT}", where=path)
        if described.get(DIGEST) not in (None, digest_of(described["speech"], arrays)):
            raise ValueError("its SHA-256 is not that of what was written")
        return from_json(Speech, described["speech"], where=path, field="speech"), arrays
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RecursionError, ConfigError) as error:
        raise RunError(f"is damaged ({error})", where=path, remedy=GO_ON) from error


def load_model(run: Run, config: ClipTraining, shape: tuple[int, int], labels: int) -> ClipVAE:
    """The run's clip VAE with the weights of the lowest validation loss, in `eval` mode.

    Raises:
        RunError: The weights are missing, damaged or of another model.
    """
    with torch.device("meta"):  # no initial weights: those of the run replace them
        model = build_model(config.model, shape, labels)
    model.to_empty(device="cpu")
    checkpoints.load_modules({"vae": model}, run.weights(STAGE), run.path)
    return model.eval()


def finish(
    waveform: audio.Samples,
    rate: int,
    *,
    rms: float = audio.SPEECH_RMS,
    fade: float = 0.005,
    margin: float = 0.03,
) -> audio.Samples:
    """Prepare a synthesised clip (T,) for playback: outer silence cut, faded ends, one level, no clipping.

    Args:
        waveform: The clip; a silent one stays as it is.
        rate: Sampling rate in Hz.
        rms: Level of the speech; it is lower where the peak would exceed full scale.
        fade: Seconds of fade at each end.
        margin: Seconds of silence that may stay at each end.
    """
    centred = waveform - waveform.mean(dtype=np.float32)
    found = find_speech(centred, rate)
    extra = round(margin * rate)
    trimmed = audio.fade(centred[max(0, found.start - extra) : found.stop + extra], rate, fade)
    return audio.level(trimmed, rms, loudness=found.rms(centred))
