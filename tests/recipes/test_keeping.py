"""Voices that keep words or speakers of the voice or base that they begin with, all tiny."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from synthetic import every_word, write_clip
from tiny_training import TINY_VOICE
from voxlet.cli.main import main
from voxlet.errors import ConfigError, RunError
from voxlet.evaluation import adapted
from voxlet.evaluation.adapted import OTHER_VOICES
from voxlet.models.voice.flow_prior import FlowPrior
from voxlet.recipes.adapt import adapt, resolve_base, settings
from voxlet.recipes.opened import VoiceRun, load
from voxlet.recipes.train import export
from voxlet.recipes.voice.base_file import PRIOR, SPEAKERS, Base, read_base
from voxlet.recipes.voice.clips import replay
from voxlet.recipes.voice.clips.replay import A_STEP, Replay
from voxlet.recipes.voice.clips.speakers import Speakers
from voxlet.recipes.voice.scope import scope_of
from voxlet.recipes.voice.weights import load_kept, load_teacher

STEPS = [0, 3, 2]
KNOWN = Speakers(
    ("ann", "bob"),
    {"mean": torch.zeros(2, 3), "log_variance": torch.zeros(2, 3), "attributes": torch.zeros(2, 0)},
)
BASE = Base(
    TINY_VOICE,
    ("en:zero", "en:one", "ar:one"),
    {PRIOR: {}, SPEAKERS: KNOWN.state_dict()},
    speakers=KNOWN.names,
)


@pytest.fixture(scope="module")
def base(voice_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export(voice_run, tmp_path_factory.mktemp("base") / "tiny.safetensors")


def takes_of(folder: Path, labels: tuple[str, ...], speaker: str = "me") -> Path:
    """Make two takes of each word by a new speaker."""
    folder.mkdir()
    for label, who, take, samples in every_word(len(labels), 2):
        if who == "ann":
            write_clip(folder / f"{labels[label]}_{speaker}_{take}.wav", samples, 8000)
    return folder


@pytest.mark.parametrize(
    ("adds", "keep", "labels", "speakers", "own", "table"),
    [
        ("words", False, ("no", "one"), KNOWN.names, False, ("no", "one", "en:zero", "ar:one")),
        ("words", True, ("no", "one", "zero"), KNOWN.names, False, None),
        ("both", True, ("no", "one", "zero"), KNOWN.names, True, None),
        ("speakers", False, ("zero", "one"), (), True, None),
        ("speakers", True, ("zero", "one"), KNOWN.names, True, None),
    ],
)
def test_what_a_voice_says_and_as_whom(adds, keep, labels, speakers, own, table) -> None:
    takes = ("one",) if adds == "speakers" else ("no", "one")
    scope = scope_of(BASE, takes, "en", adds, keep)
    assert scope is not None
    assert (scope.labels, scope.speakers, scope.own) == (labels, speakers, own)
    assert scope.table(BASE, "en") == (table or labels)


def test_without_anything_to_keep_there_is_no_scope() -> None:
    assert scope_of(BASE, ("no",), "en", "both", keep=False) is None
    assert scope_of(None, ("no",), "en", "both", keep=False) is None


@pytest.mark.follows(
    "recipes/voice/scope.py: leave --words-only, --speakers-only and --keep out, or give a base: --base FILE"
)
@pytest.mark.follows(
    "recipes/voice/scope.py: write it again, voxlet export RUN -o NAME.safetensors, or leave --words-only, "
    "--speakers-only and --keep out"
)
@pytest.mark.follows("recipes/voice/scope.py: say which one yours are in: --language …")
@pytest.mark.follows("recipes/voice/scope.py: take its takes out, or leave --speakers-only out; it knows …")
def test_what_cannot_be_kept_is_one_line() -> None:
    with pytest.raises(ConfigError, match="no base whose words or speakers could be kept"):
        scope_of(None, ("no",), "en", "words", keep=False)
    with pytest.raises(ConfigError, match="the base has no named speakers"):
        scope_of(replace(BASE, speakers=()), ("no",), "en", "words", keep=False)
    with pytest.raises(ConfigError, match=r"no words in the language 'und'; .*--language ar, or .* en$"):
        scope_of(BASE, ("no",), "und", "both", keep=True)
    with pytest.raises(ConfigError, match=r"does not know the word 'no'; .*it knows zero, one"):
        scope_of(BASE, ("one", "no"), "en", "speakers", keep=False)
    assert scope_of(BASE, ("one",), "en", "speakers", keep=False) is not None


def test_a_base_is_repeated_with_its_own_velocity(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sequences are made step by step and do not depend on draws in between; what the prior learns meanwhile
    does not change the repeated material."""
    monkeypatch.setattr(replay, "SIZE", 3 * A_STEP)
    torch.manual_seed(0)
    prior = FlowPrior(TINY_VOICE.prior.model, 5, 4, 3)
    torch.nn.init.normal_(prior.leave.weight)
    encoder = settings_encoder()
    first, second = (Replay(prior, torch.tensor([0, 2]), KNOWN, encoder) for _ in range(2))
    for _ in range(5):
        first.make_more()
        first.draw(7)
    assert len(first.held) == 3
    second.made += 4 * A_STEP  # a run that goes on
    second.make_more()
    for one, other in zip(first.held, second.held, strict=True):
        assert all(torch.equal(*pair) for pair in zip(one, other, strict=True))
    said = first.draw(200)
    assert set(said.label.tolist()) == {0, 2}
    time = torch.full((200,), 0.5)
    arguments = said.data, time, said.label, said.style, None
    before = prior.eval()(*arguments)
    torch.nn.init.normal_(prior.leave.weight)
    assert torch.equal(first.velocity(*arguments), before)
    assert not torch.equal(prior(*arguments), before)


