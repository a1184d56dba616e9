"""Adapting a voice from a base, both tiny."""

from __future__ import annotations

import json
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from synthetic import every_word, write_clip
from tiny_training import TINY_VOICE
from voxlet import audio
from voxlet.cli.main import main
from voxlet.cli.runs.adapt import _steps
from voxlet.errors import ConfigError
from voxlet.evaluation import adapted
from voxlet.recipes.adapt import LABEL_RATE, RATE, adapt, budget, settings
from voxlet.recipes.opened import VoiceRun, load
from voxlet.recipes.timetable import FILE
from voxlet.recipes.train import export
from voxlet.recipes.voice.base_file import Base, read_base
from voxlet.recipes.voice.finish import base_of
from voxlet.recipes.voice.prior_task import PriorTask
from voxlet.run_files import OUTCOME, PROGRESS
from voxlet.training.config import Budget

STEPS = [2, 3, 2]


@pytest.fixture(scope="module")
def base(voice_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(voice_run, tmp_path_factory.mktemp("base") / "tiny.safetensors")


@pytest.fixture(scope="module")
def takes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three takes of four words by a new speaker; the base has two of the words under another name."""
    folder = tmp_path_factory.mktemp("takes") / "mine"
    folder.mkdir()
    for label, _, take, samples in every_word(4, 3):
        write_clip(folder / f"{label}_me_{take}.wav", samples, 8000)
    return folder


def test_settings_follow_the_base_in_size_and_the_preset_in_the_rest() -> None:
    made = settings(Base(TINY_VOICE, (), {}))
    assert (made.wave.model, made.prior.model) == (TINY_VOICE.wave.model, TINY_VOICE.prior.model)
    assert made.preparation == TINY_VOICE.preparation
    assert made.split == "all"
    assert made.wave.discriminators_from == made.wave.narrow_share == 0.0
    fresh = settings(None)
    assert made.wave.learning_rate == pytest.approx(RATE * fresh.wave.learning_rate)
    assert fresh.split == "all"


@pytest.mark.follows("recipes/adapt.py: give one of them")
@pytest.mark.follows(
    "recipes/adapt.py: give them as an adapted voice's timetable.json has them: --steps 400,1100,600"
)
def test_how_long_is_given_once() -> None:
    assert budget(None, None) == Budget(minutes=10)
    assert budget(3, None) == Budget(minutes=3)
    assert budget(None, [400, 1100, 600]) == Budget(steps=2100)
    for minutes, steps in ((3.0, [1, 2, 3]), (None, [1, 2]), (None, [0, 1, 1])):
        with pytest.raises(ConfigError, match="--steps"):
            budget(minutes, steps)


@pytest.mark.slow
def test_the_same_steps_give_the_same_voice_also_where_it_was_interrupted(
    base: Path, takes: Path, tmp_path: Path
) -> None:
    whole = adapt(takes, tmp_path / "a" / "mine", steps=STEPS, base=base, consent="own")
    again = adapt(takes, tmp_path / "b" / "mine", steps=STEPS, base=base, consent="own")
    assert whole.voice_path.read_bytes() == again.voice_path.read_bytes()
    assert len(whole.voice.labels) == 4
    assert whole.voice.speakers == ("me",)
    assert all(len(clip) for clip in whole.voice.sample(whole.voice.labels, speaker="me"))
    # Samples made on the way can be played: three words after each stage.
    heard = sorted(path.name for path in (whole.path / "samples").iterdir())
    assert len(heard) == len(set(heard)) >= 9
    assert {name.split("-")[0] for name in heard} == {"wave", "prior", "distillation"}
    for name in heard:
        sound = audio.read(whole.path / "samples" / name)
        assert (sound.rate, bool(len(sound.samples))) == (8000, True)
    told = [json.loads(line) for line in (whole.path / PROGRESS).read_text().splitlines()]
    lasts = {line["stage"]: line for line in told}
    assert {stage: (line["step"], line["done"]) for stage, line in lasts.items()} == {
        "wave": (STEPS[0], 1.0),
        "prior": (STEPS[1], 1.0),
        "distillation": (STEPS[2], 1.0),
    }
    # A time limit with the same number of steps would have made the same file.
    card = whole.voice.info.card
    assert card["consent"] == "own"
    assert card["base"] == read_base(base).record()
    shutil.rmtree(again.run.stage("distillation"))
    again.voice_path.unlink()
    resumed = adapt(takes, tmp_path / "b" / "mine", steps=STEPS, base=base, consent="own")
    assert resumed.voice_path.read_bytes() == whole.voice_path.read_bytes()


@pytest.mark.slow
def test_minutes_are_those_of_the_whole_command(base: Path, takes: Path, tmp_path: Path) -> None:
    began = time.monotonic()
    opened = adapt(takes, tmp_path / "mine", minutes=0.5, base=base)
    assert time.monotonic() - began < 45
    kept = json.loads((opened.path / FILE).read_text())["steps"]
    assert min(kept.values()) > max(STEPS)  # there was time for more than a few


@pytest.mark.slow
def test_new_words_begin_apart_and_move_far(voice_run: Path) -> None:
    """Words that the base lacks begin with different embeddings, and a step moves embeddings further than the
    other weights."""
    opened = load(voice_run)
    assert isinstance(opened, VoiceRun)
    rows = torch.from_numpy(opened.split.train)
    count = len(opened.prepared.label_names)
    held = base_of(opened)
    config = replace(opened.config.prior, learning_rate=1e-3, label_rate=LABEL_RATE)
    task = PriorTask(config, opened.wave, opened.data, rows, rows[:0])
    known: list[int | None] = [1, *[None] * (count - 1)]
    task.begin_from(held, known)
    table, theirs = task.prior.label.weight.detach().clone(), held.parts["prior"]["label.weight"]
    assert torch.equal(table[0], theirs[1])
    assert torch.equal(table[-1], theirs[-1])
    assert torch.cdist(table, table).fill_diagonal_(torch.inf).min() > 1
    assert torch.cdist(table[1:-1], theirs).min() > 1
    assert torch.equal(task.prior_ema.module.get_parameter("label.weight"), table)
    before = task.prior.enter.weight.detach().clone()
    task.train_step(rows, 0.0)
    assert (task.prior.label.weight - table).abs().max() > 5e-3
    assert (task.prior.enter.weight - before).abs().max() < 2e-3


@pytest.mark.slow
@pytest.mark.follows("cli/runs/adapt.py: give three, as in --steps 400,1100,600")
def test_the_command_prints_the_voice(
    base: Path,
    takes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = tmp_path / "mine"
    asked = ["adapt", str(takes), "--run", str(run), "--base", str(base), "--steps", "1,1,1"]
    monkeypatch.setattr(adapted, "STRINGS", 1)
    assert main([*asked, "--consent", "own"]) == 0
    *table, why, voice = capsys.readouterr().out.splitlines()
    assert table[0].split() == ["generated", "takes"]
    assert why.startswith("listen yourself: with fewer than five takes of a word, how often")
    assert voice == str(run / "mine.voice")
    kept = json.loads((run / OUTCOME).read_text())
    assert f"{kept['grade']}: {kept['why']}" == why
    assert len(kept["rows"]) == len(table) - 1
    opened = load(run)
    assert isinstance(opened, VoiceRun)
    assert main([*asked, "--consent", "given"]) == 2
    assert "consent is 'own' in the run and 'given' now" in capsys.readouterr().err
    assert main(["adapt", str(takes), "--run", str(run), "--steps", "x"]) == 2
    error = capsys.readouterr().err
    assert error.endswith(
        "--steps 'x' is not a list of whole numbers; give three, as in --steps 400,1100,600\n"
    )
    assert _steps(error.split()[-1]) == [400, 1100, 600]


def test_rates_are_those_of_adapting_whatever_the_base_was_trained_with() -> None:
    changed = replace(TINY_VOICE, wave=replace(TINY_VOICE.wave, learning_rate=9.0))
    assert settings(Base(changed, (), {})) == settings(Base(TINY_VOICE, (), {}))


def test_new_words_are_learned_faster_than_known_ones_are_changed() -> None:
    known, new = (settings(Base(TINY_VOICE, (), {}), new_words=one).prior for one in (False, True))
    assert (known.label_rate, new.label_rate) == (1.0, LABEL_RATE)
    assert known.learning_rate == pytest.approx(RATE * new.learning_rate)
    assert new.loop.batch_size < known.loop.batch_size
