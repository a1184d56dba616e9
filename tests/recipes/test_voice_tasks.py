"""The training data of a voice's three tasks: crops, speeds, sequences and targets with known answers."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tiny_training import TINY_VOICE
from voxlet.models.voice.flow_prior import FlowPrior
from voxlet.models.voice.style_encoder import StyleEncoder
from voxlet.models.voice.wave_vae import WaveVAE, samples_per_latent
from voxlet.recipes.preflight import ClipCounts, views_bytes
from voxlet.recipes.voice.base_file import Base
from voxlet.recipes.voice.clips.band import BandFilter, Microphones
from voxlet.recipes.voice.clips.data import VoiceData
from voxlet.recipes.voice.clips.views import HeldViews
from voxlet.recipes.voice.clips.waveforms import Held
from voxlet.recipes.voice.distillation_task import DistillationTask
from voxlet.recipes.voice.prior_task import PriorTask
from voxlet.recipes.voice.wave_task import LOUDER_DB, QUIETER_DB, WaveTask

RATE = 8000
UNIT = samples_per_latent(RATE)
LENGTHS = torch.tensor([8 * UNIT, 5 * UNIT, 8 * UNIT, 6 * UNIT + 100])


@pytest.fixture
def data() -> VoiceData:
    """Four clips by two speakers: a ramp, each of whose samples tells its position, and tones."""
    torch.manual_seed(0)
    audio = torch.zeros(4, 8 * UNIT)
    audio[0] = torch.arange(1, 8 * UNIT + 1) / (8 * UNIT)
    times = torch.arange(8 * UNIT) / RATE
    for row, hertz in ((1, 120.0), (2, 180.0), (3, 240.0)):
        audio[row, : LENGTHS[row]] = (0.3 * torch.sin(2 * torch.pi * hertz * times))[: LENGTHS[row]]
    return VoiceData(
        audio=Held(audio),
        lengths=LENGTHS,
        labels=torch.tensor([0, 1, 0, 1]),
        speakers=torch.tensor([0, 0, 1, 1]),
        rate=RATE,
        by_speaker=torch.tensor([0, 1, 2, 3]),
        first=torch.tensor([0, 2]),
        count=torch.tensor([2, 2]),
        bands=torch.full((4,), RATE / 2),
        attributes=torch.zeros(4, 0),
        label_names=("a", "b"),
    )


@pytest.fixture
def wave_task(data: VoiceData) -> WaveTask:
    return WaveTask(TINY_VOICE.wave, data, torch.tensor([0, 1]), "float32")


def prior_task_of(data: VoiceData, **changes: object) -> PriorTask:
    torch.manual_seed(0)
    config = replace(TINY_VOICE.prior, **changes)
    wave = WaveVAE(TINY_VOICE.wave.model, RATE)
    rows = torch.arange(4)
    return PriorTask(config, wave, data, rows, rows, precision="float32")


def test_crops_start_on_hops_and_are_silent_beyond_the_clip(wave_task: WaveTask) -> None:
    hop, size = wave_task.model.hop, wave_task.crop
    starts = []
    for _ in range(20):
        audio, pitch = wave_task.crops(torch.zeros(16, dtype=torch.long))
        assert audio.shape == (16, size)
        assert pitch.hz.shape == (16, size // hop)
        for crop in audio:
            sounding = crop.nonzero().flatten()
            first, last = int(sounding[0]), int(sounding[-1])
            # The ramp's slope gives its gain, and then its values give where the crop begins.
            slope = float(crop[last] - crop[first]) / (last - first) * 8 * UNIT
            assert QUIETER_DB - 0.01 < 20 * torch.log10(torch.tensor(slope)) < LOUDER_DB + 0.01
            start = round(float(crop[first]) / slope * 8 * UNIT) - 1 - first
            assert start % hop == 0
            assert (sounding == torch.arange(first, last + 1)).all()
            assert (first == 0) == (start >= 0)
            assert (last == size - 1) == (start + size <= 8 * UNIT)
            starts.append(start)
    assert min(starts) < 0  # a crop may reach beyond either end, by an eighth
    assert max(starts) > 7 * UNIT + UNIT // 2 - size
    assert min(starts) >= -(size // 8) - hop
    assert max(starts) + size <= 8 * UNIT + size // 8


@pytest.mark.parametrize("decoder_only", [False, True])
def test_the_decoder_alone_is_trained_where_latents_are_to_stay(data: VoiceData, decoder_only: bool) -> None:
    config = replace(TINY_VOICE.wave, discriminators_from=0.0, decoder_only=decoder_only)
    task = WaveTask(config, data, torch.tensor([0, 1]), "float32")
    before = {name: weight.clone() for name, weight in task.model.named_parameters()}
    task.train_step(torch.arange(4), 0.5)
    moved = {
        name.partition(".")[0]
        for name, weight in task.model.named_parameters()
        if not torch.equal(weight, before[name])
    }
    assert moved == {"decoder", "head"} | (set() if decoder_only else {"encoder"})


def test_the_pitch_of_a_crop_is_that_of_its_place(wave_task: WaveTask) -> None:
    hop = wave_task.model.hop
    assert wave_task.pitch is not None
    frames = wave_task.pitch.hz.shape[1]
    wave_task.pitch.hz[0] = torch.arange(100.0, 100.0 + frames)
    audio, pitch = wave_task.crops(torch.zeros(64, dtype=torch.long))
    for crop, hz in zip(audio, pitch.hz, strict=True):
        first, last = int(crop.nonzero()[0]), int(crop.nonzero()[-1])
        slope = float(crop[last] - crop[first]) / (last - first) * 8 * UNIT
        start = round(float(crop[first]) / slope * 8 * UNIT) - 1 - first
        wanted = (start // hop + torch.arange(len(hz))).clamp(0, frames - 1)
        assert hz.tolist() == (100.0 + wanted).tolist()


def test_clips_at_other_speeds_are_drawn_as_often_as_asked_for(data: VoiceData) -> None:
    task = prior_task_of(data, speeds=(0.8, 1.25), same_speed=0.6)
    rows = torch.arange(4).repeat(1000)
    views = held_views(task)
    assert torch.equal(views.draw(rows, 0.6).rows, rows)  # no other speed is encoded yet
    encode_all(views)
    drawn = task.views.draw(rows, 0.6).rows
    assert torch.equal(drawn % 4, rows)  # the same clip, whatever its speed
    shares = torch.bincount(drawn // 4, minlength=3) / len(rows)
    assert shares.tolist() == pytest.approx([0.6, 0.2, 0.2], abs=0.03)
    assert torch.equal(prior_task_of(data, speeds=()).views.draw(rows, 0.6).rows, rows)
    many = prior_task_of(data, speeds=(0.8,), speeds_up_to=1)
    assert torch.equal(many.views.draw(rows, 0.6).rows, rows)


def held_views(task: PriorTask) -> HeldViews:
    assert isinstance(task.views, HeldViews)
    return task.views


def encode_all(views: HeldViews) -> None:
    while not views.ready.all():
        views.encode_more()


def test_clips_and_latents_take_what_is_said_before_and_a_copy_of_the_task_takes_no_more(
    data: VoiceData,
) -> None:
    task = prior_task_of(data, speeds=(0.8, 1.25), shifts=3, views_per_step=5)
    views = held_views(task)
    config = replace(TINY_VOICE, prior=task.config)
    said = views_bytes(config, ClipCounts(4, 4, 8 * UNIT / RATE, labels=2, speakers=2))
    clips = sum(held.audio.read(torch.arange(len(held.lengths))).nbytes for held in (data, task.data))
    assert said == clips + sum(part.nbytes for part in views.latents)
    tried = copy.deepcopy(task)
    assert tried.data is task.data
    assert held_views(tried).latents.mean.data_ptr() == views.latents.mean.data_ptr()
    tried.views.encode_more()
    assert (int(views.ready.sum()), int(views.encoded)) == (4, 0)  # only the copy has encoded more
    views.encode_more()
    assert torch.equal(views.ready, held_views(tried).ready)


def test_views_are_encoded_a_few_a_step_and_once_more_where_a_run_goes_on(data: VoiceData) -> None:
    def views() -> HeldViews:
        return held_views(prior_task_of(data, speeds=(0.8, 1.25), shifts=3, views_per_step=5))

    torch.manual_seed(0)
    kept = views()
    assert int(kept.ready.sum()) == 4  # the clips as they are
    for step in range(1, 4):
        kept.encode_more()
        assert int(kept.ready.sum()) == 4 + 5 * step
    torch.manual_seed(0)
    resumed = views()
    resumed.load_state_dict(kept.state_dict())
    kept.encode_more()
    resumed.encode_more()
    assert torch.equal(resumed.ready, kept.ready)
    assert torch.equal(resumed.latents.mean, kept.latents.mean)
    encode_all(kept)
    kept.encode_more()
    assert kept.ready.all()
    # A later start is the same clip behind silence.
    wave, row = kept.wave[0], 1
    clip = data.audio.read(torch.tensor([row]))
    silent = torch.nn.functional.pad(clip, (2 * wave.hop, 0))[:, : data.audio.shape[1]]
    encoded = wave.encode(silent).mean[0]
    torch.testing.assert_close(kept.latents.mean[2, row], encoded, atol=1e-5, rtol=0)


def test_sequences_are_normalised_latents_with_their_presence(data: VoiceData) -> None:
    task = prior_task_of(data, speeds=(), shifts=2)
    held = held_views(task)
    encode_all(held)
    torch.nn.init.constant_(task.prior.latent_mean, 2.0)
    torch.nn.init.constant_(task.prior.latent_std, 4.0)
    for view in range(2):  # a latent without variance that encodes its clip and start
        held.latents.mean[view] = 10.0 * view + torch.arange(4.0)[:, None, None]
    held.latents.log_variance.fill_(-40.0)
    rows = torch.arange(4).repeat(50)
    sequences = task.sequences(task.views.draw(rows))
    assert sequences.shape == (200, 8, 5)
    values = 4.0 * sequences[..., 0] + 2.0
    views = (values[:, 0] / 10.0).floor()
    torch.testing.assert_close(values, (10.0 * views + rows)[:, None].expand(-1, 8), rtol=0, atol=1e-4)
    assert set(views.tolist()) == {0.0, 1.0}
    hop = WaveVAE(TINY_VOICE.wave.model, RATE).hop
    ends = (LENGTHS[rows] + views.long() * hop).clamp(max=8 * UNIT)
    share = ((ends[:, None] - UNIT * torch.arange(8)) / UNIT).clamp(0, 1)
    torch.testing.assert_close(sequences[..., -1], 2 * share - 1)


class Constant(FlowPrior):
    """A prior with velocity 3 for any label and 1 without a label."""

    def forward(
        self, x: Tensor, time: Tensor, label: Tensor, style: Tensor, attributes: Tensor | None = None
    ) -> Tensor:
        velocity = torch.where(label < self.labels, 3.0, 1.0)
        return velocity[:, None, None].expand_as(x)


@pytest.mark.parametrize(("step", "mean"), [(0, 3.0), (1, 5.0)])
def test_targets_are_the_guided_teachers_mean_velocities(data: VoiceData, step: int, mean: float) -> None:
    """With guidance 2 the teacher's velocity is 1 + 2 (3 - 1) = 5; before its time it is 3."""
    config = replace(TINY_VOICE.distillation, steps=2, substeps=4, guidance=2.0, guidance_from=0.5)
    teacher = Constant(TINY_VOICE.prior.model, 5, data.frames, 2)
    style = StyleEncoder(TINY_VOICE.prior.model, RATE)
    task = DistillationTask(config, teacher, style, data, torch.arange(4), precision="float32")
    rows = torch.arange(4)
    torch.manual_seed(5)
    targets = task.targets(rows, torch.full((4,), step), task.student)
    torch.testing.assert_close(targets.velocity, torch.full_like(targets.velocity, mean))
    assert targets.time.tolist() == [step / 2] * 4
    assert torch.equal(targets.label, data.labels)
    torch.manual_seed(5)
    start = task.targets(rows, torch.zeros(4, dtype=torch.long), task.student)
    # The student itself takes the long steps before that: one of 3 / 2.
    torch.testing.assert_close(targets.x, start.x + 1.5 * step)


