"""How much takes of a word by one speaker vary, and how much a voice must vary its clips to match."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from voxlet.recipes.voice.clips.attributes import spreads_of
from voxlet.recipes.voice.finish import MOST_SPREAD, USUAL_SPREAD, variation_of
from work import growth

NAMES = ("speed", "pitch", "clarity")


def takes(count: int, speed: float, pitch: float, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Return attributes and groups of 4 words by 3 speakers, each with its own mean; 5 % octave errors."""
    rng = np.random.default_rng(seed)
    groups = np.array([(word, who) for word in range(4) for who in range(3) for _ in range(count)])
    middle = 10 * (groups[:, :1] + 7 * groups[:, 1:])
    values = middle + rng.standard_normal((len(groups), 3)) * [speed, pitch, 0.1]
    values[rng.random(len(groups)) < 0.05, 1] += 12
    values[rng.random(len(groups)) < 0.05, 1] = np.nan
    return torch.from_numpy(values).float(), torch.from_numpy(groups)


@pytest.mark.parametrize("count", [3, 5, 50])
def test_spreads_are_those_within_a_word_and_speaker(count: int) -> None:
    found = np.mean([spreads_of(*takes(count, 0.2, 1.5, seed)) for seed in range(40)], axis=0)
    assert found[0] == pytest.approx(0.2, rel=0.15)
    assert found[1] == pytest.approx(1.7, rel=0.25)  # tracking errors have some influence


def test_takes_that_drift_are_not_taken_for_alike() -> None:
    values = torch.linspace(0, 1, 40)[:, None]  # each take is a little higher than the one before
    assert spreads_of(values, torch.zeros(40, 1))[0] > 0.4


def test_too_few_takes_tell_nothing() -> None:
    values, groups = takes(1, 0.2, 1.5)
    assert np.isnan(spreads_of(values, groups)).all()
    assert np.isnan(spreads_of(values[:0], groups[:0])).all()


def run(values: torch.Tensor, groups: torch.Tensor) -> SimpleNamespace:
    labels, speakers = groups.T
    data = SimpleNamespace(attributes=values, labels=labels, speakers=speakers, names=NAMES)
    return SimpleNamespace(data=data, split=SimpleNamespace(train=np.arange(len(values))))


def test_what_a_voice_does_by_itself_is_not_added() -> None:
    of = run(*takes(50, 0.2, 1.5))
    still, lively = (variation_of(of, {"speed": x, "pitch": y}) for x, y in ((0.0, 0.0), (0.12, 2.0)))
    assert still == pytest.approx({"speed": 0.2, "pitch": 1.5}, rel=0.15)
    assert lively["speed"] == pytest.approx((still["speed"] ** 2 - 0.12**2) ** 0.5, rel=0.01)
    assert lively["pitch"] == 0.0


def test_one_take_varies_as_usual_and_a_crowd_as_one_speaker_at_most() -> None:
    nothing = {"speed": 0.0, "pitch": float("nan")}
    assert variation_of(run(*takes(1, 0.2, 1.5)), nothing) == USUAL_SPREAD
    assert variation_of(run(*takes(50, 1.0, 8.0)), nothing) == MOST_SPREAD
    assert variation_of(run(*takes(50, 0.2, 1.5)), {}) == {}


def test_pairs_are_counted_once() -> None:
    values, groups = torch.arange(20.0)[:, None], torch.arange(10).repeat(2)[:, None]
    assert not np.isnan(spreads_of(values, groups)).any()
    assert np.isnan(spreads_of(values[:-1], groups[:-1])).all()


def test_many_groups_take_linear_time() -> None:
    def work(count: int) -> None:
        spreads_of(torch.rand(count, 3), torch.arange(count)[:, None] // 2)

    assert growth(work, 2000, 16_000) < 4 * 8
