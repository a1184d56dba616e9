"""The sounds and pictures of `voxlet explore`: a sheet, traversals, walks between words, and steering."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio, files
from voxlet.errors import ConfigError
from voxlet.exploring.directions import in_voice_of, steered
from voxlet.exploring.walks import Walk, along, between, grid, sequence_walk, strips, walk
from voxlet.models.plane import find_plane
from voxlet.plots.figure import save
from voxlet.recipes.opened import ClipRun, VoiceRun
from voxlet.words.spelling import find

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.exploring.clips import Clips
    from voxlet.exploring.directions import Direction, Meaning
    from voxlet.exploring.doubt import Doubts
    from voxlet.recipes.opened import Opened
    from voxlet.speak.voice import Voice

    Reals = NDArray[np.float64]

STEPS = 9  # of a walk, its ends included
SIDE = 8  # rows and columns of the sheet
REACH = 2.5  # standard deviations on either side in a traversal
TRAVERSED = 7  # steps of a traversal
STRENGTHS = (-2.0, -1.0, 0.0, 1.0, 2.0)
MOST_UNITS = 8
MOST_DIRECTIONS = 12
MOST_SPEAKERS = 9


def write(
    out: Path,
    opened: Opened,
    clips: Clips,
    units: Sequence[Meaning],
    directions: tuple[Direction, ...],
    *,
    walks: Sequence[tuple[str, str]] = (),
    corners: Sequence[tuple[float, float]] = (),
    seed: int = 0,
    doubts: Doubts | None = None,
) -> None:
    """Write all sounds and pictures of a model into a folder.

    Args:
        out: The folder.
        opened: The model.
        clips: The clips of its map.
        units: What its latent units stand for, in the order in which they are shown.
        directions: Directions to steer along.
        walks: Pairs of words, speakers or clips to walk between; default pairs if empty.
        corners: Corners of a path over the plane.
        seed: Seed of a voice's noise.
        doubts: If given, its classifier names what it hears in each step.

    Raises:
        ConfigError: The end of a walk is not on the map.
        FileError: The folder cannot be written.
    """
    pairs = list(dict.fromkeys(walks)) or usual_walks(opened, clips)
    stems = files.safe_names([f"{first}\n{second}" for first, second in pairs], 60, "walk")
    folder = files.make_folder(out / "walks")
    for first, second in pairs:
        stem = stems[f"{first}\n{second}"]
        if isinstance(opened, VoiceRun) and (rows := recordings_of(clips, first, second)) is not None:
            steps = sequence_walk(opened, *rows, named(first, second))
            with_recognised_labels(steps, doubts).write(folder / stem)
            continue
        ends, labels = ends_of(opened, clips, first, second)
        for way in ("straight", "spherical"):
            steps = walk(opened, between(*ends, STEPS, way), labels, names=named(first, second), seed=seed)
            with_recognised_labels(steps, doubts).write(folder / f"{stem}-{way}")
    plane = find_plane(clips.latents)
    if corners:
        latents = plane.back(along(np.array(corners), STEPS))
        names = tuple(str(step + 1) for step in range(STEPS))
        steps = walk(opened, latents, nearest_labels(clips, latents), names=names, seed=seed)
        with_recognised_labels(steps, doubts).write(folder / "path")
    sheet(out, opened, clips, seed)
    traversals(out, opened, clips, units, seed)
    steering(out, opened, clips, directions, seed)


def check(opened: Opened, clips: Clips, walks: Sequence[tuple[str, str]]) -> None:
    """Check that both ends of all walks are on the map.

    Raises:
        ConfigError: An end is not on the map.
    """
    for first, second in walks:
        ends_of(opened, clips, first, second)


def with_recognised_labels(steps: Walk, doubts: Doubts | None) -> Walk:
    """A walk whose step names also tell what the recordings' classifier hears in each step."""
    if doubts is None or doubts.head is None:
        return steps
    said = zip(steps.names, doubts.says(steps.clips, steps.rate), strict=True)
    return replace(steps, names=tuple(f"{name}\nheard: {label}" for name, label in said))


def usual_walks(opened: Opened, clips: Clips) -> list[tuple[str, str]]:
    """Default pairs to walk between: words for a clip VAE, speakers for a voice."""
    there = set(clips.labels.tolist())
    words = tuple(name for number, name in enumerate(clips.label_names) if number in there)
    names = words if isinstance(opened, ClipRun) else opened.speakers
    return list(zip(names[3:6] or names[:1], names[7:10] or names[1:2], strict=False))


def named(first: str, second: str) -> tuple[str, ...]:
    """Names of a walk's steps: its two ends, and percentages of the way in between."""
    return (first, *(f"{step / (STEPS - 1):.0%}" for step in range(1, STEPS - 1)), second)


def ends_of(opened: Opened, clips: Clips, first: str, second: str) -> tuple[tuple[Reals, Reals], list[str]]:
    """The two end points (Z,) of a walk between words, speakers or clips, and the word of each step.

    Raises:
        ConfigError: One of the two is not on the map.
    """
    ends, words = [], []
    for name in (first, second):
        if name in clips.sources:
            row = clips.sources.index(name)
            ends.append(clips.latents[row])
            words.append(clips.label_names[clips.labels[row]])
        elif (label := find(name, clips.label_names)) is not None:
            ends.append(clips.latents[typical(clips, clips.labels == clips.label_names.index(label))])
            words.append(label)
        elif not isinstance(opened, ClipRun) and find(name, opened.speakers) is not None:
            ends.append(styles_of(opened, name))
            words.append(clips.label_names[0])
        elif (who := find(name, clips.speaker_names)) is not None:
            own = (clips.speakers == clips.speaker_names.index(who)) & (clips.labels == 0)
            ends.append(clips.latents[typical(clips, own)])
            words.append(clips.label_names[0])
        else:
            raise ConfigError(
                f"{name!r} is not a word, speaker or clip of the map",
                where="walk",
                remedy=f"use words: {', '.join(clips.label_names[:12])}",
            )
    half = STEPS // 2 + 1
    return (ends[0], ends[1]), [words[0]] * half + [words[1]] * (STEPS - half)


