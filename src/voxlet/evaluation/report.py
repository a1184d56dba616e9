"""The scorecard as one HTML file that needs nothing else: table, confusions, clips to hear and to see."""

from __future__ import annotations

import base64
import html
import struct
import zlib
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio, files, plots
from voxlet.evaluation.classifiers.inputs import FLOOR, Hearing, condition, log_mel
from voxlet.evaluation.metrics.statistics import Interval
from voxlet.evaluation.parts import MADE, REAL, TRAIN
from voxlet.evaluation.scorecard import show, title_of
from voxlet.recipes.clip.figures import FOLDER as PLOTS
from voxlet.speak.speech import wav_metadata

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.evaluation.clipset import ClipSet
    from voxlet.evaluation.parts import Table
    from voxlet.evaluation.reference import Reference
    from voxlet.evaluation.scorecard import Scorecard

SHOWN_SPEAKERS = 6

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff; max-width: 1100px;
  margin: 2rem auto; padding: 0 1rem; }}
table {{ border-collapse: collapse; margin: .5rem 0 1.5rem; font-variant-numeric: tabular-nums; }}
th, td {{ text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #e4e6ea;
  vertical-align: top; }}
.confusion td, .confusion th {{ text-align: right; padding: .15rem .45rem; border: 0; font-size: 13px; }}
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
    """Write the page, whole or not at all; with the pictures of the run that made the clips, if it has any.

    Raises:
        FileError: It cannot be written.
    """
    clips = clips.renamed(reference.train.label_names, reference.train.speaker_names)
    body = "\n".join(
        [
            *heading(card),
            *figures(card),
            *charts(card),
            *confusions(card, clips),
            *to_hear(clips, reference),
            *pairs(card, clips),
            *pictures_of(run),
        ]
    )
    title = html.escape(f"Scorecard of {card.subject}")
    files.write_atomically(path, PAGE.format(title=title, body=body).encode())


def heading(card: Scorecard) -> Iterator[str]:
    """What was measured and how; warnings stand out."""
    for line in card.header():
        warns = line.startswith("!") or "SELECTED" in line
        yield f'<p class="{"warning" if warns else ""}">{html.escape(line)}</p>'


def figures(card: Scorecard) -> Iterator[str]:
    """A table for each part."""
    for part in dict.fromkeys(figure.part for figure in card.figures):
        yield f"<h2>{html.escape(title_of(part))}</h2><table>"
        yield f"<tr><th></th><th>{MADE}</th><th>{REAL}</th><th>{TRAIN}</th></tr>"
        for figure in card.figures:
            if figure.part == part:
                values = (figure.made, figure.real, figure.floor)
                name = f"{figure.name}, heard right" if figure.label else figure.name
                cells = "".join(f"<td>{html.escape(show(name, value))}</td>" for value in values)
                yield f"<tr><th>{html.escape(figure.name)}</th>{cells}</tr>"
        yield "</table>"
    if card.cost:
        rows = "".join(
            f"<tr><th>{html.escape(name.replace('_', ' '))}</th><td>{value:,.4g}</td></tr>"
            for name, value in card.cost.items()
        )
        yield f"<h2>Cost</h2><table>{rows}</table>"


# Figures that have one scale: what their names start or end with, and what the picture of them is called.
DNSMOS, NEAREST = "DNSMOS ", "nearest training clip, "


def charts(card: Scorecard) -> Iterator[str]:
    """Made clips beside real ones, with their intervals: labels by judge, DNSMOS, nearest training clips."""
    panels: dict[str, dict[str, dict[str, tuple[float, float, float]]]] = {}
    for figure in card.figures:
        if figure.label is not None:
            title = f"Heard right by the {figure.name.removeprefix(f'{figure.label}, ')}, share of clips"
            name = figure.label
        elif figure.name.startswith(DNSMOS):
            title, name = "DNSMOS, 1 to 5", figure.name.removeprefix(DNSMOS)
        elif figure.name.startswith(NEAREST):
            title, name = "Distance to the nearest training clip", figure.name.removeprefix(NEAREST)
        else:
            continue
        for kind, value in ((MADE, figure.made), (REAL, figure.real)):
            if isinstance(value, Interval):
                place = panels.setdefault(title, {}).setdefault(kind, {})
                place[name] = value.value, value.low, value.high
    if panels:
        yield "<h2>In pictures</h2><p>Dots are the figures above, bars their 95 % confidence intervals.</p>"
        yield image(plots.encode(plots.interval_panels(panels)), "figures as dots")


def confusions(card: Scorecard, clips: ClipSet) -> Iterator[str]:
    """What each judge heard (column) for what was asked (row), made and real."""
    names = [html.escape(name) for name in clips.label_names]
    for where, tables in card.tables.items():
        for title, table in tables.items():
            if not title.startswith("confusion"):
                continue
            yield f"<details><summary>{html.escape(f'{title}: {where}')}</summary>"
            yield '<table class="confusion"><tr><th></th>'
            yield "".join(f"<th>{name}</th>" for name in names) + "</tr>"
            for name, row in zip(names, table, strict=True):
                total = max(1.0, sum(float(cell) for cell in row))
                yield f"<tr><th>{name}</th>" + "".join(shaded(float(cell), total) for cell in row) + "</tr>"
            yield "</table></details>"


