"""What all figures share: colours, axes, simple charts, encoding and saving.

Functions take arrays and return a Figure; `save` writes it. Only matplotlib's object API is used (no pyplot),
so figures are no global state and need no screen.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

from voxlet.files import write_atomically

if TYPE_CHECKING:
    import os

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
# Colours of labels on a map, as in the page's `map/looks.js`: as distinct as could be found, with and without
# each kind of colour blindness; neighbours in this list differ in their marker, too.
LABEL_COLOURS = (
    "#376a76",
    "#f07497",
    "#391d90",
    "#c3ba30",
    "#a72106",
    "#44c3fb",
    "#641e47",
    "#7e81fa",
    "#978501",
    "#920ad1",
)
LABEL_MARKERS = "os^DP"
QUIET = "#9aa3ad"  # grid lines, notes
MANY = 40  # names that fit under one axis


def encode(figure: Figure, kind: str = "png") -> bytes:
    """A figure as the bytes of a `png`, `svg` or `pdf` file."""
    buffer = io.BytesIO()
    # No date and no version: the same numbers give the same bytes.
    metadata = {"Software": None} if kind == "png" else None
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a label in a script that the font lacks
        figure.savefig(buffer, format=kind, dpi=DPI, metadata=metadata)
    return buffer.getvalue()


def grey_png(pixels: NDArray[np.uint8]) -> bytes:
    """A greyscale picture (height, width) as the bytes of a PNG file."""
    from PIL import Image  # a dependency of matplotlib

    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write a figure (PNG, SVG or PDF, by the suffix); the file appears whole or not at all.

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
    """Draw one bar per name; long or many names are written vertically."""
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
    """Draw overlaid histograms with common bins; the outer half per cent on each side goes to the end bins.

    `width` of the bins: for values that come in steps, a multiple of the step; without it there are 50 bins.
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
    """Draw a box for each name: quartiles, median, and whiskers at the 1st and 99th percentile."""
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
    """Set the title and the names of both axes, and draw a faint grid."""
    axis.set_title(title, fontsize=11, loc="left")
    axis.set_xlabel(xlabel, fontsize=10)
    axis.set_ylabel(ylabel, fontsize=10)
    axis.grid(axis="y", color=QUIET, alpha=0.3, linewidth=0.6)
    axis.set_axisbelow(True)
