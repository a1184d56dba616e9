"""Plots of a trained clip VAE: learning curves, latent space, spectrograms."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from voxlet.models.plane import find_plane
from voxlet.plots.figure import save
from voxlet.plots.training import latent_map, loss_curves, spectrogram_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.recipes.clip.clip_run import ClipRun
    from voxlet.training.serialize import JSON

FOLDER = "plots"
MOST_LABELS = 10  # in the rows of spectrograms


def illustrate(opened: ClipRun, part: str, rows: NDArray[np.int64]) -> None:
    """Plot loss and KL divergence over epochs, the latent space by label, and rows of spectrograms.

    Args:
        opened: The trained run, able to speak; the plots go to its folder `plots`.
        part: Name of the part of the clips that `rows` is: `test`, `validation` or `training`.
        rows: Row numbers of clips, of held-out ones if there are any.
    """
    folder = opened.path / FOLDER
    folder.mkdir(exist_ok=True)
    lines = opened.run.metrics()
    held_out = any("validation_kl" in line for line in lines)
    measured = ("train", "validation") if held_out else ("train",)
    # A damaged line may lack some columns.
    columns = {"epoch", *(f"{part}_{name}" for part in measured for name in ("loss", "kl"))}
    lines = [line for line in lines if columns <= set(line)]
    for name, title in (("loss", "Loss"), ("kl", "KL divergence")):
        curves = {part: _column(lines, f"{part}_{name}") for part in measured}
        if lines:
            drawn = loss_curves(_column(lines, "epoch"), curves, title, "nats a clip")
            save(drawn, folder / f"{name}.png")

    labels, parts = opened.prepared.labels, {"Training": opened.split.train, part.capitalize(): rows}
    means = {name: opened.encode(own).mean for name, own in parts.items()}
    plane = find_plane(means["Training"])
    groups = {name: (plane.project(means[name]), labels[own]) for name, own in parts.items()}
    save(latent_map(groups, opened.labels, plane.axes), folder / "latents.png")

    shown = [label for label in range(len(opened.labels)) if (labels[rows] == label).any()][:MOST_LABELS]
    names = [opened.labels[label] for label in shown]
    chosen = np.array([rows[labels[rows] == label][0] for label in shown])
    pictures = {
        f"real ({part})": opened.spectrograms.read(torch.from_numpy(chosen)).numpy(),
        "reconstructed": opened.reconstruct_spectrograms(chosen).numpy(),
        "generated": opened.decode_spectrograms(opened.draw(names, seed=0), names).numpy(),
        "generated again": opened.decode_spectrograms(opened.draw(names, seed=1), names).numpy(),
    }
    seconds = opened.speech.samples / opened.rate
    save(spectrogram_rows(pictures, names, seconds, opened.rate), folder / "spectrograms.png")


def _column(lines: list[dict[str, JSON]], name: str) -> NDArray[np.float64]:
    return np.array([line[name] for line in lines], dtype=np.float64)
