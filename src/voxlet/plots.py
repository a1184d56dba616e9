"""Numbers to figures: the only module that imports matplotlib.

Functions take arrays and return a Figure; `save` writes it. The object API is used throughout (no pyplot), so
figures are no global state and need no screen.
"""

from __future__ import annotations

import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator

from voxlet.files import write_atomically

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from numpy.typing import ArrayLike, NDArray

DPI = 110
COLOURS = (
    "#3b6ea5",
    "#d9822b",
    "#4f9d69",
    "#b0413e",
    "#7b5ea7",
    "#8c6d46",
    "#c45b8d",
    "#6b7280",
    "#a3a12c",
    "#2a9db3",
)
QUIET = "#9aa3ad"  # grid lines, notes
TRACK, INK = "#eef0f3", "#222222"  # behind a bar; of its interval
MANY = 40  # names that fit under one axis
NAME_WIDTH, NAME_HEIGHT = 0.11, 0.036  # of a word in a panel of the latent map, as shares of the panel
FAINT = 0.02  # of a scaled spectrogram: nothing to be seen
LONG_TITLE = 32  # characters that fit above a small picture


def encode(figure: Figure, kind: str = "png") -> bytes:
    """A figure as the bytes of a file: `png`, `svg` or `pdf`."""
    buffer = io.BytesIO()
    # No date and no version: the same numbers give the same bytes.
    metadata = {"Software": None} if kind == "png" else None
    figure.savefig(buffer, format=kind, dpi=DPI, metadata=metadata)
    return buffer.getvalue()


