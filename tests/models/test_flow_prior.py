"""The flow-matching prior, lengths and styles, on known distributions."""

from __future__ import annotations

import torch

from voxlet.models.distributions import Gaussian
from voxlet.models.voice.config import PriorConfig
from voxlet.models.voice.flow_prior import FlowPrior, described, lengths_of, presence
from voxlet.models.voice.style_encoder import StyleEncoder, standardise, unstandardise

TINY = PriorConfig(width=32, blocks=2, heads=2, condition_width=32, style_size=3, style_width=8, dropout=0.0)


def test_presence_holds_the_length_to_the_sample() -> None:
    lengths = torch.tensor([256, 300, 512, 1000, 2048])
    channel = presence(lengths, 8, 256)
    assert channel.shape == (5, 8, 1)
    assert lengths_of(channel[..., 0], 256).tolist() == lengths.tolist()


def test_lengths_shrug_off_small_noise_and_are_never_zero() -> None:
    channel = presence(torch.tensor([700]), 8, 256)[..., 0]
    assert abs(int(lengths_of(channel - 0.1 * torch.rand(1, 8), 256)) - 700) < 60
    assert int(lengths_of(torch.full((1, 8), -1.0), 256)) == 256


def test_the_flow_learns_two_points_and_hits_them() -> None:
    """Latents of label 0 are always (1, -1), those of label 1 (-2, 2)."""
    torch.manual_seed(0)
    prior = FlowPrior(TINY, channels=2, frames=1, labels=2)
    points = torch.tensor([[[1.0, -1.0]], [[-2.0, 2.0]]])
    adam = torch.optim.Adam(prior.parameters(), 3e-3)
    for _ in range(250):
        label = torch.randint(2, (48,))
        data, noise, time = points[label], torch.randn(48, 1, 2), torch.rand(48)
        x = noise + time[:, None, None] * (data - noise)
        loss = (prior(x, time, label, torch.zeros(48, 3)) - (data - noise)).square().mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
    label = torch.tensor([0, 1] * 20)
    with torch.no_grad():
        found = prior.sample(torch.randn(40, 1, 2), label, torch.zeros(40, 3), steps=20)
    assert float((found - points[label]).abs().mean()) < 0.15


def test_style_is_ignored_where_the_label_is_withheld() -> None:
    torch.manual_seed(0)
    prior = FlowPrior(TINY, channels=4, frames=3, labels=2)
    for block in prior.blocks:
        torch.nn.init.normal_(block.modulation.weight)
    torch.nn.init.normal_(prior.leave.weight)
    x, time = torch.randn(2, 3, 4), torch.tensor([0.5, 0.5])
    nothing = torch.tensor([2, 2])
    one, other = prior(x, time, nothing, torch.zeros(2, 3)), prior(x, time, nothing, torch.ones(2, 3))
    assert torch.equal(one, other)
    known = torch.tensor([0, 1])
    assert not torch.equal(prior(x, time, known, torch.zeros(2, 3)), prior(x, time, known, torch.ones(2, 3)))


def test_guidance_of_one_is_the_plain_velocity() -> None:
    torch.manual_seed(0)
    prior = FlowPrior(TINY, channels=4, frames=3, labels=2)
    torch.nn.init.normal_(prior.leave.weight)
    arguments = torch.randn(2, 3, 4), torch.tensor([0.2, 0.7]), torch.tensor([0, 1]), torch.randn(2, 3)
    plain = prior(*arguments)
    assert torch.equal(prior.guided(*arguments, guidance=1.0), plain)
    nothing = prior(arguments[0], arguments[1], torch.tensor([2, 2]), arguments[3])
    assert torch.allclose(prior.guided(*arguments, guidance=3.0), nothing + 3 * (plain - nothing), atol=1e-5)


def test_silence_after_the_clip_does_not_change_its_style() -> None:
    torch.manual_seed(0)
    encoder = StyleEncoder(TINY, 8000)
    clip = torch.randn(1, 1, 6000)
    padded = torch.nn.functional.pad(clip, (0, 2000))
    lengths = torch.tensor([[2400]])
    assert torch.allclose(encoder(clip, lengths).mean, encoder(padded, lengths).mean, atol=1e-5)


def test_in_standard_coordinates_styles_are_standard_and_mean_the_same() -> None:
    torch.manual_seed(0)
    prior = FlowPrior(TINY, channels=4, frames=3, labels=2)
    torch.nn.init.normal_(prior.leave.weight)
    for block in prior.blocks:
        torch.nn.init.normal_(block.modulation.weight, std=0.3)
    encoder = StyleEncoder(TINY, 8000)
    torch.nn.init.normal_(encoder.head[-1].weight)
    clips, lengths = torch.randn(40, 1, 4000) * torch.rand(40, 1, 1), torch.full((40, 1), 4000)
    before = encoder(clips, lengths)
    arguments = torch.randn(40, 3, 4), torch.rand(40), torch.randint(2, (40,))
    velocity = prior(*arguments, before.mean)
    standardise(prior, encoder, Gaussian(before.mean[:5], before.log_variance[:5]))
    standardise(prior, encoder, before)  # independent of earlier statistics
    after = encoder(clips, lengths)
    assert torch.allclose(prior(*arguments, after.mean), velocity, atol=1e-3)
    assert torch.allclose(after.mean.mean(0), torch.zeros(3), atol=1e-3)
    between = after.mean.T @ after.mean / len(clips)
    noise = encoder.whitening * before.log_variance.exp().mean(0) @ encoder.whitening.T
    assert torch.allclose(between + noise, torch.eye(3), atol=1e-3)
    assert torch.allclose(between, encoder.deviation.square().diag(), atol=1e-3)
    unstandardise(prior, encoder)
    again = encoder(clips, lengths)
    assert torch.allclose(again.mean, before.mean, atol=1e-4)
    assert torch.allclose(again.log_variance, before.log_variance, atol=1e-5)
    assert torch.allclose(prior(*arguments, again.mean), velocity, atol=1e-3)


