"""What only a run can tell: how it rebuilds real clips, and how a clip VAE's latent space is ordered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.prepare import prepare
from voxlet.corpus.splits import make_split
from voxlet.errors import ConfigError
from voxlet.evaluation.metrics import latents
from voxlet.evaluation.metrics.naturalness import fidelity, naturalness
from voxlet.evaluation.metrics.statistics import Interval
from voxlet.models.distributions import bernoulli_nll
from voxlet.models.voice.wave_vae import WaveVAE
from voxlet.recipes.clip.config import ClipTraining
from voxlet.recipes.clip.encode import encode, explain, reconstruct
from voxlet.recipes.clip.sampler import open_sampler
from voxlet.recipes.clip.task import spectrograms_of
from voxlet.recipes.opened import read_config
from voxlet.recipes.voice.config import VoiceTraining
from voxlet.recipes.voice.data import voice_data
from voxlet.recipes.voice.plan import WAVE, VoiceParts
from voxlet.spectral.griffin_lim import griffin_lim
from voxlet.spectral.log_spectrogram import Spectrogram, amplitudes, analyse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.audio import Samples
    from voxlet.corpus.prepare import Prepared
    from voxlet.corpus.splits import Split
    from voxlet.evaluation.parts import Value
    from voxlet.recipes.clip.sampler import RunSampler
    from voxlet.recipes.presets import Training
    from voxlet.training.run import Run


TINY = 1e-6  # from 0 and 1, whose logarithms are infinite


def clips_of(run: Run, config: Training) -> tuple[Prepared, Split]:
    """The clips that a run was trained on, prepared and divided as they were.

    Raises:
        CorpusError: Its corpus is not there.
    """
    source = run.record["corpus"]
    assert isinstance(source, dict)
    prepared = prepare(open_corpus(str(source["source"]), allow_rejected=True), config.preparation)
    return prepared, make_split(prepared, config.split, seed=config.split_seed)


class Insides:
    """A run of a clip VAE with the clips it was trained on.

    Raises:
        RunError: There is no such run, or it is not trained to its end.
        ConfigError: It is not a clip VAE's.
        CorpusError: Its corpus is not there.
    """

    def __init__(self, run: str) -> None:
        opened, config = read_config(run)
        if not isinstance(config, ClipTraining):
            raise ConfigError("only the run of a clip VAE shows its latent space", where=opened.path)
        self.config = config
        self.prepared, self.split = clips_of(opened, config)
        self.sampler: RunSampler = open_sampler(run)
        self.model = self.sampler.model.cpu()
        self.spectrograms = spectrograms_of(self.prepared, config.spectrogram)
        self.labels = torch.from_numpy(self.prepared.labels)

    def latent_space(self) -> dict[str, Value]:
        """How far labels and speakers can be read from the means of posteriors, and which units work."""
        train = encode(self.model, self.spectrograms, self.labels, self.split.train)
        test = encode(self.model, self.spectrograms, self.labels, self.split.test)
        found: dict[str, Value] = {}
        for name, known in (("label", self.prepared.labels), ("speaker", self.prepared.speakers)):
            told = known[self.split.train], known[self.split.test]
            if len(np.unique(told[0])) < 2:
                continue
            given = train.mean, told[0], test.mean, told[1]
            found[f"{name} heard right, linear probe"] = latents.linear_probe(*given)
            found[f"{name} heard right, nearest neighbours"] = latents.nearest_neighbours(*given)
            if test.mean.shape[1] > 1:
                gap = latents.information_gap(test.mean, told[1])
                found[f"mutual information gap, {name}"] = exactly(gap, len(told[1]))
        held_out = self.model, self.spectrograms, self.labels, self.split.test
        amortised = explain(*held_out)
        refined = explain(*held_out, refined=True)
        found["test loss, nats a clip"] = exactly(amortised.loss, amortised.clips)
        found["test loss, each posterior refined"] = exactly(refined.loss, refined.clips)
        for suffix, those in (("", amortised), (", each posterior refined", refined)):
            share = self.explained(those.loss)
            if share is not None:
                found[f"explained share{suffix}"] = exactly(share, those.clips)
        units = amortised.kl_per_unit
        found["active units"] = exactly(latents.active_units(test.mean), len(units))
        for number, nats in enumerate(units):
            found[f"KL of unit {number}, nats"] = exactly(nats, len(test.mean))
        return found

    def explained(self, loss: float) -> float | None:
        """Share of what can be explained that this test loss explains; None for a Gaussian likelihood."""
        if self.config.model.likelihood != "bernoulli":
            return None
        worst, best = self.bounds()
        return (worst - loss) / (worst - best)

    def bounds(self) -> tuple[float, float]:
        """The loss of the training clips' mean spectrogram on the test clips, and the test clips' entropy."""
        test = self.spectrograms[torch.from_numpy(self.split.test)].float()
        mean = self.spectrograms[torch.from_numpy(self.split.train)].float().mean(0)
        # Silence must cost nothing: a margin from 0 as in training would be hundreds of nats in all.
        guess, exact = (values.clamp(TINY, 1 - TINY) for values in (mean, test))
        entropy = -(exact * exact.log() + (1 - exact) * (1 - exact).log()).sum((1, 2)).mean()
        return float(bernoulli_nll(guess.logit().expand_as(test), test)), float(entropy)

    def reconstruction(self, *, seed: int = 0) -> dict[str, tuple[Value, Value | None]]:
        """Real test clips rebuilt from their posterior means; second the same of the clips themselves.

        The phase is Griffin-Lim's. PESQ and STOI follow the waveform, and so count that as a fault.
        """
        rows = self.split.test
        chosen = torch.from_numpy(rows)
        originals = [self.prepared.clip(int(row)) for row in rows]
        audio = torch.from_numpy(np.array(self.prepared.audio[rows]))
        real = analyse(audio, self.config.spectrogram)
        rebuilt = reconstruct(self.model, self.spectrograms[chosen], self.labels[chosen])
        amplitude = amplitudes(Spectrogram(rebuilt, real.low, real.high, real.reference))
        waveforms = griffin_lim(amplitude, self.config.spectrogram, samples=audio.shape[1]).numpy()
        copies = [wave[: len(clip)] for wave, clip in zip(waveforms, originals, strict=True)]
        return compare(originals, copies, self.prepared.rate, seed)


class VoiceInsides:
    """The wave VAE of a voice's run with the clips it was trained on.

    Raises:
        RunError: There is no such run, or its wave VAE is not trained to its end.
        ConfigError: It is not a voice's.
        CorpusError: Its corpus is not there.
    """

    def __init__(self, run: str) -> None:
        opened, config = read_config(run)
        if not isinstance(config, VoiceTraining):
            raise ConfigError("only the run of a voice has a wave VAE", where=opened.path)
        self.prepared, self.split = clips_of(opened, config)
        unit = WaveVAE(config.wave.model, self.prepared.rate).samples_per_latent
        train = torch.from_numpy(self.split.train)
        self.data = voice_data(self.prepared, train, torch.device("cpu"), unit)
        self.wave = VoiceParts(config, self.data, len(self.prepared.label_names)).load(opened, WAVE).wave

    @torch.inference_mode()
    def reconstruction(self, *, seed: int = 0) -> dict[str, tuple[Value, Value | None]]:
        """Real test clips rebuilt from their posterior means; second the same of the clips themselves."""
        originals, copies = [], []
        for row in self.split.test:
            length = int(self.data.lengths[row])
            unit = self.wave.samples_per_latent
            real = self.data.audio[row : row + 1, : -(-length // unit) * unit]
            made = self.wave.decode(self.wave.encode(real).mean).waveform
            originals.append(real[0, :length].numpy())
            copies.append(made[0, :length].numpy())
        return compare(originals, copies, self.prepared.rate, seed)


def compare(
    originals: Sequence[Samples], copies: Sequence[Samples], rate: int, seed: int
) -> dict[str, tuple[Value, Value | None]]:
    """How natural and how near copies (T,) of originals (T,) are; second the same of the originals."""
    scales = naturalness(copies, rate, seed=seed), naturalness(originals, rate, seed=seed)
    found: dict[str, tuple[Value, Value | None]] = {
        f"DNSMOS {name}, rebuilt": (scales[0][name], scales[1][name]) for name in scales[0]
    }
    near = fidelity(originals, copies, rate)
    found["log-mel L1, nepers of power"] = near.log_mel_l1, None
    found["PESQ"] = near.pesq or "no clip was long enough", None
    found["STOI"] = near.stoi or "no clip was long enough", None
    return found


def exactly(value: float, count: int) -> Interval:
    """A figure that has no interval of its own."""
    return Interval(value, value, value, count)
