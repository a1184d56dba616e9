"""The exponential moving average: known answers, and its saved state."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from voxlet.training.ema import WEIGHTS, average_of, decay_at


def weight(module: nn.Module) -> float:
    return float(module.weight.detach())


def line(value: float) -> nn.Linear:
    model = nn.Linear(1, 1, bias=False)
    nn.init.constant_(model.weight, value)
    return model


def test_the_decay_grows_to_what_was_asked_for() -> None:
    assert [decay_at(update, 0.5) for update in (1, 2, 8, 100)] == [2 / 11, 3 / 12, 0.5, 0.5]
    assert decay_at(8980, 0.999) < 0.999
    assert decay_at(8990, 0.999) == decay_at(10**6, 0.999) == 0.999


def test_updates_have_known_answers() -> None:
    model = line(0.0)
    average = average_of(model, 0.3)
    wanted = 0.0
    for update, value in enumerate((1.0, 4.0, -2.0, 7.0, 7.0), start=1):
        nn.init.constant_(model.weight, value)
        average.update_parameters(model)
        decay = min(0.3, (1 + update) / (10 + update))
        wanted = decay * wanted + (1 - decay) * value
        assert weight(average.module) == pytest.approx(wanted, rel=1e-6)
    assert weight(model) == 7.0


def test_it_is_a_copy_that_needs_no_gradient_and_keeps_up_with_buffers() -> None:
    model = nn.BatchNorm1d(2)
    average = average_of(model, 0.9)
    assert not any(parameter.requires_grad for parameter in average.parameters())
    assert all(parameter.requires_grad for parameter in model.parameters())
    model(torch.randn(8, 2))
    average.update_parameters(model)
    assert torch.equal(average.module.running_mean, model.running_mean)


def test_the_count_is_saved_with_the_weights() -> None:
    model = line(1.0)
    first, second = average_of(model, 0.9), average_of(line(5.0), 0.9)
    nn.init.constant_(model.weight, 3.0)
    first.update_parameters(model)
    second.load_state_dict(first.state_dict())
    assert f"{WEIGHTS}.weight" in first.state_dict()
    for average in (first, second):
        average.update_parameters(model)
    assert weight(first.module) == weight(second.module)
