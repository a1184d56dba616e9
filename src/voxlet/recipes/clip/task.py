"""Training a clip VAE on the spectrograms of a dataset."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from voxlet.corpus.dataset import Dataset
from voxlet.corpus.splits import draw_share
from voxlet.models.clip.build import build_model
from voxlet.models.clip.config import CNNConfig
from voxlet.recipes.clip.augment import warp
from voxlet.recipes.clip.data import spectrograms_of
from voxlet.recipes.clip.finish import finish_run, is_finished
from voxlet.training import distributed
from voxlet.training.batches import in_turn
from voxlet.training.hardware import autocast
from voxlet.training.stages import Plan, Stage

if TYPE_CHECKING:
    from torch import Tensor, nn

    from voxlet.corpus.splits import Split
    from voxlet.models.clip.vae import ClipVAE
    from voxlet.models.distributions import Elbo
    from voxlet.recipes.clip.config import ClipTraining
    from voxlet.recipes.clip.data import Spectrograms
    from voxlet.training.run import Run

STAGE = "vae"
TYPICAL_CLIPS = 2_000  # enough for the mean spectrogram
ADAM_EPSILON = 1e-7  # Keras's, as in the study
ACTIVE_NATS = 0.01  # a latent unit with a smaller KL divergence is unused


class ClipTask:
    """Trains a clip VAE by Adam on the ELBO of spectrograms (N, M, F) in [0, 1] with labels (N,).

    Rows are numbers below N. The spectrograms are on the device on which this process trains.
    """

    def __init__(
        self,
        config: ClipTraining,
        spectrograms: Spectrograms,
        labels: Tensor,
        label_count: int,
        split: Split,
    ) -> None:
        self.config = config
        self.device = distributed.device()
        self.spectrograms, self.labels = spectrograms, labels.to(self.device)
        self.validation = split.validation
        bands, frames = spectrograms.shape[1:]
        self.seconds = frames * config.spectrogram.hop / config.spectrogram.rate
        self.model: ClipVAE = build_model(config.model, (bands, frames), label_count).to(self.device)
        some = torch.from_numpy(split.train[:: 1 + len(split.train) // TYPICAL_CLIPS]).to(self.device)
        self.model.start_at(self.spectrograms.read(some).mean(dim=0))
        self.modules: dict[str, nn.Module] = {"vae": self.model}
        groups = self.model.parameter_groups(config.learning_rate)
        adam = torch.optim.Adam(groups, eps=ADAM_EPSILON, fused=True)
        self.optimizers: dict[str, torch.optim.Optimizer] = {"vae": adam}

    def elbo(self, rows: Tensor, beta: float = 1.0) -> Elbo:
        """The ELBO of the clips `rows` (B,), which are augmented in training mode."""
        rows = rows.to(self.device)
        batch = self.spectrograms.read(rows)
        if self.model.training:
            batch = warp(batch, self.config.augmentation, self.seconds)
        with autocast(self.device, self.config.precision):
            return self.model.elbo(batch, self.labels[rows], beta)

    def train_step(self, rows: Tensor, progress: float) -> dict[str, Tensor]:
        """One step of Adam; the loss is the negative ELBO at the current beta, plus the L2 penalty."""
        warm = 1.0 if progress >= self.config.kl_warmup else progress / self.config.kl_warmup
        elbo = self.elbo(rows, self.config.beta * warm)
        loss = elbo.loss + self.penalty()
        self.optimizers["vae"].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # PyTorch's
        distributed.average_gradients(self.model.parameters())
        if self.config.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip_norm)
        self.optimizers["vae"].step()
        return {
            "loss": loss.detach(),
            "reconstruction": elbo.reconstruction.detach(),
            "kl": elbo.kl.detach(),
        }

    def penalty(self) -> Tensor:
        """`l2` times the sum of squares of the convolutions' kernels; 0 for models without `l2`."""
        total = torch.zeros((), device=self.device)
        if isinstance(self.config.model, CNNConfig) and self.config.model.l2:
            for name, parameter in self.model.named_parameters():
                if name.endswith("weight") and parameter.ndim == 4:
                    total = total + parameter.square().sum()
            total = self.config.model.l2 * total
        return total

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The negative ELBO at the full beta, without penalty, in nats per clip; the number of active units.

        Empty if there are no validation clips.
        """
        totals: dict[str, float] = {"loss": 0.0, "reconstruction": 0.0, "kl": 0.0}
        units = torch.zeros(self.config.model.latent_size)
        count = len(self.validation)
        if not count:
            return {}
        for rows in in_turn(self.validation, self.config.loop.batch_size):
            elbo = self.elbo(torch.from_numpy(rows), self.config.beta)
            for name in totals:
                totals[name] += float(getattr(elbo, name)) * len(rows) / count
            units += elbo.kl_per_unit.cpu() * len(rows) / count
        return {**totals, "active_units": float((units > ACTIVE_NATS).sum())}


def clip_task(config: ClipTraining, dataset: Dataset) -> ClipTask:
    """The task of training a new clip VAE on a dataset."""
    prepared = dataset.prepared
    spectrograms = spectrograms_of(prepared, config.spectrogram, distributed.device())
    labels = torch.from_numpy(prepared.labels)
    return ClipTask(config, spectrograms, labels, len(prepared.label_names), dataset.split)


def plan_clip_training(config: ClipTraining, dataset: Dataset, run: Run) -> Plan:
    """The plan of a clip VAE's run: one stage, then `finish_run`.

    A larger `train_share` contains all training clips of a smaller one.
    """
    prepared, split = dataset.prepared, dataset.split
    if config.train_share < 1:
        rng = np.random.default_rng(config.split_seed)
        everyone, all_rows = np.arange(len(prepared)), np.isin(np.arange(len(prepared)), split.train)
        drawn = draw_share(prepared.labels, everyone, all_rows, config.train_share, rng, left=0)
        split = replace(split, train=np.flatnonzero(drawn))
    used = Dataset(prepared, split)

    def build() -> ClipTask:
        return clip_task(config, used)

    def finish() -> None:
        if not is_finished(run):
            finish_run(run, config, used)

    return Plan((Stage(STAGE, split.train, config.loop, build),), finish)
