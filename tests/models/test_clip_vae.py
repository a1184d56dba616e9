"""The latent-variable mathematics against closed forms; every architecture at a tiny width."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal, kl_divergence

from voxlet.errors import ConfigError
from voxlet.models import distributions
from voxlet.models.clip import cnn, layers, mixture_prior, vae
from voxlet.models.clip.build import build_model
from voxlet.models.clip.config import CNNConfig, CNNLightConfig, MLPConfig, ModelConfig
from voxlet.models.distributions import Gaussian
from voxlet.recipes.clip import encode
from voxlet.recipes.clip.data import InMemory

SHAPE = (18, 13)
LABELS = 3
TINY: list[ModelConfig] = [
    MLPConfig(widths=(16, 8)),
    MLPConfig(widths=(16, 8), dropout=0.3, conditional=True),
    CNNConfig(channels=(2, 4), width=8),
    CNNConfig(channels=(2, 4), width=8, seed_channels=4, dropout=0.2, conditional=True),
    CNNLightConfig(width=8, dense=8),
    CNNLightConfig(width=8, dense=8, halvings=2, conditional=True, likelihood="gaussian", dropout=0.1),
    CNNLightConfig(width=8, dense=8, prior_components=5),
    MLPConfig(widths=(16, 8), conditional=True, prior_components=5),
]


def batch(count: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    """Return spectrograms that differ by label, with a little noise."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % LABELS
    values = 0.1 + 0.1 * torch.rand(count, *SHAPE, generator=generator)
    for row, label in enumerate(labels):
        values[row, 6 * label : 6 * label + 6] += 0.7
    return values, labels


@pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="PyTorch was built without oneDNN")
@pytest.mark.parametrize("wanted", [True, False])
def test_dense_layers_by_onednn_are_pytorchs(wanted: bool, monkeypatch):
    """The results agree on every processor, as oneDNN is chosen by speed alone."""
    monkeypatch.setattr(layers, "onednn_is_faster", lambda: True)
    torch.manual_seed(0)
    dense = layers.Dense(48, 33)
    x = torch.randn(7, 48, requires_grad=wanted)
    slope = torch.randn(7, 33)
    ours = dense(x)
    theirs = torch.nn.functional.linear(x, dense.weight, dense.bias)
    assert ours.grad_fn.name() != theirs.grad_fn.name()
    torch.testing.assert_close(ours, theirs)
    inputs = [x, dense.weight, dense.bias] if wanted else [dense.weight, dense.bias]
    for mine, other in zip(
        torch.autograd.grad(ours, inputs, slope), torch.autograd.grad(theirs, inputs, slope), strict=True
    ):
        torch.testing.assert_close(mine, other)


@pytest.mark.parametrize(("inputs", "outputs"), [(1, 4), (4, 3), (3, 1)])
def test_a_mirrored_convolution_is_pytorchs_transposed_one(inputs, outputs):
    ours = cnn.MirrorConv(inputs, outputs)
    theirs = torch.nn.ConvTranspose2d(inputs, outputs, 3, padding=1)
    theirs.load_state_dict(ours.state_dict())
    x = torch.randn(2, inputs, 5, 6).to(memory_format=torch.channels_last)
    torch.testing.assert_close(ours(x), theirs(x))
    assert ours(x).is_contiguous(memory_format=torch.channels_last)  # what else is slow


def test_divergence_is_that_of_two_normals():
    posterior = Gaussian(torch.tensor([[0.0, 1.5], [-3.0, 0.1]]), torch.tensor([[0.0, -2.0], [1.0, 0.5]]))
    exact = kl_divergence(Normal(posterior.mean, (0.5 * posterior.log_variance).exp()), Normal(0.0, 1.0))
    torch.testing.assert_close(distributions.kl_per_unit(posterior), exact)
    assert distributions.kl_per_unit(Gaussian(torch.zeros(1, 1), torch.zeros(1, 1))) == 0