def grey_png(pixels: NDArray[np.uint8]) -> bytes:
    """A greyscale picture (height, width) as the bytes of a PNG file."""
    from PIL import Image  # matplotlib brings it

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure (PNG, SVG or PDF, by the suffix) that appears whole or not at all.

    Raises:
        FileError: The folder is missing, full or not writable.
    """
    write_atomically(path, encode(figure, Path(path).suffix.lstrip(".") or "png"))


def canvas(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    """A figure of `width` x `height` inches and its axes, row by row."""
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=9)
    return figure, list(axes.flat)


def bars(axis: Axes, values: Mapping[str, float], title: str, unit: str) -> None:
    """One bar a name; long or many names are written upright."""
    names = list(values)
    axis.bar(range(len(names)), list(values.values()), color=COLOURS[0], width=0.75)
    upright = len(names) > 12 or max(map(len, names), default=0) * len(names) > 70
    axis.set_xticks(range(len(names)), names, rotation=90 if upright else 0)
    axis.set_xlim(-0.6, max(len(names) - 0.4, 0.6))
    label(axis, title, "", unit)


def histogram(
    axis: Axes,
    groups: Mapping[str, ArrayLike],
    title: str,
    xlabel: str,
    *,
    width: float | None = None,
    unit: str = "clips",
) -> None:
    """Overlaid histograms over one set of bins; the outermost half per cent is put into the last bin.

    `width` of the bins: for values that come in steps, a multiple of the step; without it there are 50.
    """
    arrays = {name: np.asarray(values, dtype=np.float64) for name, values in groups.items()}
    low, high = np.percentile(np.concatenate(list(arrays.values())), [0.5, 99.5])
    if width is None:
        edges = np.linspace(low, high if high > low else low + 1.0, 51)
    else:
        edges = np.arange(math.floor(low / width), math.floor(high / width) + 2) * width
    for index, (name, values) in enumerate(arrays.items()):
        clipped = np.clip(values, edges[0], edges[-1])
        axis.hist(clipped, edges.tolist(), color=COLOURS[index], alpha=0.6, label=f"{name} ({len(values):,})")
    if len(arrays) > 1:
        axis.legend(frameon=False, fontsize=9)
    label(axis, title, xlabel, unit)


def ranges(axis: Axes, groups: Mapping[str, ArrayLike], title: str, unit: str) -> None:
    """A box for each name: quartiles, median, and whiskers at the 1st and 99th percentile."""
    axis.boxplot(
        [np.asarray(values) for values in groups.values()],
        whis=(1, 99),
        showfliers=False,
        widths=0.6,
        patch_artist=True,
        boxprops={"facecolor": "#cfdceb", "edgecolor": COLOURS[0]},
        medianprops={"color": COLOURS[3]},
        whiskerprops={"color": COLOURS[0]},
        capprops={"color": COLOURS[0]},
    )
    axis.set_xticks(range(1, len(groups) + 1), list(groups), rotation=90 if len(groups) > 12 else 0)
    label(axis, title, "", unit)


def label(axis: Axes, title: str, xlabel: str, ylabel: str) -> None:
    """Title and names of both axes, and a quiet grid."""
    axis.set_title(title, fontsize=11, loc="left")
    axis.set_xlabel(xlabel, fontsize=10)
    axis.set_ylabel(ylabel, fontsize=10)
    axis.grid(axis="y", color=QUIET, alpha=0.3, linewidth=0.6)
    axis.set_axisbelow(True)


def clip_counts(per_label: Mapping[str, int], per_speaker: Mapping[str, int]) -> Figure:
    """Clips per label and per speaker; where these are many, how many of them have how many clips."""
    figure, (left, right) = canvas(13, 4, 1, 2)
    for axis, what, values in ((left, "label", per_label), (right, "speaker", per_speaker)):
        if len(values) <= MANY:
            bars(axis, values, f"Clips per {what}", "clips")
            continue
        counts = np.array(list(values.values()))
        top = max(3, int(np.percentile(counts, 99.5)))
        step = math.ceil(top / 50)
        edges = np.arange(0.5, top + step + 0.5, step)
        axis.hist(np.minimum(counts, edges[-1]), edges.tolist(), color=COLOURS[0], rwidth=0.9)
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        label(axis, f"The {len(counts):,} {what}s by their number of clips", "clips", f"{what}s")
    return figure


def clip_lengths(before: ArrayLike, after: ArrayLike, marks: tuple[float, float]) -> Figure:
    """Histograms of length in seconds before and after normalisation, and where each one's mark lies.

    The marks are the 97th percentile before, and the one length of all rows after.
    """
    figure, axes = canvas(13, 5.5, 2, 1)
    longest = float(np.percentile(np.asarray(before), 99.5))
    # Words are measured in frames of 10 ms: bins of 20 ms hold as many frames each.
    edges = np.arange(0, longest + 0.04, 0.02)
    rows = (("As recorded", before, "97th percentile"), ("Normalised", after, "one length"))
    for axis, (name, values, what), mark, colour in zip(axes, rows, marks, COLOURS, strict=False):
        seconds = np.asarray(values)
        axis.hist(np.minimum(seconds, edges[-1]), edges.tolist(), color=colour, alpha=0.75)
        axis.axvline(mark, color=COLOURS[3], linewidth=1.2, linestyle="--")
        beyond = mark > 0.75 * edges[-1]
        axis.annotate(
            f"{what} {mark:.3f} s", (mark, 0.95), xytext=(-6 if beyond else 6, 0),
            textcoords="offset points", xycoords=axis.get_xaxis_transform(), color=COLOURS[3], fontsize=9,
            ha="right" if beyond else "left", va="top", bbox={"facecolor": "white", "edgecolor": "none"},
        )  # fmt: skip
        axis.set_xlim(0, edges[-1])
        label(axis, f"{name}: {len(seconds):,} clips by their length", "", "clips")
    axes[-1].set_xlabel("seconds", fontsize=10)
    return figure


def clip_levels(levels: Mapping[str, ArrayLike], leading: ArrayLike, trailing: ArrayLike) -> Figure:
    """Levels of the words by speaker (dB re full scale), and the silence around them in seconds."""
    figure, (left, right) = canvas(13, 4, 1, 2)
    if len(levels) <= MANY:
        ranges(left, levels, "Level of the words, by speaker", "dB re full scale")
    else:
        flat = np.concatenate([np.asarray(values) for values in levels.values()])
        histogram(left, {"level": flat}, "Level of the words", "dB re full scale")
    histogram(right, {"before": leading, "after": trailing}, "Silence around the word", "seconds", width=0.02)
    return figure


def counts(values: Mapping[str, int], title: str, unit: str) -> Figure:
    """One horizontal bar for each name, the longest on top."""
    ordered = sorted(values.items(), key=lambda item: (item[1], item[0]))
    figure, (axis,) = canvas(13, 1.2 + 0.27 * len(ordered))
    drawn = axis.barh([name for name, _ in ordered], [count for _, count in ordered], color=COLOURS[0])
    axis.bar_label(drawn, padding=3, fontsize=9)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    label(axis, title, unit, "")
    axis.grid(visible=False)
    return figure


def clip_examples(
    clips: Sequence[tuple[str, NDArray[np.float32], NDArray[np.float64]]], rate: int, columns: int = 5
) -> Figure:
    """A waveform above a spectrogram for each (title, samples (T,), decibels (bands, frames))."""
    rows = math.ceil(len(clips) / columns)
    figure = Figure(figsize=(2.6 * columns, 2.9 * rows), layout="constrained")
    longest = max(len(samples) for _, samples, _ in clips) / rate
    axes = figure.subplots(2 * rows, columns, squeeze=False, height_ratios=[1, 2] * rows, sharex=True)
    for axis in axes.flat:
        axis.set_axis_off()
    for index, (title, samples, decibels) in enumerate(clips):
        row, column = divmod(index, columns)
        wave, picture = axes[2 * row, column], axes[2 * row + 1, column]
        wave.set_axis_on()
        picture.set_axis_on()
        wave.plot(np.arange(len(samples)) / rate, samples, color=COLOURS[0], linewidth=0.5)
        bound = 1.05 * float(np.abs(samples).max(initial=1e-6))
        wave.set_ylim(-bound, bound)
        wave.set_yticks([])
        wave.spines[["top", "right", "left", "bottom"]].set_visible(False)
        wave.tick_params(axis="x", length=0)
        wave.set_title(title if len(title) <= LONG_TITLE else f"{title[: LONG_TITLE - 1]}…", fontsize=10)
        top = decibels.max(initial=-200.0)
        seconds = len(samples) / rate
        picture.imshow(
            decibels, origin="lower", aspect="auto", cmap="magma", vmin=top - 80, vmax=top,
            extent=(0, seconds, 0, rate / 2000),
        )  # fmt: skip
        picture.set_xlim(0, longest)
        picture.tick_params(labelsize=8)
        if column == 0:
            picture.set_ylabel("kHz", fontsize=9)
        else:
            picture.set_yticklabels([])
        last = index + columns >= len(clips)
        picture.tick_params(axis="x", labelbottom=last)
        if last:
            picture.set_xlabel("seconds", fontsize=9)
    return figure


@dataclass(frozen=True)
class PairedBars:
    """One measure of two sets of clips: by name of the set, the text beside its bar, and (value, low, high).

    The bar of `full` length is that long in the measure's unit; without it, the longest bar is.
    """

    title: str
    bars: Mapping[str, tuple[str, tuple[float, float, float]]]
    full: float | None = None
    note: str = ""


def paired_bars(measures: Sequence[PairedBars]) -> Figure:
    """A small panel for each measure, two in a row: a bar for each set, its interval and its value."""
    rows = math.ceil(len(measures) / 2)
    figure, axes = canvas(11, 1.25 * rows, rows, 2)
    for axis, measure in zip(axes, measures, strict=False):
        names = list(measure.bars)
        longest = max(high for _, (_, _, high) in measure.bars.values())
        full = measure.full or 1.1 * max(longest, 1e-9)
        for place, (text, (value, low, high)) in enumerate(measure.bars.values()):
            shown = max(0.0, value)
            axis.barh(place, full, color=TRACK, height=0.62)
            axis.barh(place, shown, color=COLOURS[place], height=0.62)
            reach = [[max(0.0, shown - max(0.0, low))], [max(0.0, high - shown)]]
            axis.errorbar(shown, place, xerr=reach, color=INK, linewidth=1.1, capsize=2.5)
            axis.text(1.02 * full, place, text, va="center", fontsize=9)
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.5, -0.5)
        axis.set_xlim(0, 1.55 * full)
        axis.set_xticks([])
        axis.spines[["bottom", "left"]].set_visible(False)
        axis.tick_params(axis="y", length=0)
        note = f"   {measure.note}" if measure.note else ""
        axis.set_title(f"{measure.title}{note}", fontsize=10, loc="left")
    for axis in axes[len(measures) :]:
        axis.set_axis_off()
    return figure


def interval_panels(
    panels: Mapping[str, Mapping[str, Mapping[str, tuple[float, float, float]]]],
) -> Figure:
    """A panel for each title, with a dot and a 95 % interval for each (value, low, high).

    A panel has series by name, such as made and real clips, which stand side by side at each of their names.
    """
    figure, axes = canvas(13, 3.1 * len(panels), len(panels), 1)
    for axis, (title, series) in zip(axes, panels.items(), strict=True):
        names = list(dict.fromkeys(name for values in series.values() for name in values))
        for index, (kind, values) in enumerate(series.items()):
            places = [names.index(name) + 0.16 * (index - (len(series) - 1) / 2) for name in values]
            middle, low, high = np.array(list(values.values())).T
            reach = np.maximum(0.0, [middle - low, high - middle])
            axis.errorbar(
                places, middle, yerr=reach, fmt="o", color=COLOURS[index], markersize=5, linewidth=1.3,
                capsize=2.5, label=kind,
            )  # fmt: skip
        axis.set_xticks(range(len(names)), names, rotation=90 if len(names) > 20 else 0)
        axis.set_xlim(-0.5, len(names) - 0.5)
        axis.legend(frameon=False, fontsize=9, loc="center left", bbox_to_anchor=(1.0, 0.5))
        label(axis, title, "", "")
    return figure


def loss_curves(epochs: ArrayLike, curves: Mapping[str, ArrayLike], title: str, unit: str) -> Figure:
    """Curves over epochs; the first steep fall is cut off so that what follows can be read."""
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
    """A curve for each name, (points, 2) of epoch and value; the first steep fall is cut off."""
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
    """A panel for each group of (points (B, 2), labels (B,)) at one scale, labels by colour and name."""
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
            colour = COLOURS[index % len(COLOURS)]
            marker = "osD^v"[index // len(COLOURS) % 5]
            axis.scatter(
                own[:, 0], own[:, 1], s=size, color=colour, marker=marker, alpha=0.6, linewidths=0, label=name
            )
        present = [index for index in range(len(names)) if (labels == index).any()]
        middles = np.array([np.median(points[labels == index], axis=0) for index in present])
        places = _apart((middles - low) / (high - low + 1e-9)) * (high - low) + low
        for index, place in zip(present, places, strict=True):
            axis.annotate(
                names[index], place, fontsize=10, ha="center", va="center", fontweight="bold",
                color=COLOURS[index % len(COLOURS)],
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
    """Names at (B, 2) in [0, 1] moved up or down until none hides another."""
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
    """A row of pictures for each kind, (columns, M, F) in [0, 1], a column for each name.

    What lies above the highest band with anything in it is cut off.
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
