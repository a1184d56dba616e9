"""Training a tiny voice from a folder of clips: three stages, a voice file, the same numbers in ONNX."""

from __future__ import annotations

import base64
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import voxlet
from tiny_training import TINY_VOICE as TINY
from voxlet import audio
from voxlet.errors import ConfigError, RunError
from voxlet.evaluation.cost import card_minutes
from voxlet.models.voice.config import ATTRIBUTES
from voxlet.models.voice.flow_prior import FlowPrior
from voxlet.models.voice.style_encoder import StyleEncoder
from voxlet.models.voice.wave_vae import WaveVAE
from voxlet.recipes.onnx_graph import quantise, quantised
from voxlet.recipes.opened import VoiceRun, load_run
from voxlet.recipes.train import export, train
from voxlet.recipes.voice import finish
from voxlet.recipes.voice.clips.data import VoiceData
from voxlet.recipes.voice.clips.speakers import Speakers
from voxlet.recipes.voice.clips.waveforms import Held
from voxlet.recipes.voice.distillation_task import styles_of
from voxlet.recipes.voice.export import (
    MARGIN,
    SpeakerGraph,
    count_parameters,
    export_voice,
    with_card,
)
from voxlet.recipes.voice.finish import SCORES, scores_of, write_voice
from voxlet.speak.library import find_voice
from voxlet.speak.onnx.reader import read_metadata
from voxlet.speak.runtime import import_onnxruntime
from voxlet.speak.voice_file import VoiceInfo, read_voice
from voxlet.training.run import Run
from voxlet.trimming.regions import trim

pytestmark = pytest.mark.slow


def test_a_run_ends_with_a_voice_that_speaks(voice_run: Path) -> None:
    voice = voxlet.load_voice(voice_run / "tiny.voice")
    assert voice.labels == ("zero", "one")
    assert voice.speakers == ("ann", "bob")
    assert voice.rate == 8000
    spoken = voice.say("0101", speaker="ann", seed=3)
    assert len(spoken.words) == 4
    assert np.isfinite(spoken.samples).all()
    assert voice.say("0101", speaker="ann", seed=3).samples.tobytes() == spoken.samples.tobytes()


def test_who_was_recorded_most_clearly_speaks_first(monkeypatch: pytest.MonkeyPatch) -> None:
    model = replace(TINY.prior.model, attributes=ATTRIBUTES)
    size = model.style_size
    tables = {"mean": torch.randn(3, size), "log_variance": torch.zeros(3, size)}
    encoder = StyleEncoder(model, 8000)
    opened = SimpleNamespace(
        style=encoder, kept=None, config=replace(TINY, prior=replace(TINY.prior, model=model))
    )
    for clarity, first in (([0.1, torch.nan, 0.4], "cid"), ([torch.nan] * 3, "ann")):
        attributes = torch.tensor([[9.0, 9.0, each] for each in clarity])
        known = Speakers(("ann", "bob", "cid"), {**tables, "attributes": attributes})
        monkeypatch.setattr(finish, "_own_speakers", lambda *_, known=known: known)
        styles = finish.named_styles(opened)  # type: ignore[arg-type]
        assert next(iter(styles)) == first
        assert sorted(styles) == ["ann", "bob", "cid"]
        assert np.allclose(styles["bob"], tables["mean"][1].numpy())


def test_what_a_voice_cost_is_known_from_its_file(voice_run: Path) -> None:
    file = read_voice(voice_run / "tiny.voice")
    stages = file.info.card["training"]["stages"].values()
    assert card_minutes(file.info.card) == pytest.approx(sum(stage["seconds"] for stage in stages) / 60)
    assert card_minutes({"training": "long"}) == 0
    shipped = read_voice(find_voice("digits"))
    assert 7.5e6 < count_parameters(shipped) < 8.5e6
    assert count_parameters(file) < 1e5


def test_the_card_says_what_it_was_made_of(voice_run: Path) -> None:
    card = voxlet.load_voice(voice_run / "tiny.voice").card
    assert card["language"] == voxlet.load_voice(voice_run / "tiny.voice").language == "und"
    assert card["clips"] == {"train": 32, "validation": 4, "test": 4}
    assert set(card["training"]["stages"]) == {"wave", "prior", "distillation"}