def test_styles_of_targets_are_fresh_as_often_as_asked_for(data: VoiceData) -> None:
    teacher = Constant(TINY_VOICE.prior.model, 5, data.frames, 2)
    style = StyleEncoder(TINY_VOICE.prior.model, RATE)
    torch.nn.init.zeros_(style.head[-1].weight)
    torch.nn.init.constant_(style.head[-1].bias, 4.0)
    style.head[-1].bias.data[3:] = -8.0  # log-variances: styles of speakers are 4, nearly exactly
    style.deviation.fill_(0.25)
    config = replace(TINY_VOICE.distillation, prior_style_share=0.25)
    task = DistillationTask(config, teacher, style, data, torch.arange(4), precision="float32")
    rows = torch.arange(4).repeat(250)
    targets = task.targets(rows, torch.zeros(1000, dtype=torch.long), task.student)
    fresh = (targets.style - 4.0).abs().amax(1) > 0.5
    assert float(fresh.float().mean()) == pytest.approx(0.25, abs=0.04)
    assert targets.style[fresh].mean().abs() < 0.05
    assert targets.style[fresh].std() == pytest.approx(0.25, abs=0.03)


def test_the_student_has_no_dropout_and_the_teacher_does_not_learn(data: VoiceData) -> None:
    teacher = FlowPrior(replace(TINY_VOICE.prior.model, dropout=0.5), 5, data.frames, 2)
    style = StyleEncoder(TINY_VOICE.prior.model, RATE)
    task = DistillationTask(
        TINY_VOICE.distillation, teacher, style, data, torch.arange(4), precision="float32"
    )
    before = [parameter.clone() for parameter in teacher.parameters()]
    losses = [float(task.train_step(torch.arange(4), 0.0)["loss"]) for _ in range(3)]
    assert losses[0] == 0.0  # the student begins with velocity 0, like this teacher
    assert all(torch.equal(a, b) for a, b in zip(before, teacher.parameters(), strict=True))
    assert task.ema.n_averaged == 4


