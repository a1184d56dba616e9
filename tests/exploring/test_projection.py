"""Projections of latents to a plane: linear, by neighbourhoods, and the prior's density."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from voxlet.errors import ConfigError, MissingExtraError
from voxlet.exploring.projection import DENSITY, prior_density, project


def two_clouds(count: int = 60) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.standard_normal((count, 5)) + 20 * (np.arange(count) % 2)[:, None]


def test_two_numbers_are_shown_as_they_are() -> None:
    latents = np.random.default_rng(0).standard_normal((50, 2))
    found = project(latents)
    assert np.array_equal(found.places, latents)
    assert found.axes == ("latent unit 1", "latent unit 2")


def test_the_bounds_are_a_square_that_holds_all() -> None:
    found = project(np.array([[0.0, 0.0], [10.0, 1.0]]))
    low, high = found.bounds
    np.testing.assert_allclose(high - low, 10.6)
    np.testing.assert_allclose((low + high) / 2, [5, 0.5])


def test_the_density_of_the_prior_is_highest_in_its_middle() -> None:
    rng = np.random.default_rng(0)
    found = project(rng.standard_normal((200, 2)))
    density = prior_density(found, rng.standard_normal((40_000, 2)))
    row, column = np.unravel_index(density.argmax(), density.shape)
    low, high = found.bounds
    middle, width = (low + high) / 2, 2 * (high - low)
    place = middle - width / 2 + width * (np.array([column, row]) + 0.5) / DENSITY
    assert np.abs(place).max() < 0.5
    assert density.max() == 255
    assert density[0, 0] == 0


@pytest.mark.slow
def test_neighbours_stay_neighbours() -> None:
    pytest.importorskip("openTSNE")
    latents = two_clouds()
    found = project(latents, "tsne", seed=3)
    assert np.array_equal(found.places, project(latents, "tsne", seed=3).places)
    one, other = found.places[::2], found.places[1::2]
    apart = np.linalg.norm(one.mean(axis=0) - other.mean(axis=0))
    assert apart > 2 * max(one.std(), other.std())
    assert not prior_density(found, latents).any()


def test_what_cannot_be_projected_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="no projection is called 'isomap'; use linear, tsne or umap"):
        project(two_clouds(), "isomap")
    with pytest.raises(ConfigError, match="10 clips are too few for this projection; use linear"):
        project(two_clouds(10), "tsne")
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match="install it with: pip install umap-learn"):
        project(two_clouds(), "umap")