def test_the_style_of_a_recording_is_the_style_encoders(voice_run: Path) -> None:
    voice, opened = voxlet.load_voice(voice_run / "tiny.voice"), load_run(voice_run)
    assert isinstance(opened, VoiceRun)
    styles = []
    for name in ("zero_ann_0", "one_bob_3"):
        recording = audio.read(voice_run.parent / "clips" / f"{name}.wav")
        style = voice.like(recording)
        # As the voice prepares it: without outer silence, at the level of speech.
        clip = audio.level(trim(recording.samples, 8000), audio.SPEECH_RMS)
        with torch.inference_mode():
            wanted = opened.style(torch.from_numpy(clip)[None, None], torch.tensor([[len(clip)]])).mean[0]
        np.testing.assert_allclose(style, wanted.numpy(), atol=1e-4)  # weights of 8 bits
        styles.append(style)
    assert np.abs(styles[0] - styles[1]).max() > 1e-3  # ten times the tolerance


def test_new_speakers_of_a_voice_lie_as_its_clips_do(voice_run: Path) -> None:
    voice, opened = voxlet.load_voice(voice_run / "tiny.voice"), load_run(voice_run)
    assert isinstance(opened, VoiceRun)
    assert voice.info.style_std is not None
    np.testing.assert_allclose(voice.info.style_std, opened.style.deviation, atol=1e-6)
    data = opened.data.with_speeds(opened.config.prior.speeds_for(len(opened.data.count)))
    found = opened.style.whitened(styles_of(opened.style, data, data.by_speaker)).mean
    np.testing.assert_allclose(found.mean(0), 0, atol=1e-4)
    np.testing.assert_allclose(found.std(0, correction=0), voice.info.style_std, atol=1e-3)
    drawn = np.array([voice.style("random", seed=seed) for seed in range(500)])
    np.testing.assert_allclose(drawn.std(0), voice.info.style_std, rtol=0.15)


def test_the_voice_can_be_exported_again_under_another_name(voice_run: Path, tmp_path: Path) -> None:
    written = export(voice_run, tmp_path / "other.voice")
    again = voxlet.load_voice(written)
    assert again.name == "other"
    first = voxlet.load_voice(voice_run / "tiny.voice")
    assert again.say("01", seed=1).samples.tobytes() == first.say("01", seed=1).samples.tobytes()
    with pytest.raises(RunError, match=r"must end in \.voice"):
        export(voice_run, tmp_path / "other.onnx")


def test_an_exported_voice_keeps_the_scores_of_the_same_weights(voice_run: Path, tmp_path: Path) -> None:
    own = voice_run / "tiny.voice"
    plain = own.read_bytes()
    voice = read_voice(own)
    own.write_bytes(with_card(voice, {**voice.info.card, SCORES: {"clips": 7}}))
    try:
        card = voxlet.load_voice(export(voice_run, tmp_path / "other.voice")).card
        assert card[SCORES] == {"clips": 7}
        assert card["clips"] == {"train": 32, "validation": 4, "test": 4}
        assert scores_of(own, "those of other weights") is None
        train("voice", voice_run.parent / "clips", voice_run, epochs=4, config=TINY)
        assert voxlet.load_voice(own).card[SCORES] == {"clips": 7}
    finally:
        own.write_bytes(plain)


def test_a_finished_run_changes_no_more(voice_run: Path) -> None:
    before = (voice_run / "tiny.voice").read_bytes()
    train("voice", voice_run.parent / "clips", voice_run, epochs=4, config=TINY)
    assert (voice_run / "tiny.voice").read_bytes() == before


def test_the_settings_go_round_through_the_run(voice_run: Path) -> None:
    assert load_run(voice_run).config == TINY


