"""`voxlet explore`: everything to see and hear of a model, in one folder.

OUT/index.html           the explorer: one self-contained page
    maps/                its maps for `voxlet page --map OUT`, with a clip VAE's networks to decode any place
    map.png              the map, coloured by label
    doubts.csv           every recording, the most doubtful first: a manifest to correct and to train on
    figures.json         what the latent units stand for, directions, sizes
    sheet.png, .wav      a grid over the plane
    traversals.png       along each latent unit; the sounds are in traversals/
    walks/               between words, or between speakers
    steering/            a clip moved along each direction, and in other speakers' voices
    sounds/              the user's own files, reconstructed
"""

from __future__ import annotations

import hashlib
import html
import json
import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio, files
from voxlet.exploring import tour
from voxlet.exploring.clips import Measured, dataset_of, gather, measure
from voxlet.exploring.directions import find_directions, meanings, properties
from voxlet.exploring.doubt import Doubts, find_doubts
from voxlet.exploring.explorer import Map, model_data, sprites_of, write_explorer
from voxlet.exploring.map_folder import decoding_of, write_map_folder
from voxlet.exploring.projection import PRIOR_DRAWS, check, prior_density, project
from voxlet.exploring.reconstruct import learn_words, reconstruct
from voxlet.plots.figure import save
from voxlet.plots.training import latent_map
from voxlet.recipes.opened import ClipRun, VoiceRun
from voxlet.speak.voice import Voice

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.exploring.clips import Clips
    from voxlet.exploring.directions import Direction, Meaning
    from voxlet.exploring.reconstruct import Reconstruction
    from voxlet.exploring.sprite import Sprite
    from voxlet.recipes.opened import Opened

SHOWN_DOUBTS = 40  # on the page
LONGEST_NAME = 60  # characters in the name of a map's folder
FRAME = "width: 100%; height: 900px; border: 0"  # of the page in a notebook
TOLD_DOUBTS = 10  # in the terminal


@dataclass(frozen=True)
class Request:
    """Options of an exploration.

    Attributes:
        count: Clips on a map.
        projection: `linear`, `tsne` or `umap`.
        corpus: Recordings to show with a voice.
        walks: Pairs of words or speakers to walk between; empty for default pairs.
        corners: Corners of a path over the map, (P, 2).
        sounds: Sound files to reconstruct.
        seed: Seed of everything that is generated.
    """

    count: int = 3000
    projection: str = "linear"
    corpus: str | None = None
    walks: tuple[tuple[str, str], ...] = ()
    corners: tuple[tuple[float, float], ...] = ()
    sounds: tuple[Path, ...] = field(default=())
    seed: int = 0


@dataclass(frozen=True)
class Explored:
    """Results of an exploration.

    Attributes:
        page: Path of the explorer.
        bytes: Size of the page.
        folders: The folders of the maps.
        maps: The maps on the page.
        doubts: Doubts about the recordings of the first model; None if it has none.
        sounds: The user's own files, reconstructed.
    """

    page: Path
    bytes: int
    folders: tuple[Path, ...]
    maps: tuple[Map, ...]
    doubts: Doubts | None
    sounds: tuple[Reconstruction, ...]

    def _repr_html_(self) -> str:  # as a notebook shows it
        page = html.escape(self.page.read_text(encoding="utf-8"))
        return f'<iframe title="map" style="{FRAME}" allow="clipboard-write" srcdoc="{page}"></iframe>'

    def lines(self) -> list[str]:
        """What the terminal shows: the most doubtful recordings, and the user's own sounds."""
        told = []
        if self.doubts is not None:
            doubted = [row for row in self.doubts.order.tolist() if self.doubts.reasons[row]]
            told.append(f"doubtful: {len(doubted):,} of {len(self.doubts.clips):,} recordings, in doubts.csv")
            told += [
                f"  {self.doubts.names[row]}: {'; '.join(self.doubts.reasons[row])}"
                for row in doubted[:TOLD_DOUBTS]
            ]
        for one in self.sounds:
            figures = [f"taken for {one.label!r}"]
            if np.isfinite(one.loss):
                figures.append(f"loss {one.loss:,.0f} nats, {one.difference_db:.1f} dB off")
            told.append(f"{one.name}: {', '.join(figures)}")
        return told


