"""Metrics on sets of a few numbers, whose answers can be worked out by hand or from the definition."""

from __future__ import annotations

import itertools
import math
from statistics import NormalDist

import numpy as np
import pytest
import torch

from voxlet.errors import ScoreError
from voxlet.evaluation.classifiers.inputs import FLOOR
from voxlet.evaluation.classifiers.prediction import Prediction
from voxlet.evaluation.intervals import Interval, bootstrap, exact, jackknife, wilson
from voxlet.evaluation.metrics import (
    distribution,
    explained_share,
    latents,
    memorisation,
    recognition,
    speaker,
    styles,
)
from voxlet.evaluation.metrics.latents import LatentClips
from voxlet.evaluation.metrics.memorisation import Nearest, nearest

LN2, LN9 = math.log(2), math.log(9)
QUIET = np.float32(np.log(FLOOR))


def column(*values: float) -> np.ndarray:
    """One feature of several clips, (B, 1)."""
    return np.array(values, dtype=float)[:, None]


def message(function, *arguments, **options) -> str:
    with pytest.raises(ScoreError) as caught:
        function(*arguments, **options)
    return str(caught.value)


# Intervals


@pytest.mark.parametrize(("right", "count"), [(1, 4), (3, 4), (50, 80)])
@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_wilsons_ends_are_the_shares_that_lie_so_many_deviations_away(right, count, confidence):
    found = wilson(right, count, confidence)
    assert (found.value, found.count) == (right / count, count)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    for end in (found.low, found.high):
        assert abs(found.value - end) == pytest.approx(z * math.sqrt(end * (1 - end) / count))
    assert found.low < found.value < found.high


def test_wilson_at_the_ends_and_by_default():
    assert wilson(3, 4) == wilson(3, 4, 0.95)
    assert (wilson(0, 7).low, wilson(0, 7).value) == (0, 0)
    assert (wilson(7, 7).high, wilson(7, 7).value) == (1, 1)
    assert wilson(1, 1).low == pytest.approx(1 / (1 + NormalDist().inv_cdf(0.975) ** 2))
    assert message(wilson, 0, 0) == "a share of no clips has no value"


def test_bootstrap_of_two_values():
    # The mean of two draws from 0 and 1 is 0, 1/2, 1/2 or 1.
    values = np.array([0.0, 1.0])
    assert bootstrap(values) == Interval(0.5, 0.0, 1.0, 2)
    assert bootstrap(values, confidence=0.4) == Interval(0.5, 0.5, 0.5, 2)
    one = bootstrap(values, rounds=1)
    assert one.low == one.high
    assert message(bootstrap, values[:0]) == "a mean of no values does not exist"


def test_bootstrap_is_that_of_its_seed():
    values = np.arange(20.0) ** 2
    assert bootstrap(values) == bootstrap(values, rounds=2000, confidence=0.95, seed=0)
    assert bootstrap(values) != bootstrap(values, seed=1)
    found = bootstrap(values, confidence=0.9)
    assert found.value == pytest.approx(123.5)
    reach = 1.645 * values.std() / math.sqrt(20)
    assert (found.low, found.high) == pytest.approx((123.5 - reach, 123.5 + reach), rel=0.06)


@pytest.mark.parametrize("confidence", [0.5, 0.95])
def test_jackknife_of_a_mean_is_its_standard_error(confidence):
    values = np.array([3.0, -1.0, 4.0, 1.0, -5.0, 9.0])

    def mean_and_count(rows: np.ndarray) -> dict[str, float]:
        assert rows.dtype == np.int64
        assert (np.diff(rows) > 0).all()
        return {"mean": values[rows].mean(), "count": len(rows)}

    found = jackknife(mean_and_count, 6, blocks=6, confidence=confidence)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    reach = z * values.std(ddof=1) / math.sqrt(6)
    mean = values.mean()
    assert found["mean"] == Interval(mean, pytest.approx(mean - reach), pytest.approx(mean + reach), 6)
    assert found["count"] == Interval(6, 6, 6, 6)


def test_jackknife_leaves_out_one_of_ten_blocks():
    seen: list[set[int]] = []

    def total(rows: np.ndarray) -> dict[str, float]:
        seen.append(set(rows.tolist()))
        return {"total": float(np.sum(rows**2))}

    first = jackknife(total, 25)
    everything, *left_out = seen
    assert everything == set(range(25))
    blocks = [everything - rows for rows in left_out]
    assert sorted(map(len, blocks)) == [2] * 5 + [3] * 5
    assert set().union(*blocks) == everything
    assert jackknife(total, 25, seed=0) == first == jackknife(total, 25, confidence=0.95)
    assert jackknife(total, 25, seed=1) != first
    seen.clear()
    jackknife(total, 4)
    assert len(seen) == 1 + 4  # no more blocks than clips


