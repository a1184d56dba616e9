"""The scorecard as one self-contained HTML file: verdict and bars first, the rest to unfold."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np

from voxlet import files
from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.metric import CLASSIFIERS, KINDS, PART_TITLES, PERCENTILES, SCALES, show
from voxlet.evaluation.metrics.memorisation import PAIRS_KEY
from voxlet.evaluation.parts import GENERATED, REAL, SET_TITLES
from voxlet.evaluation.report.players import image, player
from voxlet.evaluation.report.verdict import headlines, verdict
from voxlet.plots.figure import encode
from voxlet.plots.scores import PairedBars, interval_panels, paired_bars
from voxlet.recipes.clip.figures import FOLDER as PLOTS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.metric import Table
    from voxlet.evaluation.reference import Reference
    from voxlet.evaluation.scorecard import Figure, Scorecard

SHOWN_SPEAKERS = 6

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 1100px;
  margin: 2rem auto; padding: 0 1rem; }}
h1 {{ margin-bottom: .3rem; }}
summary {{ font-size: 1.15rem; font-weight: 600; padding: .5rem 0; cursor: pointer; }}
details {{ border-top: 1px solid #e4e6ea; }}
details details summary {{ font-size: 1rem; font-weight: 400; padding: .2rem 0; }}
details details {{ border: 0; }}
table {{ border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #e4e6ea;
  vertical-align: top; }}
.confusion td, .confusion th {{ text-align: right; padding: .15rem .45rem; border: 0; font-size: 13px; }}
.verdict {{ font-size: 1.25rem; line-height: 1.4; margin: .6rem 0 1rem; }}
.about {{ color: #555; }}
.warning {{ background: #fff3d6; padding: .4rem .8rem; border-radius: 4px; }}
figure {{ display: inline-block; margin: .3rem .5rem .3rem 0; width: 160px; }}
figure img {{ width: 160px; height: 64px; image-rendering: auto; border-radius: 3px; display: block; }}
figcaption {{ font-size: 12.5px; color: #555; overflow-wrap: anywhere; }}
audio {{ width: 160px; height: 30px; }}
</style></head><body>
<h1>{title}</h1>
{body}
</body></html>
"""


def write_page(
    path: Path, card: Scorecard, clips: ClipSet, reference: Reference, run: Path | None = None
) -> None:
    """Write the page atomically, with the pictures of the run that generated the clips, if there is one.

    Raises:
        FileError: The page cannot be written.
    """
    clips = clips.renamed(reference.train.label_names, reference.train.speaker_names)
    body = [
        *head(card),
        *folded("Clips to hear", to_hear(clips, reference)),
        *folded("Nearest to a training clip", pairs(card, clips, reference.train)),
        *folded("In pictures", charts(card)),
        *folded("All figures", figures(card)),
        *folded("Confusions", confusions(card, clips)),
        *folded("The run", pictures_of(run)),
    ]
    title = html.escape(f"Scorecard of {card.subject}")
    files.write_atomically(path, PAGE.format(title=title, body="\n".join(body)).encode())


def folded(title: str, content: Iterable[str]) -> Iterator[str]:
    """A section to unfold; nothing if there is no content."""
    if lines := list(content):
        yield f"<details><summary>{html.escape(title)}</summary>"
        yield from lines
        yield "</details>"


def head(card: Scorecard) -> Iterator[str]:
    """What was measured and how, the verdict, and its bars; warnings stand out."""
    about, against, *_ = card.header()
    kind = "warning" if card.selection is not None else "about"
    yield f'<p class="{kind}">{html.escape(about)}<br>{html.escape(against)}</p>'
    if told := verdict(card):
        yield f'<p class="verdict">{html.escape(told)}</p>'
    if rows := headlines(card):
        bars = [
            PairedBars(
                row.title,
                {
                    name: (show(row.metric, value), (value.value, value.low, value.high))
                    for name, value in (("generated", row.generated), ("real", row.real))
                    if value is not None
                },
                full=1.0 if row.metric.unit == "share" else None,
                note="lower is better" if row.metric.better == "lower" else "",
            )
            for row in rows
        ]
        yield image(encode(paired_bars(bars)), "generated beside real")
    for warning in card.warnings():
        yield f'<p class="warning">{html.escape(warning)}</p>'


def figures(card: Scorecard) -> Iterator[str]:
    """A table of figures for each part, and one of the cost."""
    for part in dict.fromkeys(figure.metric.part for figure in card.figures):
        yield f"<h3>{html.escape(PART_TITLES[part])}</h3><table>"
        yield "<tr><th></th>" + "".join(f"<th>{title}</th>" for title in SET_TITLES.values()) + "</tr>"
        for figure in card.figures:
            if figure.metric.part == part:
                cells = (show(figure.metric, value) for value in figure.values.values())
                yield (
                    f"<tr><th>{html.escape(name_of(figure))}</th>"
                    + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
                    + "</tr>"
                )
        yield "</table>"
    if card.cost:
        rows = "".join(
            f"<tr><th>{html.escape(name.replace('_', ' '))}</th><td>{value:,.4g}</td></tr>"
            for name, value in card.cost.items()
        )
        yield f"<h3>Cost</h3><table>{rows}</table>"