def test_a_voice_that_is_cut_short_ends_in_the_same_file(voice_run: Path, tmp_path: Path) -> None:
    """The training is interrupted in the second stage, then resumed."""
    from voxlet.recipes.voice import prior_task

    target = tmp_path / "tiny"
    calls = 0
    whole = prior_task.PriorTask.train_step

    def failing(self, rows, progress):
        nonlocal calls
        calls += 1
        if calls == 3:
            raise KeyboardInterrupt
        return whole(self, rows, progress)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prior_task.PriorTask, "train_step", failing)
        with pytest.raises(KeyboardInterrupt):
            train("voice", voice_run.parent / "clips", target, epochs=4, config=TINY)
    assert not (target / "tiny.voice").exists()
    train("voice", voice_run.parent / "clips", target, epochs=4, config=TINY)
    wanted, got = (voxlet.load_voice(f / "tiny.voice").say("01", seed=1) for f in (voice_run, target))
    assert got.samples.tobytes() == wanted.samples.tobytes()


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("frames", [2, 7])
def test_onnx_equals_torch(batch: int, frames: int) -> None:

    torch.manual_seed(0)
    wave = WaveVAE(TINY.wave.model, 8000)
    prior = FlowPrior(TINY.prior.model, 5, frames, 2)
    torch.nn.init.normal_(prior.leave.weight)
    speaker = SpeakerGraph(prior, wave, steps=3)
    info = VoiceInfo("x", 8000, ("a", "b"), frames, 5, 3, {"ann": np.zeros(3, np.float32)})
    file = export_voice(speaker, StyleEncoder(TINY.prior.model, 8000), info)
    session = import_onnxruntime().InferenceSession(file)
    noise, label = torch.randn(batch, frames, 5), torch.arange(batch) % 2
    style = torch.randn(batch, 3)
    feed = {"noise": noise.numpy(), "label": label.numpy(), "style": style.numpy()}
    waveform, length = session.run(["waveform", "length"], feed)
    with torch.no_grad():
        wanted, wanted_length = quantised(speaker.eval())[0](noise, label, style)
    assert waveform.shape == wanted.shape
    assert length.max() <= waveform.shape[1] <= frames * wave.samples_per_latent
    # A pulse falls between samples: where the pulse train steps, the last bit of its phase matters.
    error = waveform - wanted.numpy()
    assert np.sqrt(np.mean(error**2)) < 1e-2 * np.sqrt(np.mean(wanted.numpy() ** 2))
    assert length.tolist() == wanted_length.tolist()


@pytest.mark.parametrize("samples", [1600, 1679, 4000, 8001])
def test_the_style_encoder_in_the_file_is_the_one_that_is_trained(samples: int) -> None:
    """Both pool the same frames, whatever the clip's length."""
    torch.manual_seed(0)
    encoder = StyleEncoder(TINY.prior.model, 8000).eval()
    torch.nn.init.normal_(encoder.head[-1].weight)
    prior = FlowPrior(TINY.prior.model, 5, 3, 2)
    info = VoiceInfo("x", 8000, ("a", "b"), 3, 5, 3, {})
    file = export_voice(SpeakerGraph(prior, WaveVAE(TINY.wave.model, 8000), steps=1), encoder, info)
    model = base64.b64decode(read_metadata(file)["voxlet.style_encoder"])
    clip = 0.1 * torch.randn(1, samples)
    (style,) = import_onnxruntime().InferenceSession(model).run(["style"], {"clip": clip.numpy()})
    with torch.no_grad():
        trained = quantised(encoder)[0]
        padded = torch.nn.functional.pad(clip, (0, 3000))[:, None]  # as in a batch with a longer clip
        wanted = trained(padded, torch.tensor([[samples]])).mean.numpy()
        assert np.allclose(trained(clip[:, None], torch.tensor([[samples]])).mean.numpy(), wanted, atol=1e-5)
    assert np.allclose(style, wanted, atol=1e-4)


def test_quantised_weights_are_within_half_a_step() -> None:
    normal = np.random.default_rng(0).normal(size=(64, 32))
    weight = (normal * np.geomspace(0.01, 10, 64)[:, None]).astype(np.float32)
    packed = quantise(weight)
    assert packed.values.dtype == np.int8
    assert (np.abs(packed.weight - weight) <= packed.scale / 2 + 1e-6).all()


