"""Latent spaces of a few clips, and how much of them labels and speakers explain; worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from messages import message
from voxlet.errors import ScoreError
from voxlet.evaluation.intervals import exact, wilson
from voxlet.evaluation.metrics import explained_share, latents
from voxlet.evaluation.metrics.latents import LatentClips

LN2 = math.log(2)


def column(*values: float) -> np.ndarray:
    """Return one feature of several clips, (B, 1)."""
    return np.array(values, dtype=float)[:, None]


def test_a_linear_probe_counts_and_does_not_depend_on_scale():
    train, labels = column(0, 1, 2, 3), np.array([0, 0, 1, 1])
    test, asked = column(-1, 0.5, 2.5, 9, 1), np.array([0, 0, 1, 0, 0])
    found = latents.linear_probe(train, labels, test, asked)
    assert (found.value, found.count) == (0.8, 5)
    assert latents.linear_probe(1e-4 * train + 7, labels, 1e-4 * test + 7, asked) == found
    # The dimension that tells labels apart may be small beside the others.
    rng = np.random.default_rng(0)
    loud, few = 1000 * rng.standard_normal((200, 1)), np.arange(200) % 2
    both = np.hstack([1e-3 * (few[:, None] + 0.1 * rng.standard_normal((200, 1))), loud])
    assert latents.linear_probe(both[:100], few[:100], both[100:], few[100:]).value == 1
    constant = np.hstack([train, np.ones((4, 1))]), np.hstack([test, np.ones((5, 1))])
    assert latents.linear_probe(constant[0], labels, constant[1], asked) == found


def test_neighbours_vote_and_the_nearest_breaks_ties():
    train, labels = column(0, 1, 2, 10, 11), np.array([0, 0, 1, 1, 1])

    def label_of(value: float, k: int) -> int:
        shares = [
            latents.nearest_neighbours(train, labels, column(value), np.array([n]), k).value for n in (0, 1)
        ]
        assert sum(shares) == 1
        return shares.index(1)

    assert [label_of(1.6, k) for k in (1, 2, 3)] == [1, 1, 0]
    assert [label_of(1.4, k) for k in (1, 2, 3, 4, 5, 9)] == [0, 0, 0, 0, 1, 1]
    both = latents.nearest_neighbours(train, labels, column(0, 11, 1), np.array([0, 1, 1]), 1)
    assert both == wilson(2, 3)
    tied = latents.nearest_neighbours(train, labels, column(1.4, 1.6, 0), np.array([0, 1, 0]), 2)
    assert tied == wilson(3, 3)
    assert latents.nearest_neighbours(train, labels, column(0), np.array([1])).value == 1  # five vote


def test_mutual_information_of_a_few_values():
    values = np.array([0.0, 1.0, 2.0, 3.0])
    known = {"all": [0, 1, 2, 3], "halves": [0, 0, 1, 1], "nothing": [0, 1, 0, 1], "some": [0, 0, 0, 1]}
    found = {
        (name, bins): latents.mutual_information(values, np.array(labels), bins)
        for name, labels in known.items()
        for bins in (2, 4)
    }
    some = 0.5 * math.log(0.5 / 0.375) + 0.25 * math.log(0.25 / 0.375) + 0.25 * LN2
    assert found == {
        ("all", 2): pytest.approx(LN2),
        ("all", 4): pytest.approx(2 * LN2),
        ("halves", 2): pytest.approx(LN2),
        ("halves", 4): pytest.approx(LN2),
        ("nothing", 2): pytest.approx(0, abs=1e-12),
        ("nothing", 4): pytest.approx(LN2),
        ("some", 2): pytest.approx(some),
        ("some", 4): pytest.approx(2 * LN2 - 0.75 * math.log(3)),
    }
    many = np.arange(40.0)
    assert latents.mutual_information(many, np.arange(40) // 2) == pytest.approx(math.log(20))


def test_information_gap_of_units_that_know_all_half_and_nothing():
    labels = np.array([0, 1, 2, 3] * 2)
    knows, half, nothing = labels + 0.0, labels // 2 + 0.0, np.repeat([0.0, 1.0], 4)
    gap = latents.information_gap
    assert gap(np.column_stack([nothing, knows]), labels, bins=4) == pytest.approx(1)
    assert gap(np.column_stack([half, nothing, knows]), labels, bins=4) == pytest.approx(0.5)
    assert gap(np.column_stack([knows, half, knows]), labels, bins=4) == pytest.approx(0, abs=1e-12)
    uneven = np.array([0, 0, 0, 2])  # one label is nobody's
    entropy = -0.75 * math.log(0.75) - 0.25 * math.log(0.25)
    found = gap(np.column_stack([[0.0, 1.0, 2.0, 3.0], [0.0, 0.0, 1.0, 1.0]]), uneven, bins=4)
    half_known = 0.5 * math.log(0.5 / 0.375) + 0.25 * math.log(0.25 / 0.375) + 0.25 * LN2
    assert found == pytest.approx((entropy - half_known) / entropy)
    assert (
        message(ScoreError, gap, column(0, 1), np.array([0, 1]))
        == "an information gap needs two latent units"
    )
    assert message(ScoreError, gap, np.eye(2), np.array([1, 1])) == "all clips have the same label"


def test_units_that_move_by_more_than_a_tenth():
    assert latents.active_units(np.array([[-0.11, 0.09, 5.0, 0.0], [0.11, -0.09, 5.0, 1.0]])) == 2


def test_figures_of_a_latent_space():
    labels, speakers = np.arange(40) % 2, np.arange(40) // 2 % 2
    means = np.column_stack([labels + 0.0, speakers + 0.0, np.zeros(40)])
    clips = LatentClips(means, labels, speakers)
    one = exact(pytest.approx(1), 40)
    assert latents.evaluate(clips, clips) == {
        "latents.label.linear_probe": wilson(40, 40),
        "latents.label.nearest_neighbours": wilson(40, 40),
        "latents.label.information_gap": one,
        "latents.speaker.linear_probe": wilson(40, 40),
        "latents.speaker.nearest_neighbours": wilson(40, 40),
        "latents.speaker.information_gap": one,
        "latents.active_units": exact(2, 3),
    }
    nameless = LatentClips(means[:, :2], np.zeros(40, int), speakers)
    assert list(latents.evaluate(nameless, nameless)) == [
        "latents.speaker.linear_probe",
        "latents.speaker.nearest_neighbours",
        "latents.speaker.information_gap",
        "latents.active_units",
    ]
    alone = LatentClips(means, labels, np.zeros(40, int))  # all test clips are by one speaker
    assert "latents.speaker.information_gap" not in latents.evaluate(clips, alone)
    single = LatentClips(means[:, :1], labels, np.zeros(40, int))
    assert list(latents.evaluate(single, single)) == [
        "latents.label.linear_probe",
        "latents.label.nearest_neighbours",
        "latents.active_units",
    ]


def test_bounds_of_a_spectrograms_loss():
    train = torch.tensor([[[0.0, 0.5]], [[0.5, 0.5]]])
    test = torch.tensor([[[0.25, 0.5]], [[0.0, 1.0]]])
    found = explained_share.loss_bounds(train.mean(0), [test[:1], test[1:]])
    quarter = -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    assert found.entropy == pytest.approx((quarter + LN2 + 0) / 2, abs=1e-4)
    costs = [quarter + LN2, -math.log(0.75) + LN2]
    assert found.mean_spectrogram == pytest.approx(sum(costs) / 2, abs=1e-4)
    assert found.explained(found.entropy) == 1
    assert found.explained(found.mean_spectrogram) == 0


def test_silence_costs_all_but_nothing():
    silence = torch.zeros(1, 2, 3)
    found = explained_share.loss_bounds(silence[0], [silence])
    assert 0 < found.mean_spectrogram < 1e-5
    assert 0 < found.entropy < 1e-3


def test_figures_of_what_is_explained():
    losses = explained_share.Losses(amortised=12.0, refined=11.0, kl_per_unit=(2.0, 0.5), clips=7)
    by_unit = {"0": exact(2.0, 7), "1": exact(0.5, 7)}
    plain = {"latents.test_loss": exact(12.0, 7), "latents.test_loss.refined": exact(11.0, 7)}
    assert explained_share.evaluate(losses, None) == {**plain, "latents.kl.by_unit": by_unit}
    assert explained_share.evaluate(losses, explained_share.LossBounds(14.0, 10.0)) == {
        **plain,
        "latents.explained_share": exact(0.5, 7),
        "latents.explained_share.refined": exact(0.75, 7),
        "latents.kl.by_unit": by_unit,
    }
