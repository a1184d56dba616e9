"""Normal distributions, divergences, likelihoods and the ELBO on numbers that can be worked out by hand."""

from __future__ import annotations

import math

import pytest
import torch

from voxlet.models.distributions import Gaussian, bernoulli_nll, elbo, gaussian_nll, kl_per_unit

LN2, LN3 = math.log(2), math.log(3)


def test_a_sample_is_the_mean_and_so_many_standard_deviations():
    posterior = Gaussian(torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, 2 * LN3]]))
    assert posterior.sample(torch.tensor([[1.0, 2.0]])).tolist() == [[2.0, pytest.approx(4.0)]]
    assert posterior.sample(torch.tensor([[-0.5, -1.0]])).tolist() == [[0.5, pytest.approx(-5.0)]]


def test_without_noise_a_sample_is_drawn():
    torch.manual_seed(0)
    posterior = Gaussian(torch.zeros(1000, 1), torch.zeros(1000, 1))
    first, second = posterior.sample(), posterior.sample()
    assert float((first - second).std()) == pytest.approx(math.sqrt(2), rel=0.1)


def test_a_sample_passes_gradients_to_mean_and_variance():
    mean, log_variance = torch.zeros(1, 1, requires_grad=True), torch.zeros(1, 1, requires_grad=True)
    Gaussian(mean, log_variance).sample(torch.tensor([[3.0]])).backward()
    assert mean.grad is not None
    assert log_variance.grad is not None
    assert (mean.grad.item(), log_variance.grad.item()) == (1.0, 1.5)  # d exp(v / 2) 3 = 3 / 2 at v = 0


@pytest.mark.parametrize(
    ("mean", "variance", "expected"),
    [
        (0.0, 1.0, 0.0),
        (2.0, 1.0, 2.0),
        (-2.0, 1.0, 2.0),
        (0.0, 4.0, 1.5 - LN2),
        (0.0, 0.25, -0.375 + LN2),
        (1.0, 4.0, 2.0 - LN2),
    ],
)
def test_divergence_from_the_standard_normal(mean, variance, expected):
    found = kl_per_unit(Gaussian(torch.tensor([[mean]]), torch.tensor([[variance]]).log()))
    assert found.shape == (1, 1)
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_the_elbo_and_its_parts():
    divergence = torch.tensor([[4.0, 0.0, 0.25], [2.0, 1.0, 0.25]])
    plain = elbo(torch.tensor(10.0), divergence)
    assert plain.kl_per_unit.tolist() == [3.0, 0.5, 0.25]
    assert (float(plain.reconstruction), float(plain.kl), float(plain.loss)) == (10.0, 3.75, 13.75)
    assert float(elbo(torch.tensor(10.0), divergence, beta=0.5).loss) == 11.875


def test_free_bits_are_by_unit_and_cost_nothing_more():
    divergence = torch.tensor([[4.0, 0.0, 0.25], [2.0, 1.0, 0.25]], requires_grad=True)
    spared = elbo(torch.tensor(10.0), divergence, free_bits=0.5)
    assert (float(spared.kl.detach()), float(spared.loss.detach())) == (3.75, 14.0)
    (gradient,) = torch.autograd.grad(spared.loss, divergence)
    assert gradient[:, [0, 2]].tolist() == [[0.5, 0.0], [0.5, 0.0]]  # the third unit is not pressed further


@pytest.mark.parametrize(
    ("logit", "target", "expected"),
    [
        (0.0, 0.0, LN2),
        (0.0, 0.3, LN2),
        (LN3, 1.0, math.log(4 / 3)),
        (LN3, 0.0, math.log(4)),
        (LN3, 0.5, math.log(4) - LN3 / 2),
        (200.0, 0.0, 200.0),
    ],
)
def test_bernoulli_likelihood_of_a_single_value(logit, target, expected):
    found = bernoulli_nll(torch.tensor([[[logit]]]), torch.tensor([[[target]]]))
    assert float(found) == pytest.approx(expected)


def test_gaussian_likelihood_of_a_single_value():
    half_log_two_pi = 0.5 * math.log(2 * math.pi)
    logits = torch.zeros(1, 1, 1)  # sigmoid: 0.5
    for target, scale, expected in [
        (0.5, 1.0, 0.0),
        (1.0, 1.0, 0.125),
        (1.0, 0.5, 0.5 - LN2),
        (0.0, 2.0, 0.03125 + LN2),
    ]:
        found = gaussian_nll(logits, torch.tensor([[[target]]]), torch.tensor(scale).log())
        assert float(found) == pytest.approx(expected + half_log_two_pi)


@pytest.mark.parametrize(
    "likelihood", [bernoulli_nll, lambda *given: gaussian_nll(*given, torch.tensor(-1.0))]
)
def test_likelihoods_are_summed_over_a_clip_and_averaged_over_the_batch(likelihood):
    generator = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(3, 4, 5, generator=generator), torch.rand(3, 4, 5, generator=generator)
    single = [
        likelihood(logits[b, m, f].view(1, 1, 1), targets[b, m, f].view(1, 1, 1))
        for b in range(3)
        for m in range(4)
        for f in range(5)
    ]
    torch.testing.assert_close(likelihood(logits, targets), torch.stack(single).sum() / 3)


def test_bernoulli_gradient_is_the_error_over_the_batch():
    logits = torch.tensor([[[0.0, LN3]], [[-LN3, 0.0]]], requires_grad=True)
    targets = torch.tensor([[[1.0, 0.5]], [[0.25, 0.0]]])
    (gradient,) = torch.autograd.grad(bernoulli_nll(logits, targets), logits)
    torch.testing.assert_close(gradient, torch.tensor([[[-0.25, 0.125]], [[0.0, 0.25]]]))


def test_half_precision_logits_have_a_loss_in_full_precision_and_a_gradient_of_their_own():
    logits = torch.full((1, 1, 1000), 1.0, dtype=torch.bfloat16, requires_grad=True)
    loss = bernoulli_nll(logits, torch.zeros(1, 1, 1000))
    assert loss.dtype == torch.float32
    assert float(loss.detach()) == pytest.approx(1000 * math.log(1 + math.e), rel=1e-5)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.dtype == torch.bfloat16
    assert gradient.float().mean().item() == pytest.approx(1 / (1 + math.exp(-1)), rel=1e-2)
