"""The small recogniser for which the utility of clips is measured: its size, training and test."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from voxlet.errors import ScoreError
from voxlet.evaluation.utility import recogniser
from voxlet.evaluation.utility.bc_resnet import BCResNet, Block, SubSpectralNorm
from voxlet.evaluation.utility.recogniser import (
    TRAINING,
    Examples,
    assess,
    few_takes,
    probabilities,
    train_recogniser,
)

QUICK = replace(TRAINING, steps=60, batch=8, strength=0.0)

pytestmark = pytest.mark.slow


@pytest.mark.parametrize(("width", "thousands"), [(1.0, 9.2), (2.0, 27.3), (3.0, 54.2), (8.0, 321)])
def test_it_has_as_many_parameters_as_the_paper_says(width, thousands):
    """Table 1, with its twelve labels, to within 3 %."""
    count = sum(parameter.numel() for parameter in BCResNet(12, width).parameters())
    assert count / 1000 == pytest.approx(thousands, rel=0.03)


def test_it_answers_for_spectrograms_of_any_length():
    network = BCResNet(5).eval()
    assert network(torch.zeros(3, 40, 100)).shape == (3, 5)
    assert network(torch.zeros(2, 40, 61)).shape == (2, 5)


def test_each_fifth_of_the_bands_is_normalised_by_itself():
    norm = SubSpectralNorm(1).train()
    x = torch.randn(4, 1, 10, 50) + 10 * torch.arange(10.0)[None, None, :, None]
    out = norm(x).view(4, 5, 2, 50)
    assert out.mean(dim=(0, 2, 3)).abs().max() < 1e-4
    assert (out.std(dim=(0, 2, 3)) - 1).abs().max() < 0.01


def test_what_is_found_along_time_is_given_to_every_band():
    block = Block(8, 8, 1, 1).eval()
    with torch.no_grad():
        block.along_bands[0].weight.zero_()
    x = torch.rand(1, 8, 20, 30)
    change = block(x) - x
    assert torch.allclose(change, change[:, :, :1].expand_as(change), atol=1e-6)


def test_few_takes_are_so_many_of_each_word_by_so_many_people():
    labels, speakers = np.tile(np.arange(3), 40), np.repeat(np.arange(4), 30)
    few = few_takes(labels, speakers, people=2, takes=3, seed=5)
    counts = np.bincount(3 * speakers[few] + labels[few], minlength=12)
    assert sorted(counts) == [0] * 6 + [3] * 6
    assert set(few) <= set(few_takes(labels, speakers, people=3, takes=5, seed=5))
    assert set(few) != set(few_takes(labels, speakers, people=2, takes=3, seed=6))
    with pytest.raises(ScoreError, match="5 speakers were asked for, and there are 4"):
        few_takes(labels, speakers, people=5, takes=1, seed=0)


def tilted(count, seed):
    """Return two words: power in the low bands, or in the high ones."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 2
    slope = np.linspace(-4, 4, 40)[None, :, None] * np.where(labels, 1, -1)[:, None, None]
    log_mels = (slope - 4 + 0.5 * rng.standard_normal((count, 40, 40))).astype(np.float32)
    return Examples(log_mels, labels.astype(np.int64))


def test_it_learns_and_the_same_seed_gives_the_same_recogniser():
    before = torch.random.get_rng_state()
    train, test = tilted(16, seed=0), tilted(20, seed=1)
    first, again = (train_recogniser([train], 2, QUICK) for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    ours, theirs = (probabilities(network, test.log_mels) for network in (first, again))
    assert np.array_equal(ours, theirs)
    assert (ours.argmax(axis=1) == test.labels).all()
    assert ours.sum(axis=1) == pytest.approx(1)


def test_every_batch_has_as_much_of_each_set(monkeypatch):
    """Four takes and a hundred generated clips, whose spectrograms each have one constant value."""
    seen = []
    monkeypatch.setattr(recogniser, "augment", lambda x, strength, generator: seen.append(x[:, 0, 0]) or x)
    takes, generated = (
        Examples(np.full((count, 40, 40), value, np.float32), np.arange(count) % 2)
        for count, value in ((4, 1.0), (100, -1.0))
    )
    train_recogniser([takes, generated], 2, replace(QUICK, steps=12))
    assert [int((marks > 0).sum()) for marks in seen] == [4] * 12
    assert [int((marks < 0).sum()) for marks in seen] == [4] * 12


def test_false_accepts_are_counted_where_one_word_in_twenty_is_missed(monkeypatch):
    """Keywords score 0.50 to 0.99, so 5 % are below 0.525; a quarter of the other words score above it."""
    sure = np.linspace(0.50, 0.99, 50)
    others = np.array([0.52, 0.51, 0.40, 0.90] * 10)
    answers = iter([np.stack([sure, 1 - sure - 1e-9], axis=1), np.stack([others, 0 * others], axis=1)])
    monkeypatch.setattr(recogniser, "probabilities", lambda network, log_mels: next(answers))
    labels = np.array([0] * 40 + [1] * 10)
    heard = assess(None, Examples(np.zeros((50, 1, 1)), labels), np.zeros((40, 1, 1)))
    assert heard.accuracy.value == 0.8
    assert heard.false_accepts == 250