def test_elbo_weighs_and_spares():
    posterior = Gaussian(torch.tensor([[2.0, 0.1], [2.0, 0.1]]), torch.zeros(2, 2))
    divergence = distributions.kl_per_unit(posterior)
    plain = distributions.elbo(torch.tensor(10.0), divergence)
    assert plain.kl == pytest.approx(2.0 + 0.005)
    assert plain.loss == pytest.approx(12.005)
    assert plain.kl_per_unit.tolist() == pytest.approx([2.0, 0.005])
    heavy = distributions.elbo(torch.tensor(10.0), divergence, beta=4.0, free_bits=0.5)
    assert heavy.loss == pytest.approx(10 + 4 * (2.0 + 0.5))
    assert heavy.kl == pytest.approx(plain.kl)


def test_a_mixture_prior_of_one_standard_normal_is_the_standard_normal():
    torch.manual_seed(0)
    prior = mixture_prior.MixturePrior(1, 2, 1)
    prior.mean.data.zero_()
    prior.log_variance.data.zero_()
    one = Gaussian(torch.tensor([[0.7, -1.5]]), torch.tensor([[-1.0, 0.5]]))
    many = Gaussian(*(part.expand(100_000, 2) for part in one))
    found = prior.divergence(many, many.sample(), None).mean(0)
    torch.testing.assert_close(found, distributions.kl_per_unit(one)[0], atol=0.02, rtol=0)


@pytest.mark.parametrize("labels", [None, torch.tensor([0, 1, 2, 1])])
def test_the_divergence_from_a_mixture_is_that_of_its_density(labels):
    torch.manual_seed(0)
    prior = mixture_prior.MixturePrior(6, 3, 1 if labels is None else 3)
    for parameter in prior.parameters():
        parameter.data.normal_()
    posterior = Gaussian(torch.randn(4, 3), torch.randn(4, 3))
    latents = posterior.sample()
    normals = Independent(Normal(prior.mean, (0.5 * prior.log_variance).exp()), 1)
    for row in range(4):
        weights = prior.logits[0 if labels is None else labels[row]]
        density = MixtureSameFamily(Categorical(logits=weights), normals).log_prob(latents[row])
        entropy = Normal(0.0, (0.5 * posterior.log_variance[row]).exp()).entropy().sum()
        units = prior.divergence(posterior, latents, labels)[row]
        torch.testing.assert_close(units.sum(), -entropy - density)


def test_what_is_drawn_from_a_mixture_follows_the_label():
    prior = mixture_prior.MixturePrior(2, 1, 2)
    prior.mean.data = torch.tensor([[-4.0], [4.0]])
    prior.log_variance.data = torch.tensor([[0.0], [math.log(0.25)]])
    prior.logits.data = torch.tensor([[30.0, 0.0], [0.0, 30.0]])
    generator = np.random.default_rng(0)
    for label, (mean, deviation) in enumerate([(-4, 1.0), (4, 0.5)]):
        drawn = np.array([prior.draw(label, generator) for _ in range(2000)])
        assert drawn.shape == (2000, 1)
        assert drawn.mean() == pytest.approx(mean, abs=0.1)
        assert drawn.std() == pytest.approx(deviation, abs=0.05)


def test_a_mixture_prior_is_learned_where_clips_lie_in_heaps():
    torch.manual_seed(0)
    heaps = Gaussian(torch.tensor([[-3.0], [3.0]]).repeat(50, 1), torch.full((100, 1), -4.0))
    prior = mixture_prior.MixturePrior(4, 1, 1)
    optimizer = torch.optim.Adam(prior.parameters(), lr=0.05)
    for _ in range(200):
        found = prior.divergence(heaps, heaps.sample(), None).sum(1).mean()
        optimizer.zero_grad()
        found.backward()
        optimizer.step()
    # The latent only has to tell which of two clusters a clip is in.
    assert float(found.detach()) == pytest.approx(math.log(2), abs=0.15)
    assert float(distributions.kl_per_unit(heaps).sum(1).mean()) > 5


