"""An opened run of a voice: its models, its clips, and the finished voice."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import torch

from voxlet.errors import RunError
from voxlet.models.distributions import Gaussian
from voxlet.recipes.trained_run import TrainedRun
from voxlet.recipes.voice.clips.data import voice_data
from voxlet.recipes.voice.config import VoiceTraining
from voxlet.recipes.voice.scope import Scope
from voxlet.recipes.voice.weights import load_kept, load_student, load_wave
from voxlet.speak.voice import load_voice
from voxlet.speak.voice_file import SUFFIX
from voxlet.training.batches import row_numbers
from voxlet.training.run import GO_ON

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from voxlet.audio import Samples
    from voxlet.models.voice.flow_prior import FlowPrior
    from voxlet.models.voice.style_encoder import StyleEncoder
    from voxlet.models.voice.wave_vae import WaveVAE
    from voxlet.recipes.voice.clips.data import VoiceData
    from voxlet.recipes.voice.clips.speakers import Speakers
    from voxlet.recipes.voice.weights import StyledPrior
    from voxlet.speak.speech import Style
    from voxlet.speak.voice import Voice

CPU = torch.device("cpu")


class VoiceRun(TrainedRun[VoiceTraining]):
    """A `voxlet.speak.speech.Sampler` that uses the finished voice, and the voice's models and clips."""

    @property
    def voice_path(self) -> Path:
        """The path of the voice file that the run ends with."""
        return self.path / f"{self.name}{SUFFIX}"

    @cached_property
    def voice(self) -> Voice:
        """The finished voice.

        Raises:
            RunError: The training is not finished.
            VoiceError: The voice file is damaged.
        """
        if not self.voice_path.exists():
            raise RunError(
                "cannot speak yet: its training is not finished",
                where=self.path,
                remedy=GO_ON,
            )
        return load_voice(self.voice_path)

    @property
    def labels(self) -> tuple[str, ...]:
        """The words that it can say."""
        return self.voice.labels

    @property
    def spellings(self) -> Mapping[str, Sequence[str]]:
        """Other spellings of some labels."""
        return self.voice.spellings

    @property
    def speakers(self) -> tuple[str, ...]:
        """The names of its speakers."""
        return self.voice.speakers

    def sample(
        self,
        labels: Sequence[str],
        *,
        speaker: str | None = None,
        style: Style | None = None,
        seed: int = 0,
        first: int = 0,
    ) -> list[Samples]:
        """One clip (T,) float32 per label, by the voice; see `Voice.sample`."""
        return self.voice.sample(labels, speaker=speaker, style=style, seed=seed, first=first)

    @cached_property
    def data(self) -> VoiceData:
        """The clips of the dataset."""
        return voice_data(self.dataset, CPU, self.config.prior.model.attributes)

    @cached_property
    def wave(self) -> WaveVAE:
        """The wave VAE.

        Raises:
            RunError: It is not trained yet, or its weights are damaged.
        """
        return load_wave(self.run, self.config, CPU)

    @property
    def student(self) -> FlowPrior:
        """The few-step prior; it reads the styles that `style` infers.

        Raises:
            RunError: It is not trained yet, or its weights are damaged.
        """
        return self._few_step.flow

    @property
    def style(self) -> StyleEncoder:
        """The style encoder, with the whitened coordinates of the voice.

        Raises:
            RunError: See `student`.
        """
        return self._few_step.style

    @cached_property
    def _few_step(self) -> StyledPrior:
        return load_student(self.run, self.config, CPU)

    @cached_property
    def scope(self) -> Scope | None:
        """What the voice keeps of its base; None for a voice of its takes alone."""
        return Scope.of(self.run)

    @cached_property
    def kept(self) -> Speakers | None:
        """The speakers that the voice keeps of its base; None for a voice of its takes alone.

        Raises:
            RunError: See `student`.
        """
        return None if self.scope is None else load_kept(self.run, self.scope.speakers)

    @torch.inference_mode()
    def encode(self, rows: Sequence[int] | NDArray[np.int64]) -> list[Gaussian]:
        """The posterior (L, Z) of each of the dataset's clips `rows`; L depends on the clip's length."""
        unit, found = self.wave.samples_per_latent, []
        for row in row_numbers(rows):
            samples = -(-int(self.data.lengths[row]) // unit) * unit
            audio = self.data.audio.read(torch.tensor([row]), samples)
            found.append(Gaussian(*(part[0] for part in self.wave.encode(audio))))
        return found

    @torch.inference_mode()
    def decode(self, latents: Sequence[Tensor]) -> list[Samples]:
        """The waveform (L * samples per latent,) of each latent sequence (L, Z)."""
        return [self.wave.decode(sequence[None]).waveform[0].numpy() for sequence in latents]

    def reconstruct(self, rows: Sequence[int] | NDArray[np.int64]) -> list[Samples]:
        """The dataset's clips `rows`, decoded from their posterior means, each (T,) as long as the clip."""
        chosen = row_numbers(rows)
        waveforms = self.decode([posterior.mean for posterior in self.encode(chosen)])
        lengths = self.data.lengths[torch.from_numpy(chosen)].tolist()
        return [wave[:length] for wave, length in zip(waveforms, lengths, strict=True)]
