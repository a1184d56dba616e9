"""The time, memory and disk space that a training needs, estimated before it starts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tiny_corpus import FLAGS, write_corpus
from voxlet import machine
from voxlet.cli.main import main
from voxlet.errors import TrainingError
from voxlet.recipes import preflight
from voxlet.recipes.preflight import ClipCounts, Needs, check_needs, needs_of, parameters, presets_on, speed
from voxlet.recipes.presets import PRESETS
from voxlet.recipes.voice.config import VoiceTraining
from voxlet.training.config import Budget

SPEED = {"float32": 100.0, "bfloat16": 200.0}


def material(clips: int, seconds: float, labels: int = 2) -> ClipCounts:
    return ClipCounts(clips, clips, seconds, labels, speakers=2)


def test_parameters_are_counted_without_memory() -> None:
    # As docs/training.md has them, for the study's 257 bands and 69 frames.
    millions = {"mlp": 37.7, "cnn-light": 2.5, "cnn": 295.1}
    for preset, count in millions.items():
        assert parameters(PRESETS[preset].model, (257, 69), 10) / 1e6 == pytest.approx(count, abs=0.05)


def test_what_was_measured_is_what_is_said() -> None:
    # benchmarks/preflight.py: clips, seconds, gigabytes of memory.
    measured = [
        *(("mlp", 300, 0.5, 1.24), ("mlp", 300, 1.5, 2.77), ("mlp", 900, 0.5, 1.29)),
        *(("cnn-light", 300, 0.5, 0.66), ("cnn-light", 300, 1.5, 1.03), ("cnn-light", 900, 0.5, 0.72)),
        ("voice", 300, 0.5, 1.09),
    ]
    for preset, clips, seconds, gigabytes in measured:
        needs = needs_of(PRESETS[preset], material(clips, seconds), SPEED)
        assert needs.memory / 1e9 == pytest.approx(gigabytes, rel=0.15), (preset, clips, seconds)


def test_time_is_work_over_speed() -> None:
    # docs/performance.md: 3.1 s an epoch of 2,430 clips of 0.8 s in float32 at 185 GFLOP/s.
    config = replace(PRESETS["mlp"], precision="float32")
    found = needs_of(config, material(2430, 0.8, 10), {"float32": 185.0, "bfloat16": 420.0})
    assert found.epoch_seconds == pytest.approx(3.1, rel=0.05)
    slower = needs_of(config, material(2430, 0.8, 10), {"float32": 18.5, "bfloat16": 42.0})
    assert slower.epoch_seconds == pytest.approx(10 * found.epoch_seconds)
    assert all(value > 1 for value in speed().values())
    voice = PRESETS["voice"]
    assert isinstance(voice, VoiceTraining)
    clips = material(2430, 0.5, 10)
    whole, prior_only = (
        needs_of(one, clips, SPEED).epoch_seconds
        for one in (voice, replace(voice, wave_share=0.0, prior_share=0.923))
    )
    # Of 2,400 clips at 11, 50 and 14 a second: 165 and 57 s.
    assert whole / prior_only == pytest.approx(165 / 57, rel=0.02)


def test_as_a_user_is_told() -> None:
    needs = Needs(memory=2.04e9, disk=0.5e9, epoch_seconds=3.0)
    assert needs.sentence() == "about 3 s an epoch, 2.0 GB of memory, 500 MB of disk"
    assert needs.sentence(Budget(epochs=100)).startswith("about 5 minutes, ")
    assert needs.sentence(Budget(epochs=10_000)).startswith("about 8.3 hours, ")
    assert needs.sentence(Budget(minutes=10)).startswith("10 minutes, about 200 epochs, ")
    slow = Needs(memory=2e9, disk=5e8, epoch_seconds=900.0)
    assert slow.sentence(Budget(minutes=1)).startswith("1 minute, about 7 % of an epoch, ")
    assert set(presets_on(material(100, 0.5))) == set(PRESETS)


def test_too_little_memory_or_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs = Needs(memory=2e9, disk=5e9, epoch_seconds=1.0)
    monkeypatch.setattr(machine, "memory", lambda: machine.Memory(4 * 10**9, 1_500_000_000))
    monkeypatch.setattr(machine, "free_space", lambda folder: 10**12)
    with pytest.raises(
        TrainingError, match=r"run: training needs 2.0 GB of memory, but only 1.5 GB are free"
    ):
        check_needs(PRESETS["mlp"], needs, tmp_path / "run")
    monkeypatch.setattr(machine, "memory", lambda: None)  # a system that does not tell
    check_needs(PRESETS["mlp"], needs, tmp_path / "run")
    monkeypatch.setattr(machine, "free_space", lambda folder: 4 * 10**9)
    with pytest.raises(
        TrainingError,
        match=r"training needs 5.0 GB of disk, but only 4.0 GB are free; free some space, or name",
    ):
        check_needs(PRESETS["voice"], needs, tmp_path / "run")


@pytest.mark.slow
def test_a_start_that_is_refused_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    corpus, run = write_corpus(tmp_path / "tones", takes=4), tmp_path / "run"
    asked = ["train", "mlp", "--corpus", str(corpus), "--run", str(run), *FLAGS, "--epochs", "1"]
    with monkeypatch.context() as small:
        small.setattr(preflight.machine, "memory", lambda: machine.Memory(10**9, 10**6))
        assert main(asked) == 2
    assert "are free; use a smaller model or batch" in capsys.readouterr().err
    assert not run.exists()
    assert main(asked) == 0
    assert "training takes about 1 s, " in capsys.readouterr().err