# Distances between sets


def test_frechet_distance_of_pairs():
    # Two values a and b have the mean (a + b) / 2 and the variance (a - b)^2 / 2.
    assert distribution.frechet_distance(column(0, 2), column(0, 2)) == pytest.approx(0, abs=1e-9)
    assert distribution.frechet_distance(column(0, 2), column(3, 5)) == pytest.approx(9)
    assert distribution.frechet_distance(column(0, 2), column(-3, 5)) == pytest.approx(9 / 2 * 4)
    assert distribution.frechet_distance(column(0, 2), column(1, 9)) == pytest.approx(16 + 18)


def test_frechet_distance_in_two_dimensions():
    across, along = np.array([[-1.0, 0.0], [1.0, 0.0]]), np.array([[0.0, -3.0], [0.0, 3.0]])
    # Variances (2, 0) and (0, 18): nothing is shared.
    assert distribution.frechet_distance(across, along) == pytest.approx(20)
    assert distribution.frechet_distance(across, along + 1) == pytest.approx(22)
    assert distribution.frechet_distance(across + np.array([5, 1]), along) == pytest.approx(46)


@pytest.mark.parametrize("sets", [(column(1), column(1, 2)), (column(1, 2), column(1))])
def test_one_clip_has_no_frechet_distance(sets):
    assert message(distribution.frechet_distance, *sets) == "a Frechet distance needs two clips in each set"


def test_extrapolation_leaves_a_distance_that_does_not_change():
    alike = np.ones((12, 2))
    assert distribution.frechet_extrapolated(alike, alike + np.array([3, 4])) == pytest.approx(25)


def test_extrapolation_takes_the_bias_of_few_clips_away():
    rng = np.random.default_rng(3)
    first, second = rng.normal(size=(400, 10)), rng.normal(size=(400, 10))
    plain = distribution.frechet_distance(first, second)
    found = distribution.frechet_extrapolated(first, second)
    assert found < 0.5 * plain  # the sets are of one kind: all of it is bias
    assert found == distribution.frechet_extrapolated(first, second, points=8, seed=0)
    assert found != distribution.frechet_extrapolated(first, second, seed=1)
    assert found != distribution.frechet_extrapolated(first, second, points=3)


def test_distances_are_euclidean():
    found = distribution.distances(np.array([[0.0, 0.0], [3.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 0.0]]))
    assert found.tolist() == [[5, 0], [4, 3]]
    assert not distribution.distances(column(0.1, 0.7), column(0.1, 0.7)).diagonal().any()


def test_manifolds_on_a_line():
    """Reaches to the nearest: real 1, 1, 9, 50; generated 4.5, 1, 1, 24."""
    real, generated = column(0, 1, 10, -50), column(0.5, 5, 6, 30)
    found = distribution.manifolds(real, generated, k=1)
    assert (found.precision, found.recall, found.density, found.coverage) == (0.75, 0.75, 1.0, 0.75)


@pytest.mark.parametrize("k", [2, 5])
def test_manifolds_by_definition(k):
    rng = np.random.default_rng(k)
    real, generated = rng.normal(size=(9, 2)), rng.normal(0.5, 1.5, size=(7, 2))

    def reach(rows, row):
        return sorted(math.dist(row, other) for other in rows)[k]  # the first is its own, 0

    in_real = [[math.dist(r, g) < reach(real, r) for r in real] for g in generated]
    in_generated = [[math.dist(r, g) < reach(generated, g) for g in generated] for r in real]
    found = distribution.manifolds(real, generated, k=k)
    assert found.precision == pytest.approx(np.mean([any(row) for row in in_real]))
    assert found.recall == pytest.approx(np.mean([any(row) for row in in_generated]))
    assert found.density == pytest.approx(np.sum(in_real) / (k * 7))
    assert found.coverage == pytest.approx(np.mean(np.any(in_real, axis=0)))
    if k == distribution.NEIGHBOURS:
        assert distribution.manifolds(real, generated) == found


def test_manifolds_need_more_clips_than_neighbours():
    assert (
        message(distribution.manifolds, column(1, 2), column(1, 2, 3), 2)
        == "needs more than 2 clips in each set"
    )
    assert (
        message(distribution.manifolds, column(1, 2, 3), column(1, 2), 2)
        == "needs more than 2 clips in each set"
    )