def name_of(figure: Figure) -> str:
    """Name of a figure in a table."""
    return figure.metric.title if figure.label is None else f"{figure.metric.title}: {figure.label}"


def charts(card: Scorecard) -> Iterator[str]:
    """Charts of generated beside real clips: labels, third octaves, DNSMOS, distances to training clips."""
    panels: dict[str, dict[str, dict[str, tuple[float, float, float]]]] = {}
    for title, named in panels_of(card):
        for name, figure in named:
            for role, value in ((GENERATED, figure.generated), (REAL, figure.real)):
                if isinstance(value, Interval):
                    places = panels.setdefault(title, {}).setdefault(SET_TITLES[role], {})
                    places[name] = value.value, value.low, value.high
    if panels:
        yield "<p>Dots are the figures, bars their 95 % confidence intervals.</p>"
        yield image(encode(interval_panels(panels)), "figures as dots")


def panels_of(card: Scorecard) -> Iterator[tuple[str, list[tuple[str, Figure]]]]:
    """Titles of the charts, each with its figures and their names in the chart."""
    by_name = {
        f"recognition.{kind}.accuracy.by_label": f"Accuracy by label, {CLASSIFIERS[kind]}" for kind in KINDS
    }
    by_name["band.level.by_band"] = "Third octaves, dB of the whole clip"
    for key, title in by_name.items():
        yield title, [(str(figure.label), figure) for figure in card.figures if figure.key == key]
    groups = {
        "DNSMOS, 1 to 5": {f"naturalness.dnsmos.{scale}": name for scale, name in SCALES.items()},
        "Distance to the nearest training clip": {
            f"memorisation.nearest.p{percentile}": f"percentile {percentile}" for percentile in PERCENTILES
        },
    }
    for title, keys in groups.items():
        yield title, [(name, found) for key, name in keys.items() if (found := card.find(key)) is not None]


def confusions(card: Scorecard, clips: ClipSet) -> Iterator[str]:
    """Confusion tables of each classifier, generated and real: labels asked for (rows) by predictions."""
    names = [html.escape(name) for name in clips.label_names]
    for role, tables in card.tables.items():
        for kind, name in CLASSIFIERS.items():
            if table := tables.get(f"recognition.{kind}.confusion"):
                yield from folded(f"{name}: {SET_TITLES[role]}", [confusion(names, table)])


def confusion(names: list[str], table: Table) -> str:
    """A table of counts, each cell shaded by its share of the row."""
    lines = [
        '<table class="confusion"><tr><th></th>' + "".join(f"<th>{name}</th>" for name in names) + "</tr>"
    ]
    for name, row in zip(names, table, strict=True):
        total = max(1.0, sum(float(cell) for cell in row))
        cells = "".join(shaded(float(cell), total) for cell in row)
        lines.append(f"<tr><th>{name}</th>{cells}</tr>")
    return "".join([*lines, "</table>"])


def shaded(cell: float, total: float) -> str:
    """A table cell whose blue grows with its share of the row."""
    return f'<td style="background: rgba(59, 110, 165, {0.75 * cell / total:.2f})">{cell:.0f}</td>'


def to_hear(clips: ClipSet, reference: Reference) -> Iterator[str]:
    """The first generated clip of each label and speaker, then the first real one: none is hand-picked."""
    for title, group in (("Generated clips", clips), ("Real test clips", reference.test)):
        yield f"<h3>{title}</h3><p>The first of each label and speaker, as they came.</p>"
        for label, name in enumerate(group.label_names):
            yield f"<div><b>{html.escape(name)}</b><br>"
            shown: set[int] = set()
            for row in np.flatnonzero(group.labels == label):
                speaker = int(group.speakers[row])
                if speaker not in shown and len(shown) < SHOWN_SPEAKERS:
                    shown.add(speaker)
                    who = group.speaker_names[speaker] if speaker >= 0 else group.sources[row]
                    yield player(group.sounds[row], group.rate, who)
            yield "</div>"


def pairs(card: Scorecard, clips: ClipSet, train: ClipSet) -> Iterator[str]:
    """The generated clips nearest to a training clip, each with that clip."""
    for row, _, source, distance in card.tables.get(GENERATED, {}).get(PAIRS_KEY, []):
        generated = player(clips.sounds[int(row)], clips.rate, f"generated, distance {distance}")
        yield f"<div>{generated}{player(train.sound_of(str(source)), train.rate, str(source))}</div>"


def pictures_of(run: Path | None) -> Iterator[str]:
    """The pictures that the run has drawn: learning curves, latent space, reconstructions, samples."""
    drawn = [] if run is None else [path for path in sorted((run / PLOTS).glob("*.png")) if path.is_file()]
    for path in drawn:
        yield f"<h3>{html.escape(path.stem)}</h3>"
        yield image(path.read_bytes(), path.stem)
