"""What only a clip VAE's run can tell: how it rebuilds real clips, and how its latent space is ordered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from voxlet import features
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.prepare import prepare
from voxlet.corpus.splits import make_split
from voxlet.errors import ConfigError
from voxlet.features import Spectrogram
from voxlet.judging import latents
from voxlet.judging.naturalness import fidelity, naturalness
from voxlet.judging.scores import Interval
from voxlet.training.clip_task import spectrograms_of
from voxlet.training.config import ClipTraining
from voxlet.training.encoding import encode, reconstruct
from voxlet.training.sampler import open_sampler
from voxlet.training.train import read_config

if TYPE_CHECKING:
    from voxlet.corpus.prepare import Prepared
    from voxlet.corpus.splits import Split
    from voxlet.judging.measures import Value
    from voxlet.training.sampler import RunSampler


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
        source = opened.record["corpus"]
        assert isinstance(source, dict)
        self.config = config
        self.prepared: Prepared = prepare(open_corpus(str(source["source"])), config.preparation)
        self.split: Split = make_split(self.prepared, config.split, seed=config.split_seed)
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
        units = latents.kl_per_unit(test.mean, test.deviation)
        found["active units"] = exactly(latents.active_units(test.mean), len(units))
        for number, nats in enumerate(units):
            found[f"KL of unit {number}, nats"] = exactly(float(nats), len(test.mean))
        return found

    def reconstruction(self, *, seed: int = 0) -> dict[str, Value]:
        """Real test clips rebuilt from their posterior means, with the phase of Griffin-Lim.

        PESQ and STOI follow the waveform, and so count the made-up phase as a fault.
        """
        rows = self.split.test
        chosen = torch.from_numpy(rows)
        originals = [self.prepared.clip(int(row)) for row in rows]
        audio = torch.from_numpy(np.array(self.prepared.audio[rows]))
        real = features.analyse(audio, self.config.spectrogram)
        rebuilt = reconstruct(self.model, self.spectrograms[chosen], self.labels[chosen])
        amplitude = features.amplitudes(Spectrogram(rebuilt, real.low, real.high, real.reference))
        waveforms = features.griffin_lim(amplitude, self.config.spectrogram, samples=audio.shape[1]).numpy()
        copies = [wave[: len(clip)] for wave, clip in zip(waveforms, originals, strict=True)]
        rate = self.prepared.rate
        found: dict[str, Value] = {
            f"DNSMOS {name}": value for name, value in naturalness(copies, rate, seed=seed).items()
        }
        near = fidelity(originals, copies, rate)
        found["log-mel L1, nepers of power"] = near.log_mel_l1
        found["PESQ"] = near.pesq or "no clip was long enough"
        found["STOI"] = near.stoi or "no clip was long enough"
        return found


def exactly(value: float, count: int) -> Interval:
    """A figure that has no interval of its own."""
    return Interval(value, value, value, count)
