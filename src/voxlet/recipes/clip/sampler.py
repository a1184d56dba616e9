"""A trained clip VAE that speaks: label -> latent -> log spectrogram -> phase -> clip.

What it needs besides the weights is fitted once, at the end of training, and kept in the run's
`sampler.safetensors`: speaking needs no corpus.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from voxlet import audio, speech_regions
from voxlet.errors import ConfigError, FileError, RunError, VoiceError
from voxlet.files import write_atomically
from voxlet.models.clip.build import build_model
from voxlet.recipes.clip.config import ClipTraining
from voxlet.recipes.clip.label_posterior import LabelPosterior, from_arrays
from voxlet.spectral.griffin_lim import griffin_lim
from voxlet.spectral.log_spectrogram import Spectrogram, amplitudes
from voxlet.spectral.stft import istft
from voxlet.training import checkpoints
from voxlet.training.run import CONFIG, Run, Which, open_run
from voxlet.training.serialize import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from voxlet.audio import Samples
    from voxlet.models.clip.vae import ClipVAE
    from voxlet.speak.speech import Style
    from voxlet.spectral.config import SpectrogramConfig

Phase = Literal["griffin-lim", "none"]

FILE = "sampler.safetensors"
FORMAT = 1
STAGE = "vae"
DECODED_AT_ONCE = 32  # the study's CNN needs 20 MB for each


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


class RunSampler:
    """Speaks with a clip VAE. A `voxlet.speak.speech.Sampler` without speakers and styles.

    Args:
        name: What it is called in metadata and errors.
        model: With its trained weights.
        config: Of the spectrograms.
        speech: What it can say.
        posterior: Where the labels lie in the latent space; None for conditional models, whose latents come
            from the prior.
        device: What it computes on.
        phase: Of the sound: Griffin-Lim's, or none at all, as in the study.
    """

    def __init__(
        self,
        name: str,
        model: ClipVAE,
        *,
        config: SpectrogramConfig,
        speech: Speech,
        posterior: LabelPosterior | None,
        device: torch.device | None = None,
        phase: Phase = "griffin-lim",
    ) -> None:
        self.name, self.phase = name, phase
        self.device = torch.device("cpu") if device is None else device
        self.model = model.to(self.device).eval()
        self.config = config
        self.speech = speech
        self.posterior = posterior

    @property
    def rate(self) -> int:
        """Of its clips, in Hz."""
        return self.config.rate

    @property
    def labels(self) -> tuple[str, ...]:
        """The words it can say."""
        return self.speech.labels

    @property
    def speakers(self) -> tuple[str, ...]:
        """None: a clip VAE mixes the voices it has heard."""
        return ()

    def latents(self, labels: Sequence[str], *, seed: int = 0, first: int = 0) -> Tensor:
        """Latents (B, Z), each a function of its label, `seed` and `first` plus its place.

        Raises:
            VoiceError: There is no such label.
        """
        size = self.model.config.latent_size
        drawn = np.empty((len(labels), size))
        for place, index in enumerate(self._indices(labels)):
            generator = np.random.default_rng((seed, first + place))
            source = self.posterior or self.model.prior
            drawn[place] = source.draw(index, generator) if source else generator.standard_normal(size)
        return torch.from_numpy(drawn).float().to(self.device)

    @torch.inference_mode()
    def spectrograms(self, labels: Sequence[str], *, seed: int = 0, first: int = 0) -> Tensor:
        """Scaled log spectrograms (B, M, F) in [0, 1], one per label."""
        latents = self.latents(labels, seed=seed, first=first)
        indices = torch.tensor(self._indices(labels), device=self.device)
        made = [
            self.model.decode(some, conditions).float().sigmoid()
            for some, conditions in zip(
                torch.split(latents, DECODED_AT_ONCE), torch.split(indices, DECODED_AT_ONCE), strict=True
            )
        ]
        return torch.cat(made)

    @torch.inference_mode()
    def sample(
        self,
        labels: Sequence[str],
        *,
        speaker: str | None = None,
        style: Style | None = None,
        seed: int = 0,
        first: int = 0,
    ) -> list[Samples]:
        """One clip (T,) float32 per label, as long as the word in it.

        Raises:
            VoiceError: There is no such label, or a speaker or style is asked for.
        """
        if speaker is not None or style is not None:
            raise VoiceError(
                "a clip VAE mixes the voices it has heard and cannot choose one",
                where=self.name,
                remedy="leave speaker and style out, or take a voice",
            )
        if not labels:
            return []
        waveforms = self.voice(self.spectrograms(labels, seed=seed, first=first))
        return [finish(waveform, self.rate) for waveform in waveforms]

    def voice(self, spectrograms: Tensor) -> list[Samples]:
        """Waveforms (T,) of generated spectrograms (B, M, F), with the phase that was asked for."""
        ones = torch.ones(len(spectrograms), device=spectrograms.device)
        scaled = Spectrogram(spectrograms, self.speech.low * ones, self.speech.high * ones, ones)
        amplitude = amplitudes(scaled)
        if self.phase == "none":
            waveforms = istft(amplitude.to(torch.complex64), self.config, self.speech.samples)
        else:
            waveforms = griffin_lim(amplitude, self.config, samples=self.speech.samples)
        return list(waveforms.cpu().numpy())

    def _indices(self, labels: Sequence[str]) -> list[int]:
        for label in labels:
            if label not in self.labels:
                raise VoiceError(
                    f"cannot say {label!r}", where=self.name, remedy=f"it says: {', '.join(self.labels)}"
                )
        return [self.labels.index(label) for label in labels]


def save_speech(run: Run, speech: Speech, posterior: LabelPosterior | None) -> None:
    """Keep in the run what speaking needs besides the weights.

    Raises:
        RunError: It cannot be written.
    """
    described = json.dumps({"format": FORMAT, "speech": to_json(speech)})
    arrays = posterior.arrays() if posterior else {"none": np.zeros(1)}
    data = save(arrays, metadata={"voxlet": described})
    try:
        write_atomically(run.path / FILE, data)
    except FileError as error:
        raise RunError(error.what, where=error.where, remedy=error.remedy) from error


def load_speech(run: Run) -> tuple[Speech, LabelPosterior | None]:
    """What `save_speech` kept; without a posterior for conditional models.

    Raises:
        RunError: It is missing or damaged.
    """
    path = run.path / FILE
    if not path.exists():
        raise RunError(
            "cannot speak yet: its training has not come to its end",
            where=run.path,
            remedy="give the command that trained it again, and it goes on",
        )
    try:
        with safe_open(path, "numpy") as file:
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
            described = json.loads(file.metadata()["voxlet"])
        if described["format"] != FORMAT:
            raise RunError(f"is of format {described['format']}, not {FORMAT}", where=path)
        speech = from_json(Speech, described["speech"], where=path, field="speech")
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, ConfigError) as error:
        raise RunError(f"is damaged ({error})", where=path, remedy="train again in another folder") from error
    return speech, None if "none" in arrays else from_arrays(arrays, where=path)


def load_model(run: Run, config: ClipTraining, shape: tuple[int, int], labels: int, which: Which) -> ClipVAE:
    """The run's clip VAE with its trained weights.

    Raises:
        RunError: They are missing, damaged or of another model.
    """
    with torch.device("meta"):  # the weights are in the run: making others first would be in vain
        model = build_model(config.model, shape, labels)
    model.to_empty(device="cpu")
    checkpoints.load_modules({"vae": model}, run.weights(STAGE, which), run.path)
    return model.eval()


def open_sampler(
    path: str | os.PathLike[str], *, which: Which = "best", phase: Phase = "griffin-lim"
) -> RunSampler:
    """The sampler of a trained run.

    Args:
        path: The run's folder.
        which: The weights with the lowest validation loss, or the last ones.
        phase: Of the sound.

    Raises:
        RunError: There is no such run, it is damaged, not trained to its end, or not a clip VAE's.
    """
    run = open_run(path)
    where = run.path / CONFIG
    if run.record.get("kind") != "clip":
        raise RunError("is not the run of a clip VAE", where=run.path, remedy="export it, then use the voice")
    try:
        config = from_json(ClipTraining, run.record.get("config"), where=where, field="config")
    except ConfigError as error:
        raise RunError(error.what, where=error.where, remedy=error.remedy) from error
    speech, posterior = load_speech(run)
    model = load_model(run, config, speech.shape, len(speech.labels), which)
    if posterior is None and not config.model.conditional:
        raise RunError("has no posterior to draw from", where=run.path / FILE)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    return RunSampler(
        run.path.resolve().name,
        model,
        config=config.spectrogram,
        speech=speech,
        posterior=posterior,
        device=device,
        phase=phase,
    )


def finish(
    waveform: audio.Samples,
    rate: int,
    *,
    rms: float = audio.SPEECH_RMS,
    fade: float = 0.005,
    margin: float = 0.03,
) -> audio.Samples:
    """Make a synthesised clip (T,) fit to play: outer silence cut, faded ends, one level, no clipping.

    Args:
        waveform: The clip; silence stays as it is.
        rate: In Hz.
        rms: The level it gets, less where its peak would pass full scale.
        fade: Seconds of fade at each end.
        margin: Seconds of silence that may stay at each end.
    """
    centred = waveform - waveform.mean(dtype=np.float32)
    trimmed = speech_regions.trim(centred, rate, margin=margin)
    return audio.level(audio.fade(trimmed, rate, fade), rms)