def test_a_style_encoder_of_before_draws_speakers_as_it_did() -> None:
    encoder = StyleEncoder(TINY, 8000)
    held = {name: tensor for name, tensor in encoder.state_dict().items() if name != "deviation"}
    encoder.deviation.zero_()
    encoder.load_state_dict(held)
    assert torch.equal(encoder.deviation, torch.ones(3))


ASKED = PriorConfig(**{**vars(TINY), "attributes": ("speed", "pitch", "clarity")})


def test_an_unknown_attribute_has_no_influence_and_a_known_one_has() -> None:
    torch.manual_seed(0)
    prior = FlowPrior(ASKED, channels=4, frames=3, labels=2)
    for block in prior.blocks:
        torch.nn.init.normal_(block.modulation.weight)
    torch.nn.init.normal_(prior.leave.weight)
    x, time, label, style = (
        torch.randn(2, 3, 4),
        torch.full((2,), 0.5),
        torch.tensor([0, 1]),
        torch.zeros(2, 3),
    )
    unknown = described(torch.full((2, 3), torch.nan))
    assert torch.equal(prior(x, time, label, style, unknown), prior(x, time, label, style))
    values = torch.tensor([[1.0, torch.nan, torch.nan]]).repeat(2, 1)
    assert described(values)[0].tolist() == [1, 0, 0, 1, 0, 0]
    assert not torch.equal(prior(x, time, label, style, described(values)), prior(x, time, label, style))


def test_the_attributes_of_a_style_are_learned_in_spite_of_gaps() -> None:
    torch.manual_seed(0)
    prior = FlowPrior(ASKED, channels=4, frames=3, labels=2)
    styles = torch.randn(400, 3)
    attributes = torch.stack([0.2 * styles[:, 0], 12 + 4 * styles[:, 1], 0.5 + 0.1 * styles[:, 2]], dim=1)
    attributes[::7, 1] = torch.nan
    prior.fit_attributes(attributes)
    prior.fit_neutral(styles, attributes, styles[:0], attributes[:0])
    own = prior.neutral(styles) * prior.attribute_std + prior.attribute_mean
    assert torch.allclose(own[1::7], attributes[1::7], atol=0.05)


def test_speakers_have_their_own_attributes_though_their_clips_styles_are_uncertain() -> None:
    """Clips' styles are spread around their speakers', so a regression on clips alone falls short."""
    torch.manual_seed(0)
    prior = FlowPrior(ASKED, channels=4, frames=3, labels=2)
    named, theirs = torch.randn(3, 3), torch.randn(3, 3)
    theirs[1, 2] = torch.nan
    styles = (named.repeat(200, 1) + torch.randn(600, 3)) / 2**0.5
    attributes = theirs.repeat(200, 1)
    prior.fit_attributes(attributes)
    own = []
    for speakers in (0, 3):
        prior.fit_neutral(styles, attributes, named[:speakers], theirs[:speakers])
        own.append(prior.neutral(named) * prior.attribute_std + prior.attribute_mean)
    short, right = ((found - theirs).abs().nan_to_num().amax() for found in own)
    assert short > 0.2
    assert right < 0.05


def test_wishes_are_added_to_what_a_style_has() -> None:
    torch.manual_seed(0)
    prior = FlowPrior(ASKED, channels=4, frames=3, labels=2)
    styles = torch.randn(400, 3)
    attributes = torch.stack([0.2 * styles[:, 0], 12 + 4 * styles[:, 1], 0.5 + 0.1 * styles[:, 2]], dim=1)
    prior.fit_attributes(attributes)
    prior.fit_neutral(styles, attributes, styles[:0], attributes[:0])

    def natural(wishes: list[float]) -> torch.Tensor:
        asked = prior.requested_attributes(styles, torch.tensor([wishes]).repeat(400, 1))
        return asked * prior.attribute_std + prior.attribute_mean

    plain, moved = natural([0.0, 0.0, 0.0]), natural([0.1, -2.0, 1.0])
    assert torch.allclose(moved[:, 0] - plain[:, 0], torch.tensor(0.1), atol=1e-4)
    assert torch.allclose(moved[:, 1] - plain[:, 1], torch.tensor(-2.0), atol=1e-4)
    clearest = float(attributes[:, 2].quantile(0.9))
    assert torch.allclose(moved[:, 2], torch.tensor(clearest), atol=1e-4)
    assert torch.allclose(natural([0.0, 0.0, 0.5])[:, 2], (plain[:, 2] + clearest) / 2, atol=1e-4)