def settings_encoder():
    from voxlet.models.voice.style_encoder import StyleEncoder

    return StyleEncoder(TINY_VOICE.prior.model, 8000)


@pytest.mark.slow
@pytest.mark.follows("recipes/voice/weights.py: train it anew in another folder")
def test_words_are_said_by_the_speakers_of_the_base(base: Path, tmp_path: Path) -> None:
    takes = takes_of(tmp_path / "takes", ("no", "stop"))
    opened = adapt(takes, tmp_path / "run", steps=STEPS, base=base, adds="words")
    voice, start = opened.voice, read_base(base)
    assert (voice.labels, voice.speakers) == (("no", "stop"), start.speakers)
    assert all(len(clip) for clip in voice.sample(voice.labels, speaker="bob"))
    assert voice.info.card["adds"] == "words"
    # The wave VAE, the style encoder and so the styles are those of the base.
    for name, tensor in opened.wave.state_dict().items():
        assert torch.equal(tensor, start.parts["wave"][name])
    teacher = load_teacher(opened.run, opened.config, torch.device("cpu"))
    for name, tensor in teacher.style.state_dict().items():
        assert torch.equal(tensor, start.parts["style"][name])
    assert teacher.flow.labels == 4  # two new ones, and two of the base's that are rehearsed
    with pytest.raises(RunError, match="has lost the speakers that it kept"):
        load_kept(opened.run, ("nobody",))
    again = adapt(takes, tmp_path / "again" / "run", steps=STEPS, base=base, adds="words")
    assert again.voice_path.read_bytes() == opened.voice_path.read_bytes()


@pytest.mark.slow
@pytest.mark.follows("recipes/adapt.py: give such a run, or a base's file")
def test_a_voice_is_added_to_and_keeps_what_it_had(voice_run: Path, base: Path, tmp_path: Path) -> None:
    takes = takes_of(tmp_path / "takes", ("zero", "no"))
    opened = adapt(takes, tmp_path / "run", steps=STEPS, base=voice_run, keep=True)
    assert opened.voice.labels == ("no", "one", "zero")
    assert set(opened.voice.speakers) == {"ann", "bob", "me"}
    # An extended voice can be extended again, also from the file of a base.
    whole = resolve_base(opened.path)
    assert whole is not None
    assert set(whole.speakers) == {"ann", "bob", "me"}
    assert len(whole.parts[PRIOR]["label.weight"]) == 4
    more = takes_of(tmp_path / "more", ("one",), speaker="you")
    third = adapt(more, tmp_path / "third", steps=STEPS, base=opened.path, adds="speakers")
    assert (third.voice.labels, third.voice.speakers) == (("no", "one", "zero"), ("you",))
    third.voice_path.unlink()
    with pytest.raises(RunError, match="is not a run that finished with a voice"):
        resolve_base(third.path)


@pytest.mark.slow
@pytest.mark.follows(
    "recipes/adapt.py: give them as such a voice's timetable.json has them: --steps 0,400,600"
)
def test_the_command_says_what_it_cannot_measure(
    base: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapted, "STRINGS", 1)
    takes, run = takes_of(tmp_path / "takes", ("no", "stop")), tmp_path / "mine"
    asked = ["adapt", str(takes), "--run", str(run), "--consent", "own", "--words-only"]
    assert main([*asked, "--base", str(tmp_path), "--steps", "0,1,1"]) == 2
    with pytest.raises(RunError, match="is no training run"):
        resolve_base(tmp_path)
    assert main([*asked, "--base", str(base), "--steps", "1,1,1"]) == 2
    assert "--steps 1,1,1 are not 0 for the wave VAE, which stays as it is" in capsys.readouterr().err
    assert main([*asked, "--base", str(base), "--steps", "0,1,1"]) == 0
    *_, why, _ = capsys.readouterr().out.splitlines()
    assert why.startswith(f"listen yourself: {OTHER_VOICES}")
    assert isinstance(load(run), VoiceRun)


def test_a_base_that_is_kept_has_time_for_the_priors_alone() -> None:
    made = settings(BASE, keeping=True)
    assert made.prior.loop.batch_size < settings(BASE).prior.loop.batch_size