def explore(
    opened: Opened,
    out: str | os.PathLike[str],
    request: Request | None = None,
    *,
    beside: Opened | None = None,
    progress: bool = True,
) -> Explored:
    """Write everything to see and hear of a model to a folder.

    Args:
        opened: The model, from `load`.
        out: The folder, made if missing.
        request: Options; the defaults if None.
        beside: A second model, whose map is shown beside the first one's.
        progress: Show progress bars.

    Raises:
        FileError: The folder cannot be written.
        VoxletError: A corpus, a word or a sound file cannot be used.
    """
    request = request or Request()
    check(request.projection)
    for path in request.sounds:  # fail before minutes of work
        audio.read(path)
    out = files.make_folder(out)
    corpus = corpus_for(opened, beside, request.corpus)
    clips = gather(opened, request.count, corpus=corpus, seed=request.seed, progress=progress)
    tour.check(opened, clips, request.walks)  # fail early here, too
    words = learn_words(clips) if request.sounds and not isinstance(opened, ClipRun) else None
    own = tuple(reconstruct(opened, path, clips, words=words) for path in request.sounds)
    doubts = doubts_of(opened, corpus, progress)
    shown = with_sounds(with_doubts(clips, doubts), own)
    maps = [map_of(opened, shown, request, doubts)]
    if beside is not None:
        corpus = corpus_for(beside, opened, request.corpus)
        other = gather(beside, request.count, corpus=corpus, seed=request.seed, progress=progress)
        maps.append(map_of(beside, with_doubts(other, doubts), request, None))
    size, sprites = write_explorer(out / "index.html", maps)
    folders = write_maps(out / "maps", maps, sprites, [opened] if beside is None else [opened, beside])
    placed = maps[0].projection
    drawn = {opened.name: (placed.places, shown.labels)}
    save(latent_map(drawn, shown.label_names, placed.axes), out / "map.png")
    if doubts is not None:
        doubts.write(out / "doubts.csv")
    for number, sound in enumerate(own):
        sound.write(files.make_folder(out / "sounds"), f"{number + 1:02}-{files.safe_name(sound.name, 60)}")
    known = properties(clips, clips.metadata)
    found = meanings(clips, known), find_directions(clips, known)
    tour.write(
        out,
        opened,
        clips,
        *found,
        walks=request.walks,
        corners=request.corners,
        seed=request.seed,
        doubts=doubts,
    )
    figures = {"model": opened.name, "clips": len(shown), "page_bytes": size, **figures_as_json(*found, own)}
    files.write_atomically(out / "figures.json", f"{json.dumps(figures, indent=1)}\n".encode())
    return Explored(out / "index.html", size, folders, tuple(maps), doubts, own)


def corpus_for(opened: Opened, other: Opened | None, corpus: str | None) -> str | None:
    """The corpus that a model is shown with; a run has its own recordings and leaves `corpus` to `other`."""
    left = other is not None and not isinstance(other, ClipRun | VoiceRun)
    return None if isinstance(opened, ClipRun | VoiceRun) and left else corpus


def figures_as_json(
    units: Sequence[Meaning], directions: Sequence[Direction], sounds: Sequence[Reconstruction]
) -> dict[str, list[dict[str, object]]]:
    """The contents of `figures.json`: units, directions and reconstructed sounds."""
    return {
        "units": [
            {"unit": one.unit + 1, "spread": one.spread, "explained": dict(one.shares)} for one in units
        ],
        "directions": [
            {"name": one.name, "read": finite(one.read), "chance": one.chance} for one in directions
        ],
        "sounds": [
            {
                "file": one.name,
                "label": one.label,
                "loss": finite(one.loss),
                "difference_db": finite(one.difference_db),
            }
            for one in sounds
        ],
    }


def explore_map(opened: Opened, folder: Path, request: Request | None = None) -> Path:
    """Write only a model's map into `folder`, in the page's format, and return the path of the map.

    Raises:
        FileError: The map cannot be written.
        VoxletError: A corpus cannot be used.
    """
    request = request or Request()
    clips = gather(opened, request.count, corpus=request.corpus, seed=request.seed)
    doubts = doubts_of(opened, request.corpus, progress=True)
    one = map_of(opened, with_doubts(clips, doubts), request, doubts)
    return write_maps(folder, [one], sprites_of([one]), [opened])[0]


def write_maps(
    folder: Path, maps: Sequence[Map], sprites: Sequence[Sprite], models: Sequence[Opened]
) -> tuple[Path, ...]:
    """Write each map as a folder in `folder`, in the page's format.

    Raises:
        FileError: A folder cannot be written.
    """
    files.make_folder(folder)
    written: list[Path] = []
    for number, (one, sprite, opened) in enumerate(zip(maps, sprites, models, strict=True)):
        name = files.safe_name(one.clips.name, LONGEST_NAME) or "map"
        if number > 0 and files.fold_name(written[0].name) == files.fold_name(name):
            name = f"{name}-{number + 1}"
        target = folder / name
        write_map_folder(target, model_data(one), sprite, decoding_of(opened))
        written.append(target)
    return tuple(written)


