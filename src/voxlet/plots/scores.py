"""Scores of generated clips beside those of real clips: bars and dots with their intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure

if TYPE_CHECKING:
    from collections.abc import Sequence


from voxlet.plots.figure import COLOURS, canvas, label

TRACK, INK = "#eef0f3", "#222222"  # colours behind a bar, and of its interval


@dataclass(frozen=True)
class PairedBars:
    """One measure of two sets of clips: for each set, the text beside its bar, and (value, low, high).

    `full` is the value, in the measure's unit, that fills the bar's track; if None, it is 1.1 times the
    largest `high`.
    """

    title: str
    bars: Mapping[str, tuple[str, tuple[float, float, float]]]
    full: float | None = None
    note: str = ""


def paired_bars(measures: Sequence[PairedBars]) -> Figure:
    """A small panel for each measure, two per row: a bar for each set, with its interval and its text."""
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

    A panel has named series, such as generated and real clips, drawn side by side at each name on its axis.
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
