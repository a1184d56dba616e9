"""Walks through a latent space: between two points, along a path, over a grid, along one unit.

Each can be played as a sound and drawn as a strip of spectrograms. Shapes: K steps, Z latent size, T samples,
M bands, F frames.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from voxlet import audio
from voxlet.corpus.look.report import decibels
from voxlet.errors import ConfigError
from voxlet.plots.figure import encode, save
from voxlet.plots.training import spectrogram_strips
from voxlet.recipes.opened import ClipRun, VoiceRun
from voxlet.speak.manner import Manner

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.recipes.opened import Opened

    Reals = NDArray[np.float64]

Way = Literal["straight", "spherical"]
PAUSE = 0.12  # seconds between the steps of a walk
DEPTH_DB = 60.0  # range of a strip's spectrograms
PARALLEL = 1e-6  # radians: closer directions have no arc between them


@dataclass(frozen=True)
class Walk:
    """Steps to play one after another.

    Attributes:
        names: Names of the K steps.
        clips: Samples of each step, (T,).
        rate: Sampling rate in Hz.
    """

    names: tuple[str, ...]
    clips: tuple[Samples, ...]
    rate: int

    def sound(self) -> Samples:
        """All steps with pauses between them, (T,)."""
        return audio.join(self.clips, self.rate, PAUSE)

    def strip(self) -> Figure:
        """The spectrograms of all steps, side by side."""
        return strips({"": self})

    def _repr_html_(self) -> str:  # as a notebook shows it
        picture = base64.b64encode(encode(self.strip())).decode()
        sound = base64.b64encode(audio.encode_wav(self.sound(), self.rate)).decode()
        return (
            f'<img style="max-width: 100%" alt="strip" src="data:image/png;base64,{picture}"><br>'
            f'<audio controls src="data:audio/wav;base64,{sound}"></audio>'
        )

    def write(self, stem: Path) -> None:
        """Write `stem`.wav and the strip, `stem`.png.

        Raises:
            FileError: A file cannot be written.
        """
        audio.write(stem.with_name(f"{stem.name}.wav"), self.sound(), self.rate)
        save(self.strip(), stem.with_name(f"{stem.name}.png"))


def strips(walks: Mapping[str, Walk]) -> Figure:
    """A picture of walks with the same number of steps, one strip below the other."""
    every = [clip for walk in walks.values() for clip in walk.clips]
    first = next(iter(walks.values()))
    shown, count = display_spectrograms(every, first.rate), len(first.names)
    rows = {name: shown[at * count : (at + 1) * count] for at, name in enumerate(walks)}
    return spectrogram_strips(rows, first.names, max(map(len, every)) / first.rate, first.rate)


def display_spectrograms(clips: Sequence[Samples], rate: int) -> NDArray[np.float32]:
    """Spectrograms (B, M, F) of clips for display, from 0 to 1; shorter clips are padded with silence."""
    longest = max(map(len, clips))
    drawn = np.stack([decibels(np.pad(clip, (0, longest - len(clip))), rate) for clip in clips])
    top = drawn.max(axis=(1, 2), keepdims=True)
    return np.asarray(np.clip(1 + (drawn - top) / DEPTH_DB, 0, 1), dtype=np.float32)


def between(start: Reals, stop: Reals, steps: int, way: Way = "straight") -> Reals:
    """Latents (K, Z) from one (Z,) to another, on a straight line or on an arc around the prior's mean, zero.

    A line between two draws from a normal prior passes closer to its mean than draws usually are. On an arc
    (Shoemake 1985; White 2016, https://arxiv.org/abs/1609.04468), the distance from the mean changes evenly
    from that of the first draw to that of the second.

    Raises:
        ConfigError: There are fewer than two steps, or `way` is unknown.
    """
    if steps < 2:
        raise ConfigError(f"{steps} steps are too few for a walk", where="steps", remedy="use two or more")
    share = np.linspace(0.0, 1.0, steps)[:, None]
    if way == "straight":
        return np.asarray((1 - share) * start + share * stop)
    if way != "spherical":
        raise ConfigError(f"no way is called {way!r}", where="way", remedy="use straight or spherical")
    lengths = np.array([np.linalg.norm(start), np.linalg.norm(stop)])
    if lengths.min() < PARALLEL:
        return between(start, stop, steps)
    ends = start / lengths[0], stop / lengths[1]
    angle = float(np.arccos(np.clip(ends[0] @ ends[1], -1, 1)))
    if angle < PARALLEL or np.pi - angle < PARALLEL:  # no arc, or more than one
        return between(start, stop, steps)
    turned = (np.sin((1 - share) * angle) * ends[0] + np.sin(share * angle) * ends[1]) / np.sin(angle)
    return np.asarray(((1 - share) * lengths[0] + share * lengths[1]) * turned)


def along(corners: Reals, steps: int) -> Reals:
    """Points (K, D) at equal distances along a path through `corners` (P, D).

    Raises:
        ConfigError: There are fewer than two corners or steps.
    """
    if len(corners) < 2 or steps < 2:
        raise ConfigError("a path has two corners and two steps or more", where="path")
    reached = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    places = np.linspace(0.0, reached[-1], steps)
    return np.stack([np.interp(places, reached, axis) for axis in corners.T], axis=1)


def grid(low: Reals, high: Reals, side: int) -> Reals:
    """Points (side * side, 2) of a grid over a rectangle in reading order, the highest row first."""
    columns, rows = np.linspace(low[0], high[0], side), np.linspace(high[1], low[1], side)
    return np.stack(np.meshgrid(columns, rows), axis=2).reshape(-1, 2)


def render(opened: Opened, latents: Reals, labels: Sequence[str], *, seed: int = 0) -> list[Samples]:
    """Generate K clips (T,) from latents (K, Z), or from styles for a voice, each with its word.

    A voice uses the same noise and manner in every step, so that only style and word change.

    Raises:
        VoiceError: There is no such word, or a style is out of bounds.
    """
    if isinstance(opened, ClipRun):
        return opened.decode(torch.from_numpy(np.asarray(latents, dtype=np.float32)), labels)
    voice, still = opened.voice if isinstance(opened, VoiceRun) else opened, Manner(variation=0.0)
    pairs = zip(latents.astype(np.float32), labels, strict=True)
    return [voice.sample([label], style=style, manner=still, seed=seed)[0] for style, label in pairs]


def sequence_walk(run: VoiceRun, first: int, second: int, names: Sequence[str]) -> Walk:
    """The walk from one recording of a voice's run to another through the wave VAE's latent sequences.

    In each step, both sequences are stretched to the same length, which changes evenly from the length of the
    first to that of the second, and mixed.

    Args:
        run: The run of a voice.
        first: Dataset row of the first recording.
        second: Dataset row of the second recording.
        names: Names of the K steps, the ends included.
    """
    ends = [posterior.mean.T[None] for posterior in run.encode(np.array([first, second]))]  # (1, Z, L)
    made = []
    for share in np.linspace(0.0, 1.0, len(names)).tolist():
        length = round((1 - share) * ends[0].shape[2] + share * ends[1].shape[2])
        one, other = (torch.nn.functional.interpolate(end, length, mode="linear") for end in ends)
        made.append(((1 - share) * one + share * other)[0].T)
    return Walk(tuple(names), tuple(run.decode(made)), run.rate)


def walk(
    opened: Opened,
    latents: Reals,
    labels: Sequence[str],
    *,
    names: Sequence[str] | None = None,
    seed: int = 0,
) -> Walk:
    """The walk over latents (K, Z), each step with its word, which conditional models and voices need.

    Raises:
        VoiceError: See `render`.
    """
    made = render(opened, latents, labels, seed=seed)
    return Walk(tuple(names or labels), tuple(made), opened.rate)