def shaded(cell: float, total: float) -> str:
    """A table cell whose blue grows with its share of the row."""
    return f'<td style="background: rgba(59, 110, 165, {0.75 * cell / total:.2f})">{cell:.0f}</td>'


def to_hear(clips: ClipSet, reference: Reference) -> Iterator[str]:
    """The first made clip of each label and speaker, then the first real one of each: none is chosen."""
    for title, group in (("Made clips", clips), ("Real test clips", reference.test)):
        yield f"<h2>{title}</h2><p>The first of each label and speaker, as they came.</p>"
        for label, name in enumerate(group.label_names):
            yield f"<div><b>{html.escape(name)}</b><br>"
            rows = np.flatnonzero(group.labels == label)
            heard: set[int] = set()
            for row in rows:
                speaker = int(group.speakers[row])
                if speaker not in heard and len(heard) < SHOWN_SPEAKERS:
                    heard.add(speaker)
                    who = group.speaker_names[speaker] if speaker >= 0 else group.sources[row]
                    yield player(group.sounds[row], group.rate, who)
            yield "</div>"


def pairs(card: Scorecard, clips: ClipSet) -> Iterator[str]:
    """The made clips nearest to a training clip, each with that clip."""
    table: Table = card.tables.get(MADE, {}).get("nearest pairs", [])
    if not table:
        return
    yield "<h2>Nearest to a training clip</h2><p>Made, then the training clip nearest to it.</p>"
    for row, _, source, distance in table:
        sound = audio.read(str(source))
        made = player(clips.sounds[int(row)], clips.rate, f"made, distance {distance}")
        yield f"<div>{made}{player(sound.samples, sound.rate, str(source).rpartition('/')[2])}</div>"


def pictures_of(run: Path | None) -> Iterator[str]:
    """How the run learned, its latent space, what it rebuilds and makes: as drawn when it was trained."""
    drawn = [] if run is None else [path for path in sorted((run / PLOTS).glob("*.png")) if path.is_file()]
    if drawn:
        yield "<h2>The run</h2>"
    for path in drawn:
        yield f"<h3>{html.escape(path.stem)}</h3>"
        yield image(path.read_bytes(), path.stem)


def image(picture: bytes, name: str) -> str:
    """A PNG within the page, no wider than it."""
    drawn = base64.b64encode(picture).decode()
    return f'<img alt="{html.escape(name)}" style="max-width: 100%" src="data:image/png;base64,{drawn}">'


def write_pairs(folder: Path, card: Scorecard, clips: ClipSet) -> None:
    """Write the nearest pairs as files: NN-made and NN-train, each as WAV and as a picture, nearest first.

    Raises:
        FileError: They cannot be written.
    """
    for number, (row, _, source, _) in enumerate(card.tables.get(MADE, {}).get("nearest pairs", []), 1):
        sound = audio.read(str(source))
        told = wav_metadata({"source": clips.sources[int(row)]})
        sides = {"made": (clips.sounds[int(row)], clips.rate, told), "train": (sound.samples, sound.rate, {})}
        for name, (samples, rate, metadata) in sides.items():
            stem = folder / f"{number:02}-{name}"
            audio.write(stem.with_suffix(".wav"), samples, rate, metadata)
            files.write_atomically(stem.with_suffix(".png"), picture(samples, rate))


def player(samples: audio.Samples, rate: int, caption: str) -> str:
    """A clip as a picture of its mel spectrogram and a player, both within the page."""
    drawn = base64.b64encode(picture(samples, rate)).decode()
    sound = base64.b64encode(audio.encode_wav(audio.level(samples, Hearing().rms), rate)).decode()
    return (
        f'<figure><img alt="spectrogram" src="data:image/png;base64,{drawn}">'
        f'<audio controls preload="none" src="data:audio/wav;base64,{sound}"></audio>'
        f"<figcaption>{html.escape(caption)}</figcaption></figure>"
    )


def picture(samples: audio.Samples, rate: int) -> bytes:
    """A PNG of a clip's mel spectrogram, as judges hear it."""
    heard = Hearing()
    values = (log_mel(condition(samples, rate, heard), heard) - np.log(FLOOR)) / (4 - np.log(FLOOR))
    return png(255 - (255 * values.clip(0, 1)).astype(np.uint8)[::-1])


def png(grey: NDArray[np.uint8]) -> bytes:
    """A greyscale PNG of (height, width): header, one zlib stream of unfiltered rows, end (RFC 2083)."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width = grey.shape
    rows = np.concatenate([np.zeros((height, 1), np.uint8), grey], axis=1).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts
