"""Measuring how much of a requested speed or pitch a prior delivers; a voice's graph does the rest."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from voxlet.corpus.attributes.pitch import median_pitch
from voxlet.models.voice.config import ATTRIBUTES, PITCH, SPEED, PriorConfig
from voxlet.models.voice.wave_vae import Decoded
from voxlet.recipes.voice.export import CLIPS, RequestGain, SpeakerGraph, measured_gain, spreads

RATE, UNIT, FRAMES, OWN_HZ, OWN_FRAMES = 8000, 256, 40, 150.0, 20


class Half(nn.Module):
    """A prior that delivers part of the requested speed and pitch; its latents are semitones."""

    def __init__(self, speed: float, pitch: float) -> None:
        super().__init__()
        self.config = PriorConfig(attributes=ATTRIBUTES)
        self.frames, self.channels, self.labels = FRAMES, 2, 3
        self.share = {SPEED: speed, PITCH: pitch}

    def requested_attributes(self, style, wishes):
        return wishes

    def sample(self, noise, label, style, attributes, *, steps):
        speed, pitch = (attributes[:, ATTRIBUTES.index(name)] * self.share[name] for name in (SPEED, PITCH))
        inside = (OWN_FRAMES * torch.exp(-speed))[:, None] - torch.arange(FRAMES)
        return torch.stack([pitch[:, None].expand(-1, FRAMES), 2 * inside.clamp(0, 1) - 1], dim=-1)

    def denormalise(self, sequence):
        return sequence[..., :-1], sequence[..., -1]


class Pulses(nn.Module):
    """A decoder that makes harmonics at the pitch given by its latents."""

    rate, samples_per_latent = RATE, UNIT

    def decode(self, latents, pitch=None, inside=None, raised=None):
        semitones = latents[..., 0].repeat_interleave(UNIT, 1) + (0 if raised is None else raised[:, None])
        hz = OWN_HZ * 2 ** (semitones / 12)
        phase = 2 * math.pi * torch.cumsum(hz / RATE, 1)
        return Decoded(0.05 * sum((k * phase).sin() / k for k in range(1, 8)), hz)


@pytest.mark.parametrize(
    ("speed", "pitch", "seen"),
    [
        (0.75, 0.4, (0.75, 0.4)),
        (1.0, 1.0, (1.0, 1.0)),
        (1.3, 1.2, (1.0, 1.0)),  # never asks for less than was requested
        (0.1, -0.2, (0.5, 0.0)),  # nor ever more than twice
    ],
)
def test_what_comes_of_a_wish_is_measured(speed: float, pitch: float, seen: tuple[float, float]) -> None:
    found = measured_gain(Half(speed, pitch), Pulses(), 4, torch.zeros(2, 16))
    assert found == pytest.approx(seen, abs=0.03)


def test_a_voice_is_as_fast_and_as_high_as_it_is_asked_to_be() -> None:
    prior, wave = Half(0.75, 0.4), Pulses()
    graph = SpeakerGraph(prior, wave, 4, measured_gain(prior, wave, 4, torch.zeros(1, 16)))
    wishes = torch.zeros(4, len(ATTRIBUTES))
    wishes[1, ATTRIBUTES.index(SPEED)] = math.log(1.25)
    wishes[2, ATTRIBUTES.index(PITCH)], wishes[3, ATTRIBUTES.index(PITCH)] = 3, -3
    waveforms, lengths = graph(torch.zeros(4, FRAMES, 2), torch.zeros(4).long(), torch.zeros(4, 16), wishes)
    assert lengths[0] / lengths[1] == pytest.approx(1.25, rel=0.01)
    hz = median_pitch([one[:length].numpy() for one, length in zip(waveforms, lengths, strict=True)], RATE)
    assert 12 * torch.log2(torch.from_numpy(hz) / OWN_HZ) == pytest.approx([0, 0, 3, -3], abs=0.1)


class Lively(Half):
    """A prior whose clips of a word vary at random: by `spread` in speed, ten times as much in pitch."""

    def __init__(self, spread: float) -> None:
        super().__init__(1.0, 1.0)
        self.spread = spread

    def sample(self, noise, label, style, attributes, *, steps):
        by_chance = self.spread * noise[:, 0] * torch.tensor([1.0, 10.0])
        moved = torch.cat([attributes[:, :2] + by_chance, attributes[:, 2:3]], dim=1)
        return super().sample(noise, label, style, moved, steps=steps)


@pytest.mark.parametrize("spread", [0.0, 0.1])
def test_how_far_a_voices_clips_differ_by_themselves_is_measured(spread: float) -> None:
    found = spreads(SpeakerGraph(Lively(spread), Pulses(), 4), torch.zeros(2, 16))
    assert found == pytest.approx({SPEED: spread, PITCH: 10 * spread}, rel=0.25, abs=0.02)


def test_nothing_is_measured_where_nothing_can_be_asked_for() -> None:
    prior = Half(1, 1)
    prior.config = PriorConfig()
    assert measured_gain(prior, Pulses(), 4, torch.zeros(1, 16)) == RequestGain()
    assert CLIPS % prior.labels == 0  # each label is measured as often