def test_samples_have_the_posteriors_moments():
    posterior = Gaussian(torch.full((50_000, 1), 3.0), torch.full((50_000, 1), math.log(4.0)))
    drawn = posterior.sample(torch.randn(50_000, 1, generator=torch.Generator().manual_seed(0)))
    assert drawn.mean() == pytest.approx(3.0, abs=0.05)
    assert drawn.std() == pytest.approx(2.0, abs=0.05)


def test_bernoulli_is_pytorchs_cross_entropy_and_so_is_its_gradient():
    generator = torch.Generator().manual_seed(0)
    logits = (4 * torch.randn(5, *SHAPE, generator=generator)).requires_grad_()
    targets = torch.rand(5, *SHAPE, generator=generator)
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, reduction="sum") / 5
    (expected_gradient,) = torch.autograd.grad(expected, logits)
    loss = distributions.bernoulli_nll(logits, targets)
    (gradient,) = torch.autograd.grad(3 * loss, logits)
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(gradient, 3 * expected_gradient)


def test_likelihoods_are_finite_whatever_the_logits():
    targets = torch.tensor([[[0.0, 1.0, 0.5]]])
    for size in (1e4, -1e4):
        logits = torch.full((1, 1, 3), size, requires_grad=True)
        for loss in (
            distributions.bernoulli_nll(logits, targets),
            distributions.gaussian_nll(logits, targets, torch.tensor(-3.0)),
        ):
            (gradient,) = torch.autograd.grad(loss, logits)
            assert torch.isfinite(loss)
            assert torch.isfinite(gradient).all()


def test_gaussian_is_the_normal_density():
    generator = torch.Generator().manual_seed(0)
    logits, targets = torch.randn(4, *SHAPE, generator=generator), torch.rand(4, *SHAPE, generator=generator)
    log_scale = torch.tensor(-1.3)
    expected = -Normal(logits.sigmoid(), log_scale.exp()).log_prob(targets).sum() / 4
    torch.testing.assert_close(distributions.gaussian_nll(logits, targets, log_scale), expected)


@pytest.mark.parametrize("config", TINY, ids=repr)
def test_every_model_learns(config):
    torch.manual_seed(0)
    model = build_model(config, SHAPE, LABELS)
    values, labels = batch()
    posterior = model.encode(values, labels)
    assert posterior.mean.shape == posterior.log_variance.shape == (12, 2)
    assert model.decode(posterior.mean, labels).shape == (12, *SHAPE)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for step in range(120):
        # With beta warm-up: otherwise, a model this small first learns to ignore its latent.
        found = model.elbo(values, labels, beta=min(1.0, step / 80))
        optimizer.zero_grad()
        found.loss.backward()
        optimizer.step()
        losses.append(float(found.loss.detach()))
    assert sum(losses[-5:]) / 5 < losses[0] - 20
    assert found.kl_per_unit.shape == (2,)


@pytest.mark.parametrize("config", TINY, ids=repr)
def test_training_starts_at_the_mean_spectrogram(config):
    torch.manual_seed(0)
    model = build_model(config, SHAPE, LABELS).eval()
    values, labels = batch()
    mean = values.mean(dim=0)
    model.start_at(mean)
    with torch.no_grad():
        made = model.decode(torch.zeros(12, 2), torch.zeros_like(labels)).sigmoid()
    if isinstance(config, CNNConfig):  # has one bias for all values
        assert made.mean() == pytest.approx(float(mean.mean()), abs=0.1)
    else:
        assert (made - mean).abs().mean() < 0.1
    assert torch.equal(model.centre, mean)
    model.start_at(torch.tensor([0.0, 1.0]).repeat(SHAPE[0], SHAPE[1])[:, : SHAPE[1]])
    assert all(torch.isfinite(parameter).all() for parameter in model.parameters())


def test_units_with_a_million_inputs_learn_slowly():
    with torch.device("meta"):
        wide, dense = (build_model(config, (257, 69), 10) for config in (CNNConfig(), MLPConfig()))
    assert [group["lr"] for group in dense.parameter_groups(0.1)] == [0.1]
    usual, slow = wide.parameter_groups(0.1)
    assert usual["lr"] == 0.1
    assert slow["lr"] == pytest.approx(0.1 * vae.MOST_INPUTS / (257 * 69 * 64))
    assert [parameter.shape for parameter in slow["params"]] == [(256, 257 * 69 * 64)]
    assert len(usual["params"]) + 1 == len(list(wide.parameters()))