def test_others_are_of_the_same_speaker_and_not_the_clip_itself() -> None:
    speakers = torch.tensor([0, 1, 0, 1, 0, 2])
    train_rows = torch.tensor([0, 1, 2, 3, 4, 5])
    order = train_rows[torch.argsort(speakers, stable=True)]
    count = torch.bincount(speakers)
    data = VoiceData(
        Held(torch.zeros(6, 8)),
        torch.full((6,), 8),
        speakers,
        speakers,
        8000,
        order,
        count.cumsum(0) - count,
        count,
        torch.full((6,), 4000.0),
        torch.zeros(6, 0),
    )
    rows = torch.tensor([0, 1, 4, 5])
    drawn = torch.cat([data.others(rows, 16) for _ in range(8)], dim=1)
    assert (speakers[drawn] == speakers[rows][:, None]).all()
    assert (drawn[:3] != rows[:3, None]).all()
    assert set(drawn[0].tolist()) == {2, 4}
    assert (drawn[3] == 5).all()  # a speaker with one clip is his own reference


def test_a_voice_that_is_not_finished_is_not_exported(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="has not finished its stage 'wave'"):
        write_voice(VoiceRun(Run(tmp_path), TINY), tmp_path / "x.voice")


@pytest.mark.parametrize(
    "change",
    [{"wave_share": -0.1}, {"prior_share": 0.0}, {"wave_share": 0.9, "prior_share": 0.2}, {"split_seed": -1}],
)
def test_settings_that_make_no_sense_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        replace(TINY, **change)


def test_no_more_is_decoded_than_the_longest_word_needs() -> None:

    class Fixed(FlowPrior):
        """Words of 2 and 3 frames, of 20."""

        def sample(self, noise, label, style, attributes=None, *, steps):
            sequence = noise.clone()
            sequence[..., -1] = -1
            sequence[0, :2, -1] = sequence[1, :3, -1] = 1
            return sequence

    torch.manual_seed(0)
    wave = WaveVAE(TINY.wave.model, 8000).eval()
    speaker = SpeakerGraph(Fixed(TINY.prior.model, 5, 20, 2), wave, steps=1).eval()
    unit = wave.samples_per_latent
    with torch.no_grad():
        waveform, lengths = speaker(torch.randn(2, 20, 5), torch.tensor([0, 1]), torch.zeros(2, 3))
    assert lengths.tolist() == [2 * unit, 3 * unit]
    assert waveform.shape == (2, (3 + MARGIN) * unit)


def test_at_other_speeds_clips_are_somebody_elses() -> None:
    rate, times = 8000, torch.arange(4000) / 8000
    audio = torch.zeros(3, 4000)
    audio[:, :2000] = torch.sin(2 * torch.pi * 500 * times[:2000])
    audio[2] = torch.sin(2 * torch.pi * 500 * times)
    data = VoiceData(
        Held(audio),
        torch.tensor([2000, 2000, 4000]),
        torch.tensor([0, 1, 0]),
        torch.tensor([0, 0, 1]),
        rate,
        torch.tensor([0, 1, 2]),
        torch.tensor([0, 2]),
        torch.tensor([2, 1]),
        torch.full((3,), 4000.0),
        torch.tensor([[0.0, 12.0, 0.5]] * 3),
        ("speed", "pitch", "clarity"),
    )
    varied = data.with_speeds((0.8, 1.25))
    faster = [math.log(1.25), 12 + 12 * math.log2(1.25), 0.5]
    assert varied.attributes[6].tolist() == pytest.approx(faster)
    assert varied.attributes[5].tolist() == [0.0, 12.0, 0.5]  # too long to be slower
    assert varied.audio.shape == (9, 4000)
    assert varied.lengths.tolist() == [2000, 2000, 4000, 2500, 2500, 4000, 1600, 1600, 3200]
    assert varied.speakers.tolist() == [0, 0, 1, 2, 2, 3, 4, 4, 5]
    assert varied.labels.tolist() == [0, 1, 0] * 3
    for row, hertz in ((0, 500), (3, 400), (6, 625), (8, 625), (5, 500)):
        clip = varied.audio.read(torch.tensor(row), int(varied.lengths[row]))
        spectrum = torch.fft.rfft(clip * torch.hann_window(len(clip))).abs()
        assert abs(float(spectrum.argmax()) * rate / len(clip) - hertz) < 5
    drawn = varied.others(torch.tensor([3, 4]), 8)
    assert drawn.tolist() == [[4] * 8, [3] * 8]
    assert not varied.audio.read(torch.tensor(3))[2500:].any()