def test_of_a_narrow_recording_nothing_above_its_band_counts(data: VoiceData) -> None:
    """What a voice adds above 4 kHz to a clip recorded at 8 kHz does not enter the losses."""
    rate, times = 16000, torch.arange(8000) / 16000
    heard = BandFilter(rate, [4000.0, 8000.0, 4000.0, 5512.5])
    low, high = (torch.sin(2 * torch.pi * hertz * times)[None].repeat(4, 1) for hertz in (1000.0, 6500.0))
    rows = torch.tensor([0, 1, 2, 3])
    middle = slice(500, -500)
    torch.testing.assert_close(heard(rows, low)[:, middle], low[:, middle], atol=2e-3, rtol=0)
    levels = heard(rows, high)[:, middle].square().mean(1).sqrt()
    assert levels.tolist() == pytest.approx([0.0, math.sqrt(0.5), 0.0, 0.0], abs=1e-3)
    assert torch.equal(heard(rows.flip(0), high.flip(0)), heard(rows, high).flip(0))
    assert torch.equal(BandFilter(RATE, [4000.0, 24000.0])(rows[:2], low[:2]), low[:2])


def above(waveforms: Tensor, rate: int, hertz: float) -> Tensor:
    """Return the share of each waveform (B, T) above a frequency, (B,)."""
    power = torch.fft.rfft(waveforms * torch.hann_window(waveforms.shape[1])).abs().square()
    return power[:, int(hertz * waveforms.shape[1] / rate) :].sum(1) / power.sum(1)


