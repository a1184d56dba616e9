"""Pictures of a trained model: losses, its latent space, its spectrograms."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


from voxlet.plots.figure import COLOURS, LABEL_COLOURS, LABEL_MARKERS, MANY, canvas, label

FAINT = 0.02  # mean of a band in [0, 1] in which nothing can be seen


NAME_WIDTH, NAME_HEIGHT = 0.11, 0.036  # of a name in a panel of the latent map, as shares of the panel


def loss_curves(epochs: ArrayLike, curves: Mapping[str, ArrayLike], title: str, unit: str) -> Figure:
    """Curves over epochs; the steep fall at the start is cut off so that the rest can be read."""
    figure, (axis,) = canvas(8, 4.5)
    time = np.asarray(epochs, dtype=np.float64)
    settled = time >= min(3.0, time.max(initial=0.0) / 3)
    low, high = math.inf, -math.inf
    for index, (name, values) in enumerate(curves.items()):
        line = np.asarray(values, dtype=np.float64)
        marker = "." if len(time) < 12 else ""
        text = f"{name}, {line[-1]:,.1f} at the end"
        axis.plot(time, line, color=COLOURS[index], linewidth=1.6, label=text, marker=marker)
        low, high = min(low, line[settled].min()), max(high, line[settled].max())
    margin = 0.05 * max(high - low, 1e-3)
    axis.set_ylim(low - margin, high + margin)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.legend(frameon=False, fontsize=9)
    label(axis, title, "epochs", unit)
    return figure


def learning_curves(curves: Mapping[str, NDArray[np.float64]], title: str, unit: str) -> Figure:
    """A curve for each name, (points, 2) of epoch and value; the steep fall at the start is cut off."""
    figure, (axis,) = canvas(9, 5)
    settled = []
    for index, (name, points) in enumerate(curves.items()):
        time, line = points.T
        dash = ("-", "--", ":")[index // len(COLOURS) % 3]
        text = f"{name}, {line.min():,.0f} at best"
        axis.plot(time, line, dash, color=COLOURS[index % len(COLOURS)], linewidth=1.5, label=text)
        settled.append(line[time >= min(3.0, time.max() / 3)])
    low, high = min(map(np.min, settled)), np.percentile(np.concatenate(settled), 98)
    axis.set_ylim(low - 0.05 * (high - low + 1), high + 0.05 * (high - low + 1))
    axis.legend(frameon=False, fontsize=8)
    label(axis, title, "epochs", unit)
    return figure


def latent_panels(
    groups: Mapping[str, tuple[NDArray[np.float64], NDArray[np.int64]]], names: Sequence[str]
) -> Figure:
    """A small panel for each model of (points (B, 2), labels (B,)), each at its own scale."""
    columns = min(3, len(groups))
    rows = math.ceil(len(groups) / columns)
    figure, panels = canvas(3.4 * columns, 3.2 * rows, rows, columns)
    for axis, (title, (points, labels)) in zip(panels, groups.items(), strict=False):
        for index in range(len(names)):
            own = points[labels == index]
            if len(own):
                colour = COLOURS[index % len(COLOURS)]
                axis.scatter(own[:, 0], own[:, 1], s=9, color=colour, alpha=0.7, linewidths=0)
                axis.annotate(
                    names[index], np.median(own, axis=0), fontsize=7, ha="center", va="center",
                    color=colour, path_effects=[withStroke(linewidth=2, foreground="white")],
                )  # fmt: skip
        axis.set_title(title, fontsize=9, loc="left")
        axis.tick_params(labelsize=7)
    for axis in panels[len(groups) :]:
        axis.set_axis_off()
    return figure


def latent_map(
    groups: Mapping[str, tuple[NDArray[np.float64], NDArray[np.int64]]],
    names: Sequence[str],
    axes_names: tuple[str, str],
) -> Figure:
    """A panel for each group of (points (B, 2), labels (B,)) at a common scale; labels by colour and name."""
    figure, panels = canvas(6.2 * len(groups) + 1.2, 6, 1, len(groups))
    everything = np.concatenate([points for points, _ in groups.values()])
    low, high = np.percentile(everything, [0.3, 99.7], axis=0)
    margin = 0.08 * (high - low) + 1e-3
    for axis, (title, (points, labels)) in zip(panels, groups.items(), strict=True):
        size = 16 if len(points) < 1_000 else 7
        for index, name in enumerate(names):
            own = points[labels == index]
            if len(own) == 0:
                continue
            colour = LABEL_COLOURS[index % len(LABEL_COLOURS)]
            marker = LABEL_MARKERS[index % len(LABEL_MARKERS)]
            axis.scatter(
                own[:, 0], own[:, 1], s=size, color=colour, marker=marker, alpha=0.6, linewidths=0, label=name
            )
        present = [index for index in range(len(names)) if (labels == index).any()]
        middles = np.array([np.median(points[labels == index], axis=0) for index in present])
        places = _apart((middles - low) / (high - low + 1e-9)) * (high - low) + low
        for index, place in zip(present, places, strict=True):
            axis.annotate(
                names[index], place, fontsize=10, ha="center", va="center", fontweight="bold",
                color=LABEL_COLOURS[index % len(LABEL_COLOURS)],
                path_effects=[withStroke(linewidth=3, foreground="white")],
            )  # fmt: skip
        axis.set_xlim(low[0] - margin[0], high[0] + margin[0])
        axis.set_ylim(low[1] - margin[1], high[1] + margin[1])
        label(axis, f"{title}: {len(points):,} clips", *axes_names)
    if len(names) <= MANY:
        panels[-1].legend(
            frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5), markerscale=2
        )
    return figure


def _apart(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places of names, (B, 2) in [0, 1], moved up or down so that no name hides another."""
    moved = places.copy()
    for _ in range(50):
        for first in range(len(moved)):
            for second in range(first):
                across, up = moved[first] - moved[second]
                if abs(across) < NAME_WIDTH and abs(up) < NAME_HEIGHT:
                    push = (NAME_HEIGHT - abs(up)) / 2 * (1 if up >= 0 else -1)
                    moved[first, 1] += push
                    moved[second, 1] -= push
    return moved


