"""Opening runs, voices and bases: what each can then do, and the errors for what cannot be opened."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

import voxlet
from tiny_corpus import write_corpus
from voxlet.errors import RunError, VoiceError, VoxletError
from voxlet.recipes.clip.sampler import FILE
from voxlet.recipes.opened import ClipRun, Voice, VoiceRun, load

pytestmark = pytest.mark.slow


@pytest.fixture
def clip_run(runs: Path) -> ClipRun:
    opened = load(runs / "plain")
    assert isinstance(opened, ClipRun)
    return opened


@pytest.fixture
def opened_voice_run(voice_run: Path) -> VoiceRun:
    opened = load(voice_run)
    assert isinstance(opened, VoiceRun)
    return opened


def test_a_name_is_a_voice_and_a_folder_a_run(runs: Path, voice_run: Path) -> None:
    assert isinstance(voxlet.load("digits"), Voice)
    assert isinstance(voxlet.load(voice_run / "tiny.voice"), Voice)
    assert isinstance(voxlet.load(str(runs / "plain")), voxlet.ClipRun)
    assert isinstance(voxlet.load(voice_run), voxlet.VoiceRun)


def test_a_clip_run_knows_its_clips(clip_run: ClipRun, runs: Path) -> None:
    assert (clip_run.name, clip_run.path) == ("plain", runs / "plain")
    assert clip_run.source == str(runs / "tones")
    assert (clip_run.rate, clip_run.labels, clip_run.speakers) == (8000, ("zero", "one"), ())
    assert len(clip_run.prepared) == 40
    assert clip_run.spectrograms.shape == (40, 17, 51)
    assert clip_run.label_numbers.tolist() == clip_run.prepared.labels.tolist()
    split = clip_run.split
    assert sorted([*split.train, *split.validation, *split.test]) == list(range(40))
    assert clip_run.training_seconds == clip_run.metrics()[-1]["seconds"]
    assert clip_run.parameters == sum(weight.numel() for weight in clip_run.model.parameters())
    assert not clip_run.model.training


def test_everything_is_read_when_it_is_asked_for_and_then_kept(clip_run: ClipRun) -> None:
    assert not {"dataset", "speech", "model", "spectrograms"} & set(vars(clip_run))
    assert clip_run.model is clip_run.model
    assert clip_run.spectrograms is clip_run.spectrograms
    assert clip_run.run.record is clip_run.run.record


def test_its_test_loss_is_what_the_run_kept(clip_run: ClipRun) -> None:
    kept = json.loads((clip_run.path / "test.json").read_text())
    assert clip_run.explain(clip_run.split.test).loss == pytest.approx(kept["loss"])
    assert clip_run.explain(clip_run.split.test, refined=True).loss < kept["loss"]


def test_what_is_encoded_is_decoded(clip_run: ClipRun) -> None:
    rows = clip_run.split.test
    latents = torch.from_numpy(clip_run.encode(rows).mean).float()
    labels = [clip_run.labels[number] for number in clip_run.prepared.labels[rows]]
    decoded = clip_run.decode_spectrograms(latents, labels)
    torch.testing.assert_close(decoded, clip_run.reconstruct_spectrograms(rows))
    error = (decoded - clip_run.spectrograms.read(torch.from_numpy(rows))).abs().mean()
    mean = clip_run.spectrograms.read(torch.from_numpy(clip_run.split.train)).mean(0)
    assert error < (clip_run.spectrograms.read(torch.from_numpy(rows)) - mean).abs().mean()
    assert all(clip.dtype == np.float32 for clip in clip_run.decode(latents, labels))


def test_rows_in_any_form(clip_run: ClipRun) -> None:
    rows = clip_run.split.test[:2]
    wanted = clip_run.encode(rows)
    for asked in (rows.tolist(), tuple(rows), rows.astype(np.int32), [], np.array([])):
        found = clip_run.encode(asked)
        assert np.array_equal(found.mean, wanted.mean[: len(asked)])
        assert found.deviation.shape == found.mean.shape


def test_reconstructions_are_as_long_and_as_high_as_their_clips(clip_run: ClipRun) -> None:
    rows = clip_run.split.test
    for row, clip in zip(rows, clip_run.reconstruct(rows), strict=True):
        original = clip_run.prepared.clip(int(row))
        assert clip.shape == original.shape
        peaks = [np.abs(np.fft.rfft(wave)).argmax() * 8000 / len(wave) for wave in (clip, original)]
        assert peaks[0] == pytest.approx(peaks[1], abs=200)


def test_another_phase_of_the_same_run(clip_run: ClipRun, runs: Path) -> None:
    model = clip_run.model
    flat = clip_run.with_phase("none")
    assert flat.model is model
    assert clip_run.phase == "griffin-lim"
    asked = load(runs / "plain", phase="none").sample(["one"], seed=2)[0]
    assert np.array_equal(flat.sample(["one"], seed=2)[0], asked)
    assert not np.array_equal(clip_run.sample(["one"], seed=2)[0], asked)


def test_a_voice_run_speaks_as_its_voice(opened_voice_run: VoiceRun) -> None:
    run = opened_voice_run
    assert run.voice_path == run.path / "tiny.voice"
    assert (run.labels, run.speakers, run.rate) == (("zero", "one"), ("ann", "bob"), 8000)
    (own,) = run.sample(["one"], speaker="bob", seed=4)
    (voices,) = voxlet.load_voice(run.voice_path).sample(["one"], speaker="bob", seed=4)
    assert np.array_equal(own, voices)


def test_a_voice_run_reconstructs_its_clips(opened_voice_run: VoiceRun) -> None:
    run = opened_voice_run
    rows = run.split.test
    unit = run.wave.samples_per_latent
    clips = run.reconstruct(rows)
    for row, posterior, clip in zip(rows, run.encode(rows), clips, strict=True):
        length = int(run.prepared.rows.lengths[row])
        assert posterior.mean.shape == (-(-length // unit), 4)
        assert clip.shape == (length,)
        assert np.array_equal(run.decode([posterior.mean])[0][:length], clip)
    assert run.student.frames == run.data.frames
    for asked in (rows[:1].tolist(), rows[:1].astype(np.int32), [], np.array([])):
        assert [clip.tolist() for clip in run.reconstruct(asked)] == [
            clip.tolist() for clip in clips[: len(asked)]
        ]


def test_a_corpus_that_has_changed_is_not_taken_for_the_run_s(runs: Path, tmp_path: Path) -> None:
    shutil.copytree(runs / "plain", tmp_path / "run")
    corpus = write_corpus(tmp_path / "tones", takes=4)
    config = tmp_path / "run" / "config.json"
    record = json.loads(config.read_text())
    record["corpus"]["source"] = str(corpus)
    config.write_text(json.dumps(record))
    with pytest.raises(RunError, match="recordings other than"):
        _ = load(tmp_path / "run").dataset
    del record["corpus"]
    config.write_text(json.dumps(record))
    with pytest.raises(RunError, match="which corpus"):
        _ = load(tmp_path / "run").dataset


@pytest.mark.parametrize("field", ["voxlet", "preset", "kind", "budget", "config"])
def test_a_record_that_lacks_a_field_is_refused_at_the_door(
    runs: Path, voice_run: Path, tmp_path: Path, field: str
) -> None:
    for run in (runs / "plain", voice_run):
        held = json.loads((run / "config.json").read_text())
        for changed in ({**held, field: 7}, {key: value for key, value in held.items() if key != field}):
            (tmp_path / "config.json").write_text(json.dumps(changed))
            with pytest.raises(VoxletError, match=rf"config\.json: .*{field}"):
                load(tmp_path)


def test_what_cannot_be_opened_is_said(runs: Path, voice_run: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run and no voice 'nobody'"):
        load("nobody")
    with pytest.raises(RunError, match="no run and no voice"):
        load(tmp_path / "nowhere")
    with pytest.raises(RunError, match="is no training run"):
        load(tmp_path)
    (tmp_path / "foreign.voice").write_bytes(b"no graph")
    with pytest.raises(VoiceError):
        load(tmp_path / "foreign.voice")
    copy = tmp_path / "run"
    shutil.copytree(runs / "plain", copy)
    (copy / FILE).write_bytes((copy / FILE).read_bytes()[:-100])
    with pytest.raises(RunError, match="damaged"):
        _ = load(copy).labels
    (copy / FILE).unlink()
    with pytest.raises(RunError, match="is not finished"):
        _ = load(copy).labels
    shutil.copytree(voice_run, tmp_path / "tiny")
    (tmp_path / "tiny" / "tiny.voice").unlink()
    with pytest.raises(RunError, match="is not finished"):
        load(tmp_path / "tiny").sample(["one"])


def test_speakers_and_styles_are_refused_by_a_clip_run(clip_run: ClipRun) -> None:
    with pytest.raises(VoxletError, match="cannot choose"):
        clip_run.sample(["one"], speaker="ann")
    with pytest.raises(VoiceError, match="it says: zero, one"):
        clip_run.sample(["two"])
    assert clip_run.sample([]) == []
