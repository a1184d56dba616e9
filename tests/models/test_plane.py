"""The plane of a latent space: its axes, and mapping points to it and back."""

from __future__ import annotations

import numpy as np

from voxlet.models.plane import find_plane


def test_the_plane_shows_the_widest_spread() -> None:
    generator = np.random.default_rng(0)
    means = generator.normal(size=(500, 5)) * [0.1, 4.0, 0.1, 2.0, 0.1]
    plane = find_plane(means)
    flat = plane.project(means)
    assert abs(np.corrcoef(flat[:, 0], means[:, 1])[0, 1]) > 0.99
    assert abs(np.corrcoef(flat[:, 1], means[:, 3])[0, 1]) > 0.99
    assert "of 5" in plane.axes[0]
    np.testing.assert_allclose(plane.project(plane.back(flat)), flat, atol=1e-9)
    assert np.abs(plane.back(flat) - means).max() < 0.6  # the part outside the plane


def test_two_numbers_are_the_plane_themselves() -> None:
    means = np.random.default_rng(0).normal(size=(50, 2))
    plane = find_plane(means)
    assert np.array_equal(plane.project(means), means)
    assert np.array_equal(plane.back(means), means)
    assert plane.axes == ("latent unit 1", "latent unit 2")


def test_one_number_lies_on_a_line() -> None:
    means = np.random.default_rng(0).normal(size=(50, 1))
    plane = find_plane(means)
    assert np.array_equal(plane.project(means), np.stack([means[:, 0], np.zeros(50)], axis=1))
    assert plane.axes == ("latent unit 1", "")


def test_one_clip_has_a_plane_too() -> None:
    plane = find_plane(np.ones((1, 5)))
    assert np.array_equal(plane.project(np.ones((1, 5))), np.zeros((1, 2)))
