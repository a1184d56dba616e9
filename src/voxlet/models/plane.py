"""Project latents to a plane and back: the two latent units themselves, or principal components."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True)
class Plane:
    """A linear map of latents (Z,) to a plane.

    Attributes:
        centre: The latent (Z,) at the origin of the plane.
        directions: Orthonormal directions (2, Z); the second is zero if Z is 1 or there is only one clip.
        axes: The names of the axes.
    """

    centre: NDArray[np.float64]
    directions: NDArray[np.float64]
    axes: tuple[str, str]

    def project(self, latents: NDArray[np.float64]) -> NDArray[np.float64]:
        """Positions (N, 2) in the plane of latents (N, Z)."""
        places: NDArray[np.float64] = (latents - self.centre) @ self.directions.T
        return places

    def back(self, places: NDArray[np.float64]) -> NDArray[np.float64]:
        """The latents (N, Z) at positions (N, 2) in the plane."""
        latents: NDArray[np.float64] = self.centre + places @ self.directions
        return latents


def find_plane(means: NDArray[np.float64]) -> Plane:
    """The plane for latents (B, Z): the latent units themselves if Z is at most 2.

    Otherwise, the two directions in which the latents differ most (principal components).
    """
    size = means.shape[1]
    if size <= 2:
        names = [f"latent unit {unit + 1}" if unit < size else "" for unit in range(2)]
        return Plane(np.zeros(size), np.eye(2, size), (names[0], names[1]))
    centre = means.mean(axis=0)
    _, spreads, directions = np.linalg.svd(means - centre, full_matrices=False)
    shares = spreads[:2] ** 2 / max(np.sum(spreads**2), 1e-12)  # a collapsed posterior has no spread
    names = [
        f"principal component {index + 1} of {size} ({share:.0%} of the variance)"
        for index, share in enumerate(shares)
    ]
    if len(directions) < 2:  # only one clip
        directions, names = np.concatenate([directions, np.zeros((1, size))]), [*names, ""]
    return Plane(centre, directions[:2], (names[0], names[1]))
