"""A base: written from a run, read again, and used to initialise a run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tiny_training import TINY_VOICE
from voxlet.cli.main import main
from voxlet.errors import ConfigError, RunError
from voxlet.models.voice.flow_prior import FlowPrior
from voxlet.recipes.opened import VoiceRun, load_run
from voxlet.recipes.train import train
from voxlet.recipes.voice.base_file import (
    PARTS,
    Base,
    band_guesser,
    fill_prior,
    find_base,
    read_base,
    write_base,
)

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def base(voice_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("base") / "tiny.safetensors"
    assert main(["export", str(voice_run), "-o", str(out)]) == 0
    return out


def test_a_base_holds_the_run_in_half_precision(voice_run: Path, base: Path) -> None:
    found, run = read_base(base), load_run(voice_run)
    assert isinstance(run, VoiceRun)
    assert tuple(found.parts) == PARTS
    assert found.config == TINY_VOICE
    assert found.labels == tuple(f"und:{label}" for label in run.prepared.label_names)
    assert found.speakers == run.prepared.speaker_names
    assert found.card["licence"] == "the owner's of the recordings"
    for name, tensor in run.wave.state_dict().items():
        torch.testing.assert_close(found.parts["wave"][name], tensor, rtol=1e-3, atol=1e-5)


def test_a_run_begins_with_a_base(base: Path, voice_run: Path, tmp_path: Path) -> None:
    """With a learning rate near zero, a run ends with the weights of its base."""
    still = replace(
        TINY_VOICE,
        wave=replace(TINY_VOICE.wave, learning_rate=1e-12, discriminator_learning_rate=1e-12),
        prior=replace(TINY_VOICE.prior, learning_rate=1e-12, weight_decay=0.0),
    )
    clips = voice_run.parent / "clips"
    began = train("voice", clips, tmp_path / "run", epochs=1, config=still, base=base)
    assert isinstance(began, VoiceRun)
    assert began.run.record["base"] == read_base(base).record()
    for name, tensor in read_base(base).parts["wave"].items():
        torch.testing.assert_close(began.wave.state_dict()[name], tensor, rtol=1e-4, atol=1e-6)


@pytest.mark.follows("recipes/train.py: give it a share, or begin with a base: --base FILE")
def test_without_a_share_the_wave_vae_stays_as_the_base_has_it(
    base: Path, voice_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clips, run = voice_run.parent / "clips", tmp_path / "run"
    asked = [
        "train",
        "voice",
        "--corpus",
        str(clips),
        "--run",
        str(run),
        "--epochs",
        "1",
        "--wave-share",
        "0",
    ]
    assert main(asked) == 2
    assert "--wave-share: 0 leaves the wave VAE untrained; give it a share" in capsys.readouterr().err
    assert not run.exists()
    still = replace(TINY_VOICE, wave_share=0.0, prior_share=0.6)
    opened = train("voice", clips, run, epochs=2, config=still, base=base)
    assert isinstance(opened, VoiceRun)
    for name, tensor in read_base(base).parts["wave"].items():
        assert torch.equal(opened.wave.state_dict()[name], tensor)
    train("voice", clips, tmp_path / "other", epochs=1, config=replace(TINY_VOICE, wave_share=0.2))


def test_a_base_names_those_of_the_base_that_it_began_with() -> None:
    first = {"data": "Words", "licence": "CC BY 4.0", "credit": "A. Bee"}
    second = {"data": "Own", "licence": "CC BY 4.0", "credit": "C. Dee", "base": {"digest": "1", **first}}
    assert Base(TINY_VOICE, (), {}, second, "2").record() == {
        "digest": "2",
        "data": "Own; Words",
        "licence": "CC BY 4.0",
        "credit": "C. Dee; A. Bee",
    }
    for number in range(3, 6):  # trained on again and again, on the same recordings
        second = {**second, "base": Base(TINY_VOICE, (), {}, second, "2").record()}
        again = Base(TINY_VOICE, (), {}, second, str(number)).record()
        assert again["credit"] == "C. Dee; A. Bee"
        assert again["data"] == "Own; Words"


def test_a_base_of_other_sizes_is_refused_before_anything_is_written(
    base: Path, voice_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, clips = tmp_path / "run", str(voice_run.parent / "clips")
    asked = ["--corpus", clips, "--run", str(run), "--epochs", "1", "--base", str(base)]
    assert main(["train", "voice", *asked]) == 2
    name = "wave.model.latent_size"
    error = f"{name}: is 32, the base's is 4; give --{name} as the base has it\n"
    assert capsys.readouterr().err.endswith(error)
    assert main(["train", "mlp", *asked]) == 2
    assert capsys.readouterr().err.endswith("base: only voices begin with a base; train without it\n")
    assert not run.exists()


def test_a_base_knows_its_words_by_language() -> None:
    base = Base(TINY_VOICE, ("en:one", "en:turn left", "ar:one"), {})
    asked = [("one", "en-GB"), ("One", "ar"), ("ar:one", "mul"), ("turn_left", "en"), ("one", "und")]
    assert [base.row_of(*each) for each in asked] == [0, 2, 2, 1, None]
    assert base.row_of("two", "en") is None


def test_each_word_begins_as_a_known_one_or_as_its_own() -> None:
    torch.manual_seed(0)
    known = FlowPrior(TINY_VOICE.prior.model, 5, 4, 3)
    base = Base(TINY_VOICE, ("en:one", "en:two", "ar:one"), {"prior": known.state_dict()})
    for frames in (3, 6):
        new, fresh = FlowPrior(TINY_VOICE.prior.model, 5, frames, 2), torch.randn(known.label.weight.shape)
        fill_prior(base, new, (2, None), fresh)
        assert torch.equal(new.label.weight[[0, 2]], known.label.weight[[2, 3]])
        assert torch.equal(new.label.weight[1], fresh[1])
        assert torch.equal(new.position[:3], known.position[:3])
        assert torch.equal(new.position[-1], known.position[min(frames, 4) - 1])


@pytest.mark.parametrize("damage", ["cut", "text", "format", "part", "labels"])
def test_damaged_bases_are_one_line(base: Path, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "bad.safetensors"
    data = base.read_bytes()
    if damage == "cut":
        path.write_bytes(data[: len(data) // 2])
    elif damage == "text":
        path.write_text("hello")
    else:
        size = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + size])
        about = json.loads(header["__metadata__"]["base"])
        if damage == "format":
            about["format"] = 99
        elif damage == "labels":
            about["labels"] = 3
        else:
            header["voice.x"] = header.pop(next(name for name in header if name.startswith("wave.")))
        header["__metadata__"]["base"] = json.dumps(about)
        text = json.dumps(header).encode()
        path.write_bytes(len(text).to_bytes(8, "little") + text + data[8 + size :])
    with pytest.raises(RunError, match=r"bad\.safetensors: [^\n]+; write it again: ") as caught:
        read_base(path)
    assert "\n" not in str(caught.value)


def test_a_base_that_is_missing_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"none\.safetensors: cannot be read as a base"):
        read_base(tmp_path / "none.safetensors")


def test_sizes_are_compared_by_name() -> None:
    base = Base(TINY_VOICE, (), {})
    base.check_sizes(TINY_VOICE)
    other = replace(TINY_VOICE, preparation=replace(TINY_VOICE.preparation, rate=16000))
    with pytest.raises(ConfigError, match=r"^preparation\.rate: is 16000, the base's is 8000; give"):
        base.check_sizes(other)


def test_writing_twice_gives_the_same_bytes(base: Path, tmp_path: Path) -> None:
    write_base(tmp_path / "again.safetensors", read_base(base))
    assert (tmp_path / "again.safetensors").read_bytes() == base.read_bytes()


def test_the_base_that_learned_it_guesses_what_lies_above_a_narrow_band() -> None:
    """A voice adapted from it on narrow recordings does not; nor is it used for an unrelated base."""
    found = find_base()
    assert found is not None
    own = read_base(found)
    assert band_guesser(own) is own
    config = replace(own.config, wave=replace(own.config.wave, narrow_share=0.0))
    adapted = replace(own, config=config, card={"credit": "somebody", "base": own.record()}, digest="another")
    assert band_guesser(adapted).digest == own.digest
    another = replace(adapted, card={"credit": "somebody"})
    assert band_guesser(another) is another
    slower = replace(config, preparation=replace(config.preparation, rate=8000))
    assert band_guesser(replace(adapted, config=slower)).config is slower
