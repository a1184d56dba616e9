"""An opened run of a clip VAE, which samples, encodes, decodes and reconstructs clips."""

from __future__ import annotations

import copy
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch

from voxlet.errors import RunError, VoiceError
from voxlet.recipes.clip import encode as encoding
from voxlet.recipes.clip import sampler
from voxlet.recipes.clip.config import ClipTraining
from voxlet.recipes.clip.data import Spectrograms, spectrograms_of
from voxlet.recipes.trained_run import TrainedRun
from voxlet.spectral.griffin_lim import griffin_lim
from voxlet.spectral.log_spectrogram import Spectrogram, amplitudes, analyse
from voxlet.training.batches import in_turn, row_numbers
from voxlet.words.spelling import find

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from voxlet.audio import Samples
    from voxlet.corpus.dataset import Dataset
    from voxlet.models.clip.vae import ClipVAE
    from voxlet.recipes.clip.encode import Explained, Latents
    from voxlet.recipes.clip.label_posterior import LabelPosterior
    from voxlet.recipes.clip.sampler import Phase, Speech
    from voxlet.recipes.networks import Networks
    from voxlet.speak.speech import Style
    from voxlet.training.run import Run


class ClipRun(TrainedRun[ClipTraining]):
    """A `voxlet.speak.speech.Sampler` without speakers and styles, and the clips that it was trained on.

    Everything is computed on the CPU, from the weights with the lowest validation loss, so that the same
    call with the same seed gives the same samples. A clip's latent depends only on its label, seed and place.
    Its sound also depends slightly on the clips decoded with it: Griffin-Lim amplifies rounding errors.

    Args:
        run: The run's folder.
        config: The settings that it was trained with.
        dataset: Its clips, if they are open already.
        speech: What `load_speech` would read, if it is known before the run's file is written.
        phase: Phase of sampled clips: from Griffin-Lim, or zero, as in the study.
    """

    def __init__(
        self,
        run: Run,
        config: ClipTraining,
        dataset: Dataset | None = None,
        *,
        speech: Speech | None = None,
        phase: Phase = "griffin-lim",
    ) -> None:
        super().__init__(run, config, dataset)
        self.phase = phase
        if speech is not None:
            self.speech = speech

    def with_phase(self, phase: Phase) -> ClipRun:
        """A copy of this opened run with another phase."""
        other = copy.copy(self)
        other.phase = phase
        return other

    @cached_property
    def speech(self) -> Speech:
        """What speaking needs to know of the corpus.

        Raises:
            RunError: The training is not finished, or the run's file is damaged.
        """
        return sampler.load_speech(self.run)

    @cached_property
    def posterior(self) -> LabelPosterior | None:
        """The aggregated posterior of each label in the latent space; None for conditional models.

        Raises:
            RunError: See `speech`; or the run has none although the model needs one.
        """
        found = sampler.load_posterior(self.run)
        if found is None and not self.config.model.conditional:
            raise RunError("has no posterior to draw from", where=self.path / sampler.FILE)
        return found

    @cached_property
    def model(self) -> ClipVAE:
        """The clip VAE, in `eval` mode.

        Raises:
            RunError: Its weights are missing or damaged.
        """
        return sampler.load_model(self.run, self.config, self.speech.shape, len(self.labels))

    @property
    def parameters(self) -> int:
        """Number of the model's weights."""
        return sum(parameter.numel() for parameter in self.model.parameters())

    @property
    def labels(self) -> tuple[str, ...]:
        """The C words that it can say."""
        return self.speech.labels

    @property
    def spellings(self) -> Mapping[str, Sequence[str]]:
        """Other spellings of its words: none are known."""
        return {}

    @property
    def speakers(self) -> tuple[str, ...]:
        """None: a clip VAE mixes the voices that it was trained on."""
        return ()

    @cached_property
    def spectrograms(self) -> Spectrograms:
        """Log spectrograms of all clips of the dataset, (N, M, F), scaled to [0, 1]."""
        return spectrograms_of(self.prepared, self.config.spectrogram)

    @cached_property
    def label_numbers(self) -> Tensor:
        """Label numbers of all clips of the dataset, (N,) int64."""
        return torch.from_numpy(self.prepared.labels)

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
                "a clip VAE mixes the voices that it was trained on and cannot choose one",
                where=self.name,
                remedy="leave speaker and style out, or use a voice",
            )
        return self.decode(self.draw(labels, seed=seed, first=first), labels) if len(labels) else []

    def draw(self, labels: Sequence[str], *, seed: int = 0, first: int = 0) -> Tensor:
        """Draw latents (B, Z), each a function of its label, `seed`, and `first` plus its place.

        Raises:
            VoiceError: There is no such label.
        """
        source, size = self.posterior or self.model.prior, self.model.config.latent_size
        return sampler.draw_latents(source, self._numbers(labels), size, seed=seed, first=first)

    def decode(self, latents: Tensor, labels: Sequence[str]) -> list[Samples]:
        """One clip (T,) float32 for each of the latents (B, Z), as long as the word in it.

        Args:
            latents: (B, Z).
            labels: B label names; conditional models depend on them.

        Raises:
            VoiceError: See `decode_spectrograms`.
        """
        decoded = self.decode_spectrograms(latents, labels)
        waveforms = sampler.to_waveforms(decoded, self.speech, self.config.spectrogram, self.phase)
        return [sampler.finish(waveform, self.rate) for waveform in waveforms]

    def decode_spectrograms(self, latents: Tensor, labels: Sequence[str]) -> Tensor:
        """Scaled log spectrograms (B, M, F) in [0, 1] of latents (B, Z).

        Raises:
            VoiceError: A label is unknown, or the latents are not finite numbers of shape (B, Z).
        """
        given, shape = torch.as_tensor(latents).float(), (len(labels), self.model.config.latent_size)
        if not len(labels) or given.shape != shape or not given.isfinite().all():
            raise VoiceError(
                f"latents of shape {tuple(given.shape)} are not {shape[0]} rows of {shape[1]} numbers",
                where=self.name,
            )
        return sampler.decode(self.model, given, torch.tensor(self._numbers(labels)))

    def spectrogram_parts(self, rows: Sequence[int] | NDArray[np.int64]) -> Iterator[Tensor]:
        """Spectrograms of the dataset's clips `rows`, in batches (b, M, F)."""
        for batch in in_turn(row_numbers(rows), encoding.BATCH):
            yield self.spectrograms.read(torch.from_numpy(batch))

    def encode(self, rows: Sequence[int] | NDArray[np.int64]) -> Latents:
        """Posteriors of the dataset's clips `rows` in the latent space."""
        return encoding.encode(self.model, self.spectrograms, self.label_numbers, row_numbers(rows))

    def explain(self, rows: Sequence[int] | NDArray[np.int64], *, refined: bool = False) -> Explained:
        """The ELBO of the dataset's clips `rows`; `refined`: with the best posterior found for each."""
        chosen = row_numbers(rows)
        return encoding.explain(self.model, self.spectrograms, self.label_numbers, chosen, refined=refined)

    def reconstruct_spectrograms(self, rows: Sequence[int] | NDArray[np.int64]) -> Tensor:
        """Scaled log spectrograms (B, M, F) of the dataset's clips `rows`, from their posterior means."""
        chosen = torch.from_numpy(row_numbers(rows))
        return encoding.reconstruct(self.model, self.spectrograms.read(chosen), self.label_numbers[chosen])

    @torch.inference_mode()
    def reconstruct(self, rows: Sequence[int] | NDArray[np.int64]) -> list[Samples]:
        """Waveforms of the dataset's clips `rows`, from their posterior means, each (T,) as long as the clip.

        Their levels are those of the clips; their phases come from Griffin-Lim.
        """
        rows = row_numbers(rows)
        audio = torch.from_numpy(self.prepared.rows.read(rows))
        real = analyse(audio, self.config.spectrogram)
        rebuilt = self.reconstruct_spectrograms(rows)
        amplitude = amplitudes(Spectrogram(rebuilt, real.low, real.high, real.reference))
        waveforms = griffin_lim(amplitude, self.config.spectrogram, samples=audio.shape[1]).numpy()
        lengths = self.prepared.rows.lengths[rows]
        return [wave[:length] for wave, length in zip(waveforms, lengths, strict=True)]

    def networks(self) -> Networks:
        """Encoder and decoder as ONNX files, for use without PyTorch."""
        from voxlet.recipes.networks import export_networks

        return export_networks(self.model, self.speech.shape)

    def _numbers(self, labels: Sequence[str]) -> list[int]:
        numbers = {label: number for number, label in enumerate(self.labels)}
        found = []
        for label in labels:
            known = find(label, self.labels)
            if known is None:
                raise VoiceError(
                    f"cannot say {label!r}", where=self.name, remedy=f"it says: {', '.join(self.labels)}"
                )
            found.append(numbers[known])
        return found