def spectrogram_rows(
    rows: Mapping[str, NDArray[np.float32]], names: Sequence[str], seconds: float, rate: int
) -> Figure:
    """A row of pictures for each kind, (columns, M, F) in [0, 1], with a column for each name.

    Frequencies above the highest band in which anything can be seen are cut off.
    """
    figure = Figure(figsize=(0.6 + 1.55 * len(names), 0.5 + 1.9 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), len(names), squeeze=False, sharex=True, sharey=True)
    everything = np.concatenate(list(rows.values()))
    heard = np.flatnonzero(everything.mean(axis=(0, 2)) > FAINT)
    top = min(1.0, 1.1 * (heard[-1] + 1) / everything.shape[1]) if len(heard) else 1.0
    for line, (kind, pictures) in zip(axes, rows.items(), strict=True):
        for axis, picture in zip(line, pictures, strict=True):
            axis.imshow(
                picture, origin="lower", aspect="auto", cmap="magma", vmin=0, vmax=1,
                extent=(0, seconds, 0, rate / 2000),
            )  # fmt: skip
            axis.set_ylim(0, top * rate / 2000)
            axis.tick_params(labelsize=8)
        line[0].set_ylabel(f"{kind}\nkHz", fontsize=9)
    for axis, name in zip(axes[0], names, strict=True):
        axis.set_title(name, fontsize=10)
    for axis in axes[-1]:
        axis.set_xlabel("s", fontsize=9)
    return figure


def spectrogram_strips(
    rows: Mapping[str, NDArray[np.float32]], names: Sequence[str], seconds: float, rate: int
) -> Figure:
    """Strips of many pictures, (columns, M, F) in [0, 1] each, with names above columns and beside rows.

    All are drawn as one image, which is quicker than one pair of axes per picture as in `spectrogram_rows`.
    """
    count, bands, frames = next(iter(rows.values())).shape
    high, wide = bands + max(2, bands // 12), frames + max(2, frames // 12)
    sheet = np.full((high * len(rows), wide * count), np.nan, dtype=np.float32)
    for line, pictures in enumerate(rows.values()):
        for column, picture in enumerate(pictures):
            top, left = line * high, column * wide
            sheet[top : top + bands, left : left + frames] = picture[::-1]
    lines = 1 + max(name.count("\n") for name in names)
    figure = Figure(figsize=(1.0 + 1.15 * count, 0.45 + 0.16 * lines + 1.1 * len(rows)), layout="constrained")
    axis = figure.subplots()
    axis.imshow(sheet, aspect="auto", cmap="magma", vmin=0, vmax=1)
    axis.spines[:].set_visible(False)
    axis.xaxis.tick_top()
    axis.set_xticks([column * wide + frames / 2 for column in range(count)], names, fontsize=9)
    axis.set_yticks([line * high + bands / 2 for line in range(len(rows))], list(rows), fontsize=9)
    axis.tick_params(length=0)
    axis.set_xlabel(f"each {seconds:.2f} s, up to {rate / 2000:g} kHz", fontsize=8)
    return figure
