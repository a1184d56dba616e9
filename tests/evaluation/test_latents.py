from __future__ import annotations

import numpy as np
import pytest
import torch

from voxlet.errors import ScoreError
from voxlet.evaluation.metrics import explained_share, latents

RNG = np.random.default_rng(0)
ROWS = np.arange(2000)
LABELS = RNG.integers(4, size=2000)


def test_separated_labels_are_read_and_shuffled_ones_are_not():
    centres = np.array([[0, 0], [6, 0], [0, 6], [6, 6]])
    means = centres[LABELS] + RNG.normal(size=(2000, 2))
    for read in (latents.linear_probe, latents.nearest_neighbours):
        assert read(means[:1000], LABELS[:1000], means[1000:], LABELS[1000:]).value > 0.97
        shuffled = RNG.permutation(LABELS)
        assert read(means[:1000], shuffled[:1000], means[1000:], shuffled[1000:]).value < 0.35


def test_neighbours_see_what_a_line_does_not():
    angle = RNG.uniform(0, 2 * np.pi, 2000)
    ring = LABELS % 2
    means = np.stack([np.cos(angle), np.sin(angle)], axis=1) * (1 + ring[:, None])
    halves = means[:1000], ring[:1000], means[1000:], ring[1000:]
    assert latents.nearest_neighbours(*halves).value > 0.98
    assert latents.linear_probe(*halves).value < 0.65


def test_mutual_information_of_a_unit_that_knows_all_or_nothing():
    assert latents.mutual_information(LABELS + RNG.uniform(size=2000), LABELS) == pytest.approx(
        np.log(4), abs=0.12
    )
    assert latents.mutual_information(RNG.normal(size=2000), LABELS) < 0.03


def test_information_gap_of_one_unit_that_knows_and_of_two():
    knows, also = (LABELS + 0.1 * RNG.normal(size=2000) for _ in range(2))
    noise = RNG.normal(size=(2000, 2))
    assert latents.information_gap(np.column_stack([knows, noise]), LABELS) > 0.9
    assert latents.information_gap(np.column_stack([knows, also, noise]), LABELS) < 0.02
    with pytest.raises(ScoreError, match="two latent units"):
        latents.information_gap(noise[:, :1], LABELS)
    with pytest.raises(ScoreError, match="same label"):
        latents.information_gap(noise, np.zeros(2000, np.int64))


def test_units_that_are_not_used():
    means = np.column_stack([RNG.normal(size=500), 0.01 * RNG.normal(size=500)])
    assert latents.active_units(means) == 1


def test_all_of_a_latent_space_by_key():
    centres = np.array([[0, 0], [6, 0], [0, 6], [6, 6]])
    means = centres[LABELS] + RNG.normal(size=(2000, 2))
    nobody = np.zeros(2000, np.int64)
    halves = [
        latents.LatentClips(means[rows], LABELS[rows], nobody[rows]) for rows in (ROWS < 1000, ROWS >= 1000)
    ]
    found = latents.evaluate(*halves)
    assert list(found) == [
        "latents.label.linear_probe",
        "latents.label.nearest_neighbours",
        "latents.label.information_gap",
        "latents.active_units",
    ]  # all have one speaker, so there are none to tell apart
    assert found["latents.label.linear_probe"].value > 0.97
    assert found["latents.active_units"].value == 2


def test_what_can_be_explained_has_known_bounds():
    """Two certain spectrograms have no entropy, and their mean of a half costs log 2 per cell."""
    certain = torch.stack([torch.zeros(3, 4), torch.ones(3, 4)])
    bounds = explained_share.loss_bounds(certain.mean(0), [certain])
    assert bounds.entropy == pytest.approx(0, abs=1e-3)
    assert bounds.mean_spectrogram == pytest.approx(12 * np.log(2), rel=1e-4)
    assert bounds.explained(bounds.mean_spectrogram) == 0
    assert bounds.explained(bounds.entropy) == 1
    found = explained_share.evaluate(explained_share.Losses(6.0, 3.0, (0.5, 0.25), 7), bounds)
    assert found["latents.explained_share"].value == pytest.approx(1 - 6 / (12 * np.log(2)), rel=1e-3)
    assert {unit: kl.value for unit, kl in found["latents.kl.by_unit"].items()} == {"0": 0.5, "1": 0.25}
    assert "latents.explained_share" not in explained_share.evaluate(
        explained_share.Losses(6.0, 3.0, (), 7), None
    )