@pytest.mark.parametrize("config", TINY, ids=repr)
def test_extreme_input_and_half_precision_stay_finite(config):
    torch.manual_seed(0)
    model = build_model(config, SHAPE, LABELS)
    with torch.no_grad():
        model.posterior.weight *= 1e4
    values, labels = batch()
    for scale in (0.0, 1.0, 1e3):
        with torch.autocast("cpu", torch.bfloat16):
            found = model.elbo(scale * values, labels)
        assert found.loss.dtype == torch.float32
        assert torch.isfinite(found.loss)


def test_only_the_conditional_use_labels():
    values, labels = batch()
    for conditional in (False, True):
        torch.manual_seed(0)
        model = build_model(MLPConfig(widths=(16, 8), conditional=conditional), SHAPE, LABELS).eval()
        other = (labels + 1) % LABELS
        latents = torch.zeros(12, 2)
        same_posterior = torch.equal(model.encode(values, labels).mean, model.encode(values, other).mean)
        same_output = torch.equal(model.decode(latents, labels), model.decode(latents, other))
        assert same_posterior == same_output == (not conditional)
    with pytest.raises(ConfigError, match="needs the labels"):
        model.decode(latents)


def test_given_noise_makes_the_loss_repeatable():
    torch.manual_seed(0)
    model = build_model(TINY[0], SHAPE, LABELS).eval()
    values, labels = batch()
    noise = torch.randn(12, 2)
    assert torch.equal(model(values, labels, noise=noise).loss, model(values, labels, noise=noise).loss)
    assert not torch.equal(model(values, labels).loss, model(values, labels).loss)


@pytest.mark.parametrize(
    ("config", "low", "high"),
    [
        (MLPConfig(), 37.6e6, 37.8e6),
        (CNNConfig(), 294e6, 296e6),
        (CNNConfig(seed_channels=64), 580e6, 584e6),
        (CNNLightConfig(), 0.5e6, 3e6),
    ],
    ids=repr,
)
def test_sizes_at_the_studys_spectrograms(config, low, high):
    with torch.device("meta"):
        model = build_model(config, (257, 69), 10)
    assert low < sum(parameter.numel() for parameter in model.parameters()) < high


@pytest.mark.parametrize(
    "wrong",
    [
        {"latent_size": 0},
        {"dropout": 1.0},
        {"free_bits": -0.1},
        {"likelihood": "poisson"},
    ],
)
def test_impossible_settings_are_refused(wrong):
    for config in (MLPConfig(), CNNConfig(), CNNLightConfig()):
        with pytest.raises(ConfigError, match=type(config).__name__):
            replace(config, **wrong)


def test_settings_need_no_torch():
    code = "import sys, voxlet.models.clip.config, voxlet.spectral.config; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.slow
def test_a_posterior_is_refined_to_the_best_one():
    """If the decoder ignores the latent, that is the prior; in any case, the model itself does not change."""
    torch.manual_seed(0)
    model = build_model(MLPConfig(widths=(8,), latent_size=2), (4, 3), 2)
    clips, labels = torch.rand(5, 4, 3), torch.zeros(5, dtype=torch.long)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    start = Gaussian(torch.ones(5, 2), -torch.ones(5, 2))
    model.decoder.layers[0].weight.data.zero_()
    found = encode.refine(model, start, clips, labels)
    assert found.mean.abs().max() < 0.1
    assert found.log_variance.abs().max() < 0.1
    model.load_state_dict(before)
    rows = np.arange(5)
    usual, refined = (encode.explain(model, InMemory(clips), labels, rows, refined=r) for r in (False, True))
    assert refined.loss < usual.loss
    assert encode.explain(model, InMemory(clips), labels, rows, refined=True) == refined
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())
