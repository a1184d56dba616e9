"""Pictures of a corpus: numbers, lengths and levels of its clips, and examples."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray


from voxlet.plots.figure import COLOURS, MANY, bars, canvas, histogram, label, ranges

LONG_TITLE = 32  # characters that fit above a small picture


def clip_counts(per_label: Mapping[str, int], per_speaker: Mapping[str, int]) -> Figure:
    """Clips per label and per speaker; for more than 40 labels or speakers, a histogram of their counts."""
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
    """Histograms of clip lengths in seconds before and after normalisation, each with a mark.

    The marks are the 97th percentile before, and the common length of all rows after.
    """
    figure, axes = canvas(13, 5.5, 2, 1)
    longest = float(np.percentile(np.asarray(before), 99.5))
    # Lengths are multiples of frames of 10 ms, so every bin of 20 ms covers the same number of them.
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
    """One horizontal bar per name, the longest on top."""
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