def wide_data(data: VoiceData) -> VoiceData:
    """Return noise at 16 kHz; the first and the third clip were recorded at 8 kHz."""
    noise = 0.1 * torch.randn(4, 24 * samples_per_latent(16000))
    lengths = torch.full((4,), noise.shape[1])
    bands = torch.tensor([4000.0, 8000.0, 4000.0, 8000.0])
    return replace(data, audio=Held(noise), lengths=lengths, rate=16000, bands=bands)


def test_the_encoder_hears_some_crops_as_a_telephone_does(data: VoiceData) -> None:
    config = replace(TINY_VOICE.wave, narrow_share=0.5)
    task = WaveTask(config, wide_data(data), torch.arange(2), "float32")
    crops = task.crops(torch.arange(4).repeat(50)).audio
    whole, heard = task.narrowed(crops)
    shares = above(heard, 16000, 4200.0)
    assert ((shares < 1e-4) | (shares > 0.3)).all()
    narrow = shares < 1e-4
    assert float(narrow.float().mean()) == pytest.approx(0.5, abs=0.12)
    assert torch.equal(heard[~narrow], crops[~narrow])
    assert torch.equal(whole[~narrow], crops[~narrow])
    assert (above(whole[narrow], 16000, 4200.0) > 0.2).all()  # so there is something to filter out
    untouched = WaveTask(TINY_VOICE.wave, wide_data(data), torch.arange(2), "float32")
    assert all(torch.equal(one, crops) for one in untouched.narrowed(crops))


