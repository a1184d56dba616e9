"""What only a run can tell: how it rebuilds real clips, and how a clip VAE's latent space is ordered."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from voxlet.errors import ConfigError
from voxlet.evaluation.metrics import latents
from voxlet.evaluation.metrics.naturalness import fidelity, naturalness
from voxlet.evaluation.metrics.statistics import Interval
from voxlet.models.distributions import bernoulli_nll
from voxlet.recipes.clip.encode import encode, explain
from voxlet.recipes.opened import ClipRun, VoiceRun, load_run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.audio import Samples
    from voxlet.evaluation.parts import Value


TINY = 1e-6  # from 0 and 1, whose logarithms are infinite


class Insides:
    """A run of a clip VAE with the clips it was trained on.

    Raises:
        RunError: There is no such run, or it is not trained to its end.
        ConfigError: It is not a clip VAE's.
        CorpusError: Its corpus is not there.
    """

    def __init__(self, run: str) -> None:
        opened = load_run(run)
        if not isinstance(opened, ClipRun):
            raise ConfigError("only the run of a clip VAE shows its latent space", where=opened.path)
        self.opened, self.config = opened, opened.config
        self.prepared, self.split, self.model = opened.prepared, opened.split, opened.model
        self.spectrograms, self.labels = opened.spectrograms, opened.label_numbers

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
        originals = [self.prepared.clip(int(row)) for row in rows]
        return compare(originals, self.opened.reconstruct(rows), self.prepared.rate, seed)


class VoiceInsides:
    """The wave VAE of a voice's run with the clips it was trained on.

    Raises:
        RunError: There is no such run, or its wave VAE is not trained to its end.
        ConfigError: It is not a voice's.
        CorpusError: Its corpus is not there.
    """

    def __init__(self, run: str) -> None:
        opened = load_run(run)
        if not isinstance(opened, VoiceRun):
            raise ConfigError("only the run of a voice has a wave VAE", where=opened.path)
        self.opened = opened

    def reconstruction(self, *, seed: int = 0) -> dict[str, tuple[Value, Value | None]]:
        """Real test clips rebuilt from their posterior means; second the same of the clips themselves."""
        rows = self.opened.split.test
        originals = [self.opened.prepared.clip(int(row)) for row in rows]
        return compare(originals, self.opened.reconstruct(rows), self.opened.rate, seed)


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
