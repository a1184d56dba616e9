"""The pitch tracker on tones, to a fraction of a Hz, and its best path against a search of all paths."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from voxlet.spectral.pitch import CHUNK, JUMP_COST, REACH, TRACKING_RATE, _best_path, _vertex, track_pitch

SHORTEST = 16  # samples: the period of the highest pitch


def tone(hz: float, seconds: float = 0.5, rate: int = TRACKING_RATE) -> torch.Tensor:
    """Return four harmonics, (T,)."""
    time = torch.arange(round(seconds * rate), dtype=torch.float64) / rate
    return sum(0.1 / k * torch.sin(2 * math.pi * hz * k * time) for k in range(1, 5)).float()


def test_tones_of_every_height_in_one_batch():
    heights = torch.tensor([65.0, 80.0, 100.0, 123.4, 150.0, 200.0, 333.3, 400.0, 480.0])
    found = track_pitch(torch.stack([tone(float(hz)) for hz in heights]), TRACKING_RATE, 80)
    assert found.hz.shape == found.voicing.shape == (9, 50)
    inside = found.hz[:, 4:-4] / heights[:, None]
    assert (inside - 1).abs().max() < 2e-3
    assert found.voicing[:, 4:-4].min() > 0.97
    assert found.voicing.max() <= 1
    # A pitch whose period is a whole number of samples is found almost exactly.
    assert found.hz[[2, 7], 25].tolist() == pytest.approx([100, 400], abs=0.01)


def test_pitches_beyond_the_range():
    found = track_pitch(torch.stack([tone(59.8), tone(501.0), tone(700.0)]), TRACKING_RATE, 80)
    assert found.hz[0, 10:-10].mean() == pytest.approx(60, abs=0.1)
    assert found.hz[1, 25] == 500
    assert found.hz[2, 25] == pytest.approx(
        350, rel=0.01
    )  # the shortest period in range after which it repeats
    assert (found.hz.min(), found.hz.max()) == (60, 500)


def test_loudness_does_not_matter_but_silence_has_no_pitch():
    clip = tone(150.0)
    loud, quiet, offset = (
        track_pitch(given[None], TRACKING_RATE, 80) for given in (clip, 0.1 * clip, clip + 0.3)
    )
    for other in (quiet, offset):
        torch.testing.assert_close(other.hz[:, 4:-4], loud.hz[:, 4:-4], rtol=1e-4, atol=0)
    assert quiet.voicing[0, 25] > 0.98
    assert track_pitch(1e-4 * clip[None], TRACKING_RATE, 80).voicing.max() < 0.05


def test_a_drifting_offset_is_no_period():
    clip = tone(150.0)
    drifting = track_pitch((clip + torch.linspace(-0.5, 0.5, 4000))[None], TRACKING_RATE, 80)
    assert (drifting.hz[0, 4:-4] / 150 - 1).abs().max() < 0.01
    assert drifting.voicing[0, 4:-4].min() > 0.5


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("hz", [110.0, 150.0])
def test_the_pitch_goes_through_noise_from_one_vowel_to_the_next(seed, hz):
    noise = 0.03 * torch.randn(2000, generator=torch.Generator().manual_seed(seed))
    found = track_pitch(torch.cat([tone(hz, 0.3), noise, tone(hz, 0.3)])[None], TRACKING_RATE, 80)
    assert (found.hz[0, 8:-8] - hz).abs().max() < 10
    assert found.voicing[0, 35:50].max() < 0.75 < found.voicing[0, 10:25].min()


@pytest.mark.parametrize(("rate", "hop"), [(8000, 100), (16_000, 200), (22_050, 300)])
def test_frames_are_centred_on_the_middle_of_their_hop(rate, hop):
    clip = torch.cat([tone(120.0, 0.5, rate), tone(125.0, 0.5, rate)])
    found = track_pitch(clip[None], rate, hop)
    assert found.hz.shape == (1, rate // hop)
    middles = (torch.arange(rate // hop) + 0.5) * hop / rate
    before = found.hz[0, (middles > 0.05) & (middles < 0.495)]
    after = found.hz[0, (middles > 0.505) & (middles < 0.95)]
    assert (before < 122.5).all()
    assert (after > 122.5).all()


def test_clips_are_tracked_in_chunks_as_alone():
    heights = torch.linspace(100, 200, CHUNK + 2)
    clips = torch.stack([tone(float(hz), 0.1) for hz in heights])
    found = track_pitch(clips, TRACKING_RATE, 200)
    assert found.hz.shape == (CHUNK + 2, 4)
    alone = track_pitch(clips[-1:], TRACKING_RATE, 200)
    torch.testing.assert_close(found.hz[-1:], alone.hz)
    torch.testing.assert_close(found.voicing[-1:], alone.voicing)


@pytest.mark.parametrize("seed", range(2))
def test_the_best_path_is_the_best_of_all(seed):
    clips, frames, lags = 2, 3, REACH + 4
    score = torch.rand(clips, frames, lags, generator=torch.Generator().manual_seed(seed)) - 2

    def worth(clip: int, path: tuple[int, ...]) -> float:
        """Return a path's scores less each jump's cost: its size in sixteenths of the new period, over 4."""
        total = sum(float(score[clip, frame, lag]) for frame, lag in enumerate(path))
        for old, new in itertools.pairwise(path):
            total -= JUMP_COST * 16 * abs(new - old) / (SHORTEST + new) / 4
        return total

    found = _best_path(score)
    for clip in range(clips):
        paths = itertools.product(range(lags), repeat=frames)
        reachable = (p for p in paths if all(abs(a - b) <= REACH for a, b in itertools.pairwise(p)))
        assert tuple(found[clip].tolist()) == max(reachable, key=lambda path: worth(clip, path))


def test_a_path_jumps_no_further_than_its_reach():
    score = torch.zeros(1, 2, REACH + 3)
    score[0, 0, 0], score[0, 1, -1], score[0, 1, REACH] = 100, 100, 3
    # Both ends score 100 and lie too far apart: the best path has one of them and what can be reached.
    assert _best_path(score).tolist() == [[0, REACH]]


def test_a_jump_is_made_where_it_gains_more_than_it_costs():
    # Four lags to a period of 24 samples: 0.15 * 16 * 4 / 24 / 4 = 0.1.
    for gain, expected in [(0.099, [4, 4]), (0.101, [4, 8])]:
        score = torch.full((1, 2, 9), -1.0)
        score[0, :, 4], score[0, 1, 8] = 0, gain
        assert _best_path(score).tolist() == [expected]


def test_the_top_of_a_parabola():
    lags = torch.arange(5.0)
    for top in (1.6, 2.0, 2.3):
        strength = 1 - 0.1 * (lags - top) ** 2
        found = _vertex(strength[None, None], torch.tensor([[2]]))
        assert float(found) == pytest.approx(top - 2, abs=1e-5)


def test_what_is_no_peak_is_left_where_it_is():
    rising, flat, trough = torch.arange(3.0), torch.zeros(3), torch.tensor([1.0, 0.0, 2.0])
    middle = torch.tensor([[1]])
    assert [float(_vertex(row[None, None], middle)) for row in (rising, flat, trough)] == [0, 0, 0]
    # A steep side leads no further than half a lag; at an edge the last value stands for its neighbour.
    assert float(_vertex(torch.tensor([[[0.0, 1.0, 1.9]]]), middle)) == 0.5
    assert float(_vertex(torch.tensor([[[1.9, 1.0, 0.0]]]), middle)) == -0.5
    assert float(_vertex(torch.tensor([[[0.0, 1.0, 2.0]]]), torch.tensor([[2]]))) == 0.5
    assert float(_vertex(torch.tensor([[[2.0, 1.0, 0.0]]]), torch.tensor([[0]]))) == -0.5