def gains(kernels: Tensor, rate: int, hertz: Sequence[float]) -> Tensor:
    """Return the gain of filters (N, T) at frequencies, in dB (N, M)."""
    spectrum = torch.fft.rfft(kernels, rate).abs()
    return 20 * torch.log10(spectrum[:, torch.tensor(hertz).long()] + 1e-9)


def test_telephones_and_microphones_are_of_many_kinds() -> None:
    """Cut off from 3.2 to 4 kHz, at once or gradually, tilted by up to 2 dB an octave; all below stays."""
    microphones = Microphones(16000)
    ends = gains(microphones.ends, 16000, (100, 1000, 2100, 3300, 3700, 4250))
    assert ends[:, :3].abs().max() < 0.2
    assert (ends[:, 5] < -50).all()
    assert (ends[:, 3] < -20).any()
    assert (ends[:, 3] > -0.5).any()
    assert (ends[:, 4] < -50).any()
    assert (ends[:, 4] > -0.5).any()
    tilts = gains(microphones.tilts, 16000, (1000, 2000))
    assert (tilts[:, 1] - tilts[:, 0]).tolist() == pytest.approx([-2.0, 0.0, 2.0], abs=0.1)
    waveforms = 0.1 * torch.randn(60, 4000)
    torch.manual_seed(0)
    whole, heard = microphones(waveforms)
    assert len({round(float(share), 2) for share in above(heard, 16000, 3400.0)}) > 5
    assert not torch.equal(whole, waveforms)


def test_above_a_recordings_band_stands_what_the_base_makes_of_it(data: VoiceData) -> None:
    task = WaveTask(TINY_VOICE.wave, wide_data(data), torch.arange(2), "float32")
    rows = torch.arange(4)
    crops, pitch = task.crops(rows)
    made = torch.randn_like(crops)
    without = task.compared(rows, crops, made, pitch)
    assert torch.equal(without[1], task.heard(rows, made))
    parts = {"wave": task.model.state_dict(), "discriminators": task.discriminators.state_dict()}
    task.begin_from(Base(TINY_VOICE, (), parts))
    for weights in task.model.parameters():
        torch.nn.init.normal_(weights, std=0.1)  # the model in training is no longer the base
    real, whole = task.compared(rows, crops, made, pitch)
    assert torch.equal(whole, made)
    assert torch.equal(real[1::2], crops[1::2])  # wide as they are
    below = task.heard(rows, real) - task.heard(rows, crops)
    middle = slice(300, -300)
    torch.testing.assert_close(below[::2, middle], torch.zeros_like(below[::2, middle]), atol=0.02, rtol=0)
    guess = task.guess[0].decode(task.guess[0].encode(crops).mean, pitch.hz).waveform
    added = real - task.heard(rows, crops)
    torch.testing.assert_close(added[::2], (guess - task.heard(rows, guess))[::2])
    narrow = replace(wide_data(data), bands=torch.full((4,), 8000.0))
    wide = WaveTask(TINY_VOICE.wave, narrow, torch.arange(2), "float32")
    wide.begin_from(Base(TINY_VOICE, (), parts))
    assert not wide.guess  # nothing is decoded needlessly