# Inception scores


CONFIDENT = np.log([[0.9, 0.1], [0.1, 0.9]])
ENTROPY = -0.9 * math.log(0.9) - 0.1 * math.log(0.1)


def test_inception_scores_of_two_confident_clips():
    assert distribution.inception_score(CONFIDENT) == pytest.approx(math.exp(LN2 - ENTROPY))
    assert distribution.inception_score(CONFIDENT[:1]) == pytest.approx(1)
    # Of four pairs two are of unlike clips: their divergence is 0.8 ln 9.
    assert distribution.modified_inception_score(CONFIDENT) == pytest.approx(math.exp(0.4 * LN9))
    # With a third clip of two labels the means over clips are 11/30 and 19/30.
    uneven = np.log([[0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
    pairs = [np.sum(np.exp(a) * (a - b)) for a in uneven for b in uneven]
    assert distribution.modified_inception_score(uneven) == pytest.approx(np.exp(np.mean(pairs)))
    never = np.log([[1.0, 1e-320], [1.0, 1e-320]])
    assert distribution.inception_score(never) == pytest.approx(1)


def test_am_score_of_two_confident_clips():
    assert distribution.am_score(CONFIDENT, np.array([0.5, 0.5])) == pytest.approx(ENTROPY)
    alike = 0.25 * math.log(0.25 / 0.9) + 0.75 * math.log(0.75 / 0.1)
    once = distribution.am_score(CONFIDENT[[0, 0, 0]], np.array([0.25, 0.75]))
    assert once == pytest.approx(ENTROPY + alike)
    uneven = 0.25 * math.log(0.5) + 0.75 * math.log(1.5)
    assert distribution.am_score(CONFIDENT, np.array([0.25, 0.75])) == pytest.approx(ENTROPY + uneven)
    assert distribution.am_score(CONFIDENT, np.array([1.0, 0.0])) == pytest.approx(ENTROPY + LN2)


# Latent spaces


def test_a_linear_probe_counts_and_does_not_depend_on_scale():
    train, labels = column(0, 1, 2, 3), np.array([0, 0, 1, 1])
    test, asked = column(-1, 0.5, 2.5, 9, 1), np.array([0, 0, 1, 0, 0])
    found = latents.linear_probe(train, labels, test, asked)
    assert (found.value, found.count) == (0.8, 5)
    assert latents.linear_probe(1e-4 * train + 7, labels, 1e-4 * test + 7, asked) == found
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
    assert message(gap, column(0, 1), np.array([0, 1])) == "an information gap needs two latent units"
    assert message(gap, np.eye(2), np.array([1, 1])) == "all clips have the same label"


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
    single = LatentClips(means[:, :1], labels, np.zeros(40, int))
    assert list(latents.evaluate(single, single)) == [
        "latents.label.linear_probe",
        "latents.label.nearest_neighbours",
        "latents.active_units",
    ]


# Memorisation


@pytest.mark.parametrize("shift", [0, 2])
def test_nearest_by_definition(shift):
    rng = np.random.default_rng(shift)
    clips = (QUIET + rng.uniform(0, 5, (4, 3, 6))).astype(np.float32)
    train = (QUIET + rng.uniform(0, 5, (5, 3, 6))).astype(np.float32)

    def moved(clip: np.ndarray, by: int) -> np.ndarray:
        """The clip `by` frames earlier, with quiet frames behind, or later."""
        wide = np.pad(clip, ((0, 0), (9, 9)), constant_values=QUIET)
        return wide[:, 9 + by : 15 + by]

    found = nearest(clips, train, shift=shift)
    for clip, distance, row in zip(clips, found.distance, found.row, strict=True):
        every = [
            [np.sqrt(np.mean((moved(clip, by) - other) ** 2)) for by in range(-shift, shift + 1)]
            for other in train
        ]
        assert distance == pytest.approx(np.min(every), rel=1e-4)
        assert row == np.argmin(np.min(every, axis=1))


def test_percentiles_of_the_nearest_distances():
    distances = np.arange(101.0) ** 2
    found = Nearest(distances, np.zeros(101, int))
    assert {name: value.value for name, value in found.percentiles().items()} == {1: 1, 5: 25, 50: 2500}
    assert found.percentiles() == found.percentiles(rounds=1000, seed=0)
    assert found.percentiles()[50] != found.percentiles(seed=1)[50]
    once = found.percentiles(rounds=1)[50]
    assert once.low == once.high
    # A quantile's ranks are binomial: the median of 101 lies between the 41st and the 61st in 95 % of cases.
    median = found.percentiles()[50]
    assert (median.low, median.high) == pytest.approx((40.0**2, 60.0**2), rel=0.06)
    assert median.count == 101
    assert list(memorisation.evaluate(found)) == [f"memorisation.nearest.p{n}" for n in (1, 5, 50)]


def test_nearest_pairs_are_the_first_ten():
    found = Nearest(np.array([3.0, 1.0, 2.0, *range(4, 20)]), np.array([7, 8, 9, *range(16)]))
    assert list(found.pairs(2)) == [(1, 8, 1.0), (2, 9, 2.0)]
    assert [distance for _, _, distance in found.pairs()] == list(range(1, 11))


def test_sets_that_cannot_be_compared():
    some = np.zeros((1, 2, 4), np.float32)
    for sets in ((some, some[:0]), (some[:0], some)):
        assert message(nearest, *sets) == "nearest neighbours need clips on both sides"
    assert message(nearest, some, some[:, :, :3]) == "spectrograms of (2, 4) and (2, 3) cannot be compared"


# What can be explained


def test_bounds_of_a_spectrograms_loss():
    train = torch.tensor([[[0.0, 0.5]], [[0.5, 0.5]]])
    test = torch.tensor([[[0.25, 0.5]], [[0.0, 1.0]]])
    found = explained_share.loss_bounds(train, test)
    quarter = -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    assert found.entropy == pytest.approx((quarter + LN2 + 0) / 2, abs=1e-4)
    costs = [quarter + LN2, -math.log(0.75) + LN2]
    assert found.mean_spectrogram == pytest.approx(sum(costs) / 2, abs=1e-4)
    assert found.explained(found.entropy) == 1
    assert found.explained(found.mean_spectrogram) == 0


def test_silence_costs_all_but_nothing():
    silence = torch.zeros(1, 2, 3)
    found = explained_share.loss_bounds(silence, silence)
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


# Styles


SPECTRA = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])


def test_distances_between_styles_are_root_mean_squares():
    table = {
        (a, b): math.sqrt(np.mean((SPECTRA[a] - SPECTRA[b]) ** 2))
        for a, b in itertools.permutations(range(3), 2)
    }
    assert table[0, 1] == pytest.approx(math.sqrt(12.5))
    found = styles.to_others(SPECTRA)
    assert found.tolist() == [[pytest.approx(table[a, b]) for b in range(3) if b != a] for a in range(3)]
    mean = styles.distance(SPECTRA, seed=0)
    assert (mean.value, mean.count) == (pytest.approx(np.mean(list(table.values()))), 3)
    assert styles.distances(SPECTRA[:1], SPECTRA).tolist() == [
        [0, *map(pytest.approx, (table[0, 1], table[0, 2]))]
    ]


def test_duplicates_are_nearer_to_another_than_a_speaker_to_himself():
    assert styles.duplicates(SPECTRA, same=0.75) == wilson(2, 3)  # the first and the third: sqrt(1 / 2)
    assert styles.duplicates(SPECTRA, same=math.sqrt(0.5)) == wilson(0, 3)
    assert styles.duplicates(SPECTRA, same=100) == wilson(3, 3)


# A whole set of clips


def prediction(seed: int, count: int = 250, features: bool = True) -> Prediction:
    """What a classifier of two labels may say of clips."""
    rng = np.random.default_rng(seed)
    said = np.log(rng.dirichlet([1, 1], size=count))
    return Prediction(said, None, rng.normal(seed, 1, size=(count, 2)) if features else None)


def test_figures_of_a_set_are_its_metrics_against_the_real_clips():
    clips = {"in_corpus": prediction(1), "cross_corpus": prediction(2), "pocketsphinx": prediction(3)}
    real = {"in_corpus": prediction(4), "cross_corpus": prediction(5)}
    labels = np.array([0.3, 0.7])
    found = distribution.evaluate(clips, real, labels)
    expected = {}
    for kind in ("in_corpus", "cross_corpus"):
        pair = clips[kind].features, real[kind].features
        expected[f"{kind}.frechet_distance"] = distribution.frechet_distance(*pair)
        expected[f"{kind}.frechet_extrapolated"] = distribution.frechet_extrapolated(*pair)
    overlap = distribution.manifolds(real["in_corpus"].features, clips["in_corpus"].features)
    said = clips["in_corpus"].label_log_probabilities
    expected |= {f"in_corpus.{name}": value for name, value in vars(overlap).items()}
    expected |= {
        "in_corpus.inception_score": distribution.inception_score(said),
        "in_corpus.modified_inception_score": distribution.modified_inception_score(said),
        "in_corpus.am_score": distribution.am_score(said, labels),
    }
    assert {key.removeprefix("distribution."): value.value for key, value in found.items()} == expected


def test_intervals_of_a_set_are_those_of_a_seed():
    clips, labels = {"in_corpus": prediction(1)}, np.array([0.3, 0.7])
    key = "distribution.in_corpus.am_score"
    found, same, other = (
        distribution.evaluate(clips, clips, labels, same=True, **seed)[key]
        for seed in ({}, {"seed": 0}, {"seed": 1})
    )
    assert found == same
    assert (found.value, found.count) == (other.value, 250)
    assert found.low != other.low


def test_shares_have_intervals_of_shares():
    here, beside = {"in_corpus": prediction(1, count=60)}, {"in_corpus": prediction(3, count=60)}
    labels = np.array([0.5, 0.5])
    for sets in ((here, here), (here, beside)):
        found = distribution.evaluate(*sets, labels)
        for name in ("precision", "recall", "coverage"):
            ends = found[f"distribution.in_corpus.{name}"]
            assert 0 <= ends.low <= ends.value <= ends.high <= 1
    precision, recall = (found[f"distribution.in_corpus.{name}"] for name in ("precision", "recall"))
    assert 0 < precision.low < precision.value < precision.high < 1
    assert recall.low < recall.value < recall.high == 1


def test_few_clips_and_real_ones_have_fewer_figures():
    real, few = {"in_corpus": prediction(1)}, {"in_corpus": prediction(2, count=249)}
    labels = np.array([0.5, 0.5])
    key = "distribution.in_corpus.frechet_extrapolated"
    for sets in ((few, real), (real, few)):
        assert distribution.evaluate(*sets, labels)[key] == "not enough clips (needs 250)"
    assert list(distribution.evaluate(real, real, labels, same=True)) == [
        f"distribution.in_corpus.{name}"
        for name in ("inception_score", "modified_inception_score", "am_score")
    ]


def test_sets_that_classifiers_have_said_too_little_of():
    known, labels = {"in_corpus": prediction(1, count=20)}, np.array([0.5, 0.5])
    for sets in (({}, known), (known, {}), ({}, {})):
        assert message(distribution.evaluate, *sets, labels) == (
            "the distribution is measured with the in-corpus classifier, which is missing"
        )
    blind = {"in_corpus": prediction(1, count=20, features=False)}
    for sets in ((blind, known), (known, blind)):
        assert message(distribution.evaluate, *sets, labels) == (
            "this classifier has no features to measure distances on"
        )


# Recognition


def sure(*labels: int) -> Prediction:
    said = np.log(np.full((len(labels), 2), 0.1) + 0.8 * np.eye(2)[list(labels)])
    return Prediction(said, said, None)


def test_classifiers_that_are_missing_and_what_the_others_say():
    asked, names = np.array([0, 0, 1]), ("no", "yes")
    answers = {"in_corpus": "not trained", "cross_corpus": sure(0, 1, 1), "off_the_shelf": "not installed"}
    assert recognition.evaluate(asked, names, answers) == {
        "recognition.in_corpus.accuracy": "not trained",
        "recognition.cross_corpus.accuracy": wilson(2, 3),
        "recognition.cross_corpus.accuracy.by_label": {"no": wilson(1, 2), "yes": wilson(1, 1)},
        "recognition.off_the_shelf.accuracy": "not installed",
    }
    ((key, table),) = recognition.confusions(asked, names, answers).items()
    assert (key, table) == ("recognition.cross_corpus.confusion", [[1, 1], [0, 1]])
    assert all(type(cell) is int for row in table for cell in row)  # for JSON


def test_speakers_that_were_asked_for():
    asked, prediction = np.array([0, 1, -1]), sure(0, 0, 0)
    assert speaker.evaluate(asked, ("ann", "bob"), prediction) == {"speaker.accuracy": wilson(1, 2)}
    assert speaker.evaluate(asked, ("ann",), prediction) == {
        "speaker.accuracy": "the reference has but one speaker"
    }
    assert speaker.evaluate(np.full(3, -1), ("ann", "bob"), prediction) == {
        "speaker.accuracy": "nobody in particular was asked for"
    }