def recordings_of(clips: Clips, first: str, second: str) -> tuple[int, int] | None:
    """Dataset rows of two recordings, or of typical recordings of two words; None for anything else."""
    rows = []
    for name in (first, second):
        label = find(name, clips.label_names)
        if name in clips.sources:
            row = clips.sources.index(name)
        elif label is not None:
            row = typical(clips, clips.labels == clips.label_names.index(label))
        else:
            return None
        rows.append(int(clips.rows[row]))
    return (rows[0], rows[1]) if min(rows) >= 0 else None


def styles_of(opened: Voice | VoiceRun, name: str) -> Reals:
    """A named speaker's style (S,)."""
    voice = opened.voice if isinstance(opened, VoiceRun) else opened
    return np.asarray(voice.style(name), dtype=np.float64)


def typical(clips: Clips, own: NDArray[np.bool_]) -> int:
    """The row of the clip nearest to the mean of those in the mask `own`, of the real ones if there are any.

    Raises:
        ConfigError: The mask is empty.
    """
    chosen = own & ~clips.generated if (own & ~clips.generated).any() else own
    if not chosen.any():
        raise ConfigError("there is no clip of it on the map", where="walk", remedy="ask for more clips")
    latents = clips.latents[chosen]
    nearest = np.linalg.norm(latents - latents.mean(axis=0), axis=1).argmin()
    return int(np.flatnonzero(chosen)[nearest])


def nearest_labels(clips: Clips, latents: Reals) -> list[str]:
    """The label of the clip nearest to each latent (K, Z)."""
    rows = [int(np.linalg.norm(clips.latents - latent, axis=1).argmin()) for latent in latents]
    return [clips.label_names[clips.labels[row]] for row in rows]


def sheet(out: Path, opened: Opened, clips: Clips, seed: int) -> None:
    """Write a grid over the plane; with two latent units, it shows all that the model can say."""
    plane = find_plane(clips.latents)
    places = plane.project(clips.latents)
    low, high = np.percentile(places, [2, 98], axis=0)
    points = grid(low, high, SIDE)
    latents = plane.back(points)
    made = walk(opened, latents, nearest_labels(clips, latents), seed=seed)
    rows = {}
    for row in range(SIDE):
        part = slice(row * SIDE, (row + 1) * SIDE)
        names = tuple(f"→ {x:.1f}" for x, _ in points[part])
        rows[f"↑ {points[part][0][1] + 0.0:.1f}"] = Walk(names, made.clips[part], made.rate)
    save(strips(rows), out / "sheet.png")
    audio.write(out / "sheet.wav", made.sound(), made.rate)


def traversals(out: Path, opened: Opened, clips: Clips, units: Sequence[Meaning], seed: int) -> None:
    """Write a strip and a sound along each latent unit, starting from a typical clip of the first word."""
    folder = files.make_folder(out / "traversals")
    start = clips.latents[typical(clips, clips.labels == clips.labels[0])]
    word = clips.label_names[clips.labels[0]]
    rows = {}
    for one in units[:MOST_UNITS]:
        steps = np.linspace(-REACH, REACH, TRAVERSED)
        latents = np.repeat(start[None], TRAVERSED, axis=0)
        latents[:, one.unit] = clips.latents[:, one.unit].mean() + steps * max(one.spread, 1e-3)
        names = tuple(f"{step:+.1f} sd" for step in steps)
        made = walk(opened, latents, [word] * TRAVERSED, names=names, seed=seed)
        audio.write(folder / f"unit-{one.unit + 1:02}.wav", made.sound(), made.rate)
        rows[str(one).replace(": ", "\n").replace(", ", "\n")] = made
    save(strips(rows), out / "traversals.png")


def steering(out: Path, opened: Opened, clips: Clips, directions: tuple[Direction, ...], seed: int) -> None:
    """Write a clip moved along each direction that beats chance, and in each speaker's voice."""
    read = [one for one in directions if one.beats_chance]
    if not read:
        return
    folder = files.make_folder(out / "steering")
    real = clips.rows >= 0 if (clips.rows >= 0).any() else clips.generated
    row = int(np.flatnonzero(real & (clips.labels == clips.labels[real][0]))[0])
    start, word = clips.latents[row], clips.label_names[clips.labels[row]]
    rows = {}
    stems = files.safe_names((one.name for one in read[:MOST_DIRECTIONS]), 60, "direction")
    for one in read[:MOST_DIRECTIONS]:
        latents = np.stack([steered(start, one, strength) for strength in STRENGTHS])
        names = tuple(f"{strength:+.0f}" for strength in STRENGTHS)
        made = walk(opened, latents, [word] * len(STRENGTHS), names=names, seed=seed)
        audio.write(folder / f"{stems[one.name]}.wav", made.sound(), made.rate)
        rows[one.name.replace(" ", "\n")] = made
    save(strips(rows), folder / "directions.png")
    whos = [one.name.removeprefix("speaker ") for one in read if one.name.startswith("speaker ")]
    if whos[:MOST_SPEAKERS]:
        latents = np.concatenate([in_voice_of(clips, np.array([row]), who) for who in whos[:MOST_SPEAKERS]])
        names = tuple(whos[:MOST_SPEAKERS])
        walk(opened, latents, [word] * len(names), names=names, seed=seed).write(folder / "voices")