def finite(value: float) -> float | None:
    """A number for JSON; None if it is not finite."""
    return float(value) if np.isfinite(value) else None


def map_of(opened: Opened, clips: Clips, request: Request, doubts: Doubts | None) -> Map:
    """A model's map: its clips on a plane, the prior's density, and the most doubtful recordings."""
    placed = project(clips.latents, request.projection, seed=request.seed)
    density = prior_density(placed, prior_draws(opened, request.seed))
    doubtful: list[tuple[int, str]] = []
    table: tuple[tuple[str, str, str], ...] = ()
    if doubts is not None:
        places = {key: row for row, key in enumerate(keys_of(clips)) if key[1]}
        for row in doubts.order.tolist():
            place = places.get((doubts.clips[row].label, doubts.clips[row].digest))
            if place is not None and doubts.reasons[row] and len(doubtful) < SHOWN_DOUBTS:
                doubtful.append((place, "; ".join(doubts.reasons[row])))
        pairs = zip(doubts.names, doubts.clips, strict=True)
        table = tuple((name, clip.label, clip.speaker) for name, clip in pairs)
    voice = hashlib.sha256(opened.path.read_bytes()).hexdigest() if isinstance(opened, Voice) else None
    return Map(clips, placed, density, tuple(doubtful), table, isinstance(opened, ClipRun), voice)


def prior_draws(opened: Opened, seed: int) -> NDArray[np.float64]:
    """Latents (D, Z) drawn from a model's prior; for a voice, new styles."""
    rng = np.random.default_rng(seed)
    if not isinstance(opened, ClipRun):
        voice = opened if isinstance(opened, Voice) else opened.voice
        return np.array([voice.draw_style(rng) for _ in range(PRIOR_DRAWS)], dtype=np.float64)
    prior = opened.model.prior
    if prior is None:
        return rng.standard_normal((PRIOR_DRAWS, opened.model.config.latent_size))
    labels = np.arange(PRIOR_DRAWS // 10) % len(opened.labels)  # fewer: drawn one by one
    return np.array([prior.draw(int(label), rng) for label in labels])


def doubts_of(opened: Opened, corpus: str | None, progress: bool) -> Doubts | None:
    """Doubts about a model's recordings; None if it has none."""
    dataset = dataset_of(opened, corpus)
    if dataset is None:
        return None
    prepared = dataset.prepared
    losses = None
    if isinstance(opened, ClipRun):
        # One clip per call gives the loss of each clip, with the same noise for all.
        each = [opened.explain(np.array([row])).loss for row in range(len(prepared))]
        losses = {(clip.label, clip.digest): loss for clip, loss in zip(prepared.clips, each, strict=True)}
    takes = sorted((*prepared.clips, *prepared.dropped), key=lambda clip: clip.path)
    return find_doubts(takes, losses=losses, progress=progress)


def with_doubts(clips: Clips, doubts: Doubts | None) -> Clips:
    """The clips with `doubt` filled in for the real ones."""
    if doubts is None:
        return clips
    pairs = zip(doubts.clips, doubts.wrong, strict=True)
    known = {(clip.label, clip.digest): wrong for clip, wrong in pairs}
    return replace(clips, doubt=np.array([known.get(key, np.nan) for key in keys_of(clips)]))


def keys_of(clips: Clips) -> list[tuple[str, str]]:
    """Label and digest of each clip: copies of a recording may have different labels."""
    names = (clips.label_names[label] for label in clips.labels)
    return list(zip(names, clips.digests, strict=True))


def with_sounds(clips: Clips, sounds: Sequence[Reconstruction]) -> Clips:
    """The clips, followed by the user's own files."""
    if not sounds:
        return clips
    count = len(sounds)
    found = measure([one.given for one in sounds], clips.rate)
    columns = zip(vars(clips.measured).values(), vars(found).values(), strict=True)
    return replace(
        clips,
        sounds=(*clips.sounds, *(one.given for one in sounds)),
        latents=np.concatenate([clips.latents, [one.latent for one in sounds]]),
        labels=np.append(clips.labels, [clips.label_names.index(one.label) for one in sounds]),
        speakers=np.append(clips.speakers, np.full(count, -1)),
        generated=np.append(clips.generated, np.zeros(count, bool)),
        sources=(*clips.sources, *(f"yours: {one.name}" for one in sounds)),
        digests=(*clips.digests, *[""] * count),
        rows=np.append(clips.rows, np.full(count, -1)),
        measured=Measured(*(np.concatenate(both) for both in columns)),
        doubt=np.append(clips.doubt, np.full(count, np.nan)),
    )
