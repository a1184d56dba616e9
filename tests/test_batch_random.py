"""Random numbers for a process's share are a slice of the whole batch's; in one process, PyTorch's own."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from voxlet import batch_random
from voxlet.batch_random import Rows
from voxlet.models.clip.layers import Dropout
from voxlet.models.distributions import Gaussian
from voxlet.models.voice.flow_prior import FeatureDropout

WHOLE = torch.arange(1.0, 61.0).reshape(5, 3, 4)

DRAWS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {  # ours, PyTorch's
    "rand": (lambda x: batch_random.rand(len(x)), lambda x: torch.rand(len(x))),
    "rand of a table": (lambda x: batch_random.rand(len(x), 7), lambda x: torch.rand(len(x), 7)),
    "randn": (lambda x: batch_random.randn(len(x), 20), lambda x: torch.randn(len(x), 20)),
    "randn_like": (batch_random.randn_like, torch.randn_like),
    "dropout": (lambda x: batch_random.dropout(x, 0.4), lambda x: F.dropout(x, 0.4)),
    "dropout layer": (Dropout(0.4), torch.nn.Dropout(0.4)),
    "dropout of features": (FeatureDropout(0.4), lambda x: x * F.dropout(torch.ones_like(x[:, :1]), 0.4)),
    "latents": (
        lambda x: Gaussian(x[:, 0], 0 * x[:, 0]).sample(),
        lambda x: x[:, 0] + torch.randn_like(x[:, 0]),
    ),
}


def drawn(draw: Callable[[Tensor], Tensor], rows: Rows | None) -> tuple[Tensor, Tensor]:
    """Return the numbers drawn for some rows, and the generator's state afterwards."""
    torch.manual_seed(3)
    if rows is None:
        return draw(WHOLE), torch.get_rng_state()
    with batch_random.rows_of_batch(rows):
        return draw(WHOLE[rows.start : rows.stop]), torch.get_rng_state()


@pytest.mark.parametrize("name", DRAWS)
def test_shares_are_the_whole_batch_cut(name: str) -> None:
    ours, pytorchs = DRAWS[name]
    wanted, state = drawn(pytorchs, None)
    alone, alone_state = drawn(ours, None)
    assert torch.equal(alone, wanted)
    shares = [drawn(ours, Rows(start, stop, 5)) for start, stop in ((0, 2), (2, 5))]
    assert torch.equal(torch.cat([share for share, _ in shares]), wanted)
    assert all(torch.equal(left, state) for left in (alone_state, *(after for _, after in shares)))


def test_what_is_dropped_has_no_gradient_and_the_rest_is_scaled() -> None:
    x = torch.ones(2, 1000, requires_grad=True)
    with batch_random.rows_of_batch(Rows(0, 2, 4)):
        y = batch_random.dropout(x, 0.25)
    y.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, y.detach())
    assert y.unique().tolist() == pytest.approx([0.0, 4 / 3])
    assert float((y > 0).float().mean()) == pytest.approx(0.75, abs=0.05)


def test_nothing_is_dropped_but_while_training() -> None:
    for layer in (Dropout(0.5), FeatureDropout(0.5)):
        assert torch.equal(layer.eval()(WHOLE), WHOLE)


def test_other_rows_than_those_at_hand_are_a_mistake() -> None:
    with batch_random.rows_of_batch(Rows(0, 2, 4)), pytest.raises(AssertionError):
        batch_random.rand(3)
    assert batch_random.rand(3).shape == (3,)
