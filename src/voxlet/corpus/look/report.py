"""The HTML report on a corpus: `index.html` and its plots."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio, files
from voxlet.corpus.look.inspection import Inspection, Measures
from voxlet.corpus.prepare import DEFAULT_PREPARATION, kept
from voxlet.extras import import_extra
from voxlet.spectral.magnitudes import magnitudes

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from voxlet.corpus.corpus import Corpus

WINDOW_SECONDS, HOP_SECONDS = 0.016, 0.004  # of the plotted spectrograms
SHOWN_LABELS = 20

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #222; }}
body {{ max-width: 1100px; margin: 2rem auto; padding: 0 1rem; }}
img {{ width: 100%; height: auto; margin: .5rem 0; }}
pre {{ overflow-x: auto; background: #f5f6f8; padding: 1rem; border-radius: 6px; font-size: 12.5px; }}
</style></head><body>
<h1>{title}</h1>
{pictures}
<pre>{table}</pre>
</body></html>
"""


def decibels(samples: audio.Samples, rate: int) -> NDArray[np.float64]:
    """Spectrogram in dB for plots, (K bins, F frames)."""
    size, hop = max(16, round(WINDOW_SECONDS * rate)), max(4, round(HOP_SECONDS * rate))
    return np.asarray(20 * np.log10(np.maximum(magnitudes(samples, size, hop).T, 1e-6)))


def write_page(corpus: Corpus, measures: Measures, inspection: Inspection, out: Path) -> None:
    """Write `index.html` and its plots to the folder `out`, which is created if missing.

    Raises:
        FileError: The folder cannot be created or written.
        AudioError: A clip can no longer be read.
    """
    files.make_folder(out)
    figures = draw(corpus, measures, inspection)
    for name, figure in figures.items():
        import_extra("voxlet.plots.figure", "train").save(figure, out / f"{name}.png")
    files.write_atomically(out / "index.html", page(inspection, list(figures)).encode())


def draw(corpus: Corpus, measures: Measures, inspection: Inspection) -> dict[str, Figure]:
    """The figures of the report, by name.

    Raises:
        AudioError: A clip can no longer be read.
    """
    plots = import_extra("voxlet.plots.recordings", "train")
    labels = np.array([clip.label for clip in corpus.clips])
    speakers = np.array([clip.speaker for clip in corpus.clips])
    usual = next(iter(inspection.rates))
    counts = np.round(measures.trimmed * usual).astype(np.int64)
    length = inspection.normalised_seconds
    usable = kept(counts, [clip.label for clip in corpus.clips], DEFAULT_PREPARATION)
    normalised = np.minimum(measures.trimmed[usable], length)
    figures = {
        "counts": plots.clip_counts(inspection.labels, inspection.speakers),
        "lengths": plots.clip_lengths(
            measures.seconds,
            normalised,
            (inspection.seconds[97], length),
        ),
        "levels": plots.clip_levels(
            {speaker: measures.level[speakers == speaker] for speaker in inspection.speakers},
            measures.leading,
            measures.trailing,
        ),
    }
    if inspection.accents:
        figures["accents"] = plots.counts(inspection.accents, "Speakers by accent", "speakers")
    examples = []
    for label in corpus.labels[:SHOWN_LABELS]:
        rows = np.flatnonzero(labels == label)
        # Show the clip of median length for each label.
        row = rows[np.argsort(measures.trimmed[rows], kind="stable")[len(rows) // 2]]
        sound = audio.read(corpus.clips[row].path)
        samples = audio.resample(sound.samples, sound.rate, usual)
        examples.append((f"{label} · {corpus.clips[row].speaker}", samples, decibels(samples, usual)))
    figures["examples"] = plots.clip_examples(examples, usual)
    return figures


def page(inspection: Inspection, pictures: list[str]) -> str:
    """The HTML of the report; names from the corpus are escaped."""
    shown = "\n".join(f'<img src="{name}.png" alt="{name}">' for name in pictures)
    table = html.escape("\n".join(inspection.lines()))
    return PAGE.format(title=html.escape(f"Corpus {inspection.name}"), pictures=shown, table=table)
