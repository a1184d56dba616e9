"""Walks through latent space: where their steps lie, and writing them as one sound and one picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from voxlet import audio
from voxlet.errors import ConfigError
from voxlet.exploring.walks import Walk, along, between, display_spectrograms, grid


def test_a_straight_walk_is_a_line() -> None:
    steps = between(np.array([0.0, 2.0]), np.array([4.0, 0.0]), 5)
    np.testing.assert_allclose(steps, [[0, 2], [1, 1.5], [2, 1], [3, 0.5], [4, 0]])


def test_a_spherical_walk_keeps_its_distance_from_the_middle() -> None:
    steps = between(np.array([3.0, 0.0]), np.array([0.0, 3.0]), 7, "spherical")
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), 3.0)
    angles = np.arctan2(steps[:, 1], steps[:, 0])
    np.testing.assert_allclose(np.diff(angles), np.pi / 12)


def test_a_spherical_walk_between_distances_goes_evenly_from_one_to_the_other() -> None:
    steps = between(np.array([1.0, 0.0]), np.array([0.0, 3.0]), 5, "spherical")
    np.testing.assert_allclose(np.linalg.norm(steps, axis=1), [1, 1.5, 2, 2.5, 3])


@pytest.mark.parametrize("stop", [[2.0, 0.0], [-2.0, 0.0], [0.0, 0.0]])
def test_where_there_is_no_one_arc_the_walk_is_straight(stop: list[float]) -> None:
    start = np.array([1.0, 0.0])
    steps = between(start, np.array(stop), 4, "spherical")
    np.testing.assert_allclose(steps, between(start, np.array(stop), 4))


def test_bad_walks_are_refused() -> None:
    here = np.zeros(2)
    with pytest.raises(ConfigError, match="1 steps are too few for a walk; use two or more"):
        between(here, here, 1)
    with pytest.raises(ConfigError, match="no way is called 'round'; use straight or spherical"):
        between(here, here, 3, "round")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="two corners and two steps"):
        along(np.zeros((1, 2)), 3)


def test_steps_along_a_path_are_equally_far_apart() -> None:
    steps = along(np.array([[0.0, 0.0], [3.0, 0.0], [3.0, 1.0]]), 5)
    np.testing.assert_allclose(steps, [[0, 0], [1, 0], [2, 0], [3, 0], [3, 1]])


def test_a_grid_is_read_from_its_upper_left() -> None:
    places = grid(np.array([0.0, 0.0]), np.array([1.0, 2.0]), 2)
    np.testing.assert_allclose(places, [[0, 2], [1, 2], [0, 0], [1, 0]])


def test_a_walk_is_one_sound_and_one_picture(tmp_path: Path) -> None:
    tone = (0.1 * np.sin(np.arange(1600) / 4)).astype(np.float32)
    walk = Walk(("from", "to"), (tone, tone[:800]), 8000)
    walk.write(tmp_path / "a-b")
    sound = audio.read(tmp_path / "a-b.wav")
    assert (sound.rate, len(sound.samples)) == (8000, 1600 + 800 + round(0.12 * 8000))
    assert (tmp_path / "a-b.png").read_bytes()[:4] == b"\x89PNG"


def test_a_notebook_shows_and_plays_a_walk() -> None:
    tone = (0.1 * np.sin(np.arange(800) / 4)).astype(np.float32)
    shown = Walk(("from", "to"), (tone, tone), 8000)._repr_html_()
    assert "data:image/png;base64,iVBOR" in shown
    assert "<audio controls" in shown


def test_pictures_show_the_loudest_in_full_and_silence_as_nothing() -> None:
    tone = (0.1 * np.sin(2 * np.pi * 1000 * np.arange(1600) / 8000)).astype(np.float32)
    shown = display_spectrograms([tone, tone[:400]], 8000)
    assert shown.shape[0] == 2
    assert shown.max() == 1.0
    assert shown[1, :, -5:].max() == 0.0
    assert abs(shown[0].mean(axis=1).argmax() / shown.shape[1] - 0.25) < 0.02  # 1 kHz, of 4 kHz
