"""Project latents onto a plane: linearly, which also places new latents, or by neighbourhoods.

t-SNE is openTSNE's (van der Maaten, Hinton 2008; Poličar et al. 2024), in the extra `explore`. UMAP needs the
package umap-learn. For these two, neither axes nor distances mean anything; only neighbourhoods do.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from voxlet.errors import ConfigError, MissingExtraError
from voxlet.extras import import_extra
from voxlet.models.plane import Plane, find_plane

if TYPE_CHECKING:
    from numpy.typing import NDArray

Kind = Literal["linear", "tsne", "umap"]
DENSITY = 96  # cells of the prior's density along each axis
WIDER = 2.0  # times the map's width: the prior extends beyond the clips
PRIOR_DRAWS = 40_000
SMOOTH = 2  # cells on either side over which a draw is spread, twice
FEWEST = 30  # clips that t-SNE and UMAP need


@dataclass(frozen=True)
class Projection:
    """Places of clips on a plane.

    Attributes:
        places: (N, 2).
        axes: Names of the axes.
        plane: The linear map; None for t-SNE and UMAP.
    """

    places: NDArray[np.float64]
    axes: tuple[str, str]
    plane: Plane | None

    @property
    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The lowest and the highest corner (2,) of a square that holds all places."""
        low, high = self.places.min(axis=0), self.places.max(axis=0)
        half = 0.53 * max(float((high - low).max()), 1e-6)
        middle = (low + high) / 2
        return middle - half, middle + half


def check_kind(kind: str) -> None:
    """Check that there is such a projection.

    Raises:
        ConfigError: There is none.
    """
    if kind not in get_args(Kind):
        raise ConfigError(
            f"no projection is called {kind!r}", where="projection", remedy="use linear, tsne or umap"
        )


def check(kind: str) -> None:
    """Check, before any work is done, that there is such a projection and that its package is installed.

    Raises:
        ConfigError: There is no such kind.
        MissingExtraError: The package for it is not installed.
    """
    check_kind(kind)
    if kind == "tsne":
        import_extra("openTSNE", "explore")
    elif kind == "umap":
        try:
            importlib.import_module("umap")
        except ModuleNotFoundError as error:
            raise MissingExtraError(
                "this needs the package 'umap-learn', which is not installed",
                remedy="install it with: pip install umap-learn",
            ) from error


def project(latents: NDArray[np.float64], kind: str = "linear", *, seed: int = 0) -> Projection:
    """Project latents (N, Z) onto a plane.

    Args:
        latents: The latents of the clips.
        kind: `linear` (the latent units themselves if two, else principal components), `tsne` or `umap`.
        seed: Seed of t-SNE and UMAP.

    Raises:
        ConfigError: There is no such kind, or there are too few clips for it.
        MissingExtraError: The package for it is not installed.
    """
    check_kind(kind)
    if kind == "linear":
        plane = find_plane(latents)
        return Projection(plane.project(latents), plane.axes, plane)
    if len(latents) < FEWEST:
        raise ConfigError(
            f"{len(latents)} clips are too few for this projection", where="projection", remedy="use linear"
        )
    check(kind)
    axes = (f"{'t-SNE' if kind == 'tsne' else 'UMAP'}: who is near to whom; axes mean nothing", "")
    return Projection(neighbourhoods(latents, kind, seed), axes, None)


def neighbourhoods(latents: NDArray[np.float64], kind: str, seed: int) -> NDArray[np.float64]:
    """Places (N, 2) by t-SNE or UMAP."""
    if kind == "tsne":
        perplexity = min(30.0, (len(latents) - 1) / 3)
        tsne = import_extra("openTSNE", "explore").TSNE
        found = tsne(perplexity=perplexity, random_state=seed, n_jobs=1).fit(latents)
        return np.asarray(found, dtype=np.float64)
    import umap

    return np.asarray(umap.UMAP(random_state=seed).fit_transform(latents), dtype=np.float64)


def prior_density(projection: Projection, draws: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Density of the prior, (cells, cells), from 0 to 255, the lowest row first.

    The cells cover a square twice as wide as the map, with the same centre.

    Args:
        projection: Linear; the density of any other is zero.
        draws: Latents (D, Z) from the prior.
    """
    if projection.plane is None:
        return np.zeros((DENSITY, DENSITY), np.uint8)
    low, high = projection.bounds
    middle, half = (low + high) / 2, WIDER * (high - low) / 2
    low, high = middle - half, middle + half
    places = projection.plane.project(draws)
    edges = [np.linspace(low[axis], high[axis], DENSITY + 1) for axis in (1, 0)]
    counts, _, _ = np.histogram2d(places[:, 1], places[:, 0], bins=edges)
    for _ in range(2):
        counts = smoothed(smoothed(counts).T).T
    return np.asarray(np.round(255 * counts / max(counts.max(), 1e-9)), dtype=np.uint8)


def smoothed(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Moving average along the first axis."""
    padded = np.pad(values, ((SMOOTH, SMOOTH), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * SMOOTH + 1, axis=0)
    return np.asarray(windows.mean(axis=-1), dtype=np.float64)
