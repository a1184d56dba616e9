"""SC09's protocol with random weights of the same architecture and names as the published ones."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from stand_ins import tones
from voxlet import audio
from voxlet.cli.main import main
from voxlet.errors import FileError
from voxlet.evaluation.clipset import ClipSet
from voxlet.evaluation.metric import CATALOGUE
from voxlet.evaluation.sc09 import protocol
from voxlet.evaluation.sc09.network import ResNeXt, open_network
from voxlet.words.digits import DIGIT_WORDS

follows = pytest.mark.follows

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return ResNeXt().eval()


@pytest.fixture(scope="module")
def weights(network, tmp_path_factory):
    """Write a file as the published code does for a network on several devices."""
    path = tmp_path_factory.mktemp("sc09") / "resnext.pth"
    torch.save({f"module.{name}": value for name, value in network.state_dict().items()}, path)
    return path


def test_the_network_is_a_resnext_29_8x64d(network):
    shapes = {name: tuple(value.shape) for name, value in network.state_dict().items()}
    assert shapes["conv_1_3x3.weight"] == (64, 1, 3, 3)
    assert shapes["stage_1.stage_1_bottleneck_0.conv_conv.weight"] == (512, 64, 3, 3)
    assert shapes["stage_3.stage_3_bottleneck_2.conv_reduce.weight"] == (2048, 1024, 1, 1)
    assert shapes["stage_2.stage_2_bottleneck_0.shortcut.shortcut_conv.weight"] == (512, 256, 1, 1)
    assert shapes["classifier.weight"] == (10, 1024)
    assert sum(value.numel() for value in network.parameters()) == 34_426_698 - 1_152  # of three colours
    logits, features = network(torch.zeros(2, 32, 32))
    assert logits.shape == (2, 10)
    assert features.shape == (2, 1024)


def test_weights_are_read_from_a_wrapped_or_nested_file(network, weights, tmp_path):
    opened = open_network(weights)
    assert all(one.equal(other) for one, other in zip(opened.parameters(), network.parameters(), strict=True))
    torch.save({"state_dict": network.state_dict()}, tmp_path / "nested.pt")
    assert open_network(tmp_path / "nested.pt").classifier.weight.equal(network.classifier.weight)


@follows(
    "evaluation/sc09/network.py: save the weights alone, where you trust the file: "
    "torch.save(torch.load(FILE, weights_only=False, map_location='cpu').state_dict(), 'weights.pt')"
)
def test_a_pickle_of_a_whole_network_is_refused_and_what_to_do_is_said(network, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save(network, "whole.pth")
    with pytest.raises(FileError, match="holds more than weights") as caught:
        open_network(tmp_path / "whole.pth")
    command = str(caught.value.remedy).partition("trust the file: ")[2]
    exec(command, {"torch": torch, "FILE": "whole.pth"})  # as it stands in the message
    assert open_network(tmp_path / "weights.pt").classifier.weight.equal(network.classifier.weight)


@pytest.mark.parametrize("content", [b"", b"not weights"])
def test_a_damaged_file_is_refused(content, tmp_path):
    (tmp_path / "x.pth").write_bytes(content)
    (tmp_path / "x.safetensors").write_bytes(content)
    for name in ("x.pth", "x.safetensors", "missing.pth"):
        with pytest.raises(FileError):
            open_network(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
def test_a_pipe_or_a_device_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.pth")
    for path in (tmp_path / "pipe.pth", Path("/dev/zero")):
        with pytest.raises(FileError, match="is a pipe or a device"):
            open_network(path)


@follows("evaluation/sc09/network.py: give the weights file of the published SC09 classifier")
def test_weights_of_another_network_are_refused(weights, tmp_path):
    torch.save(torch.nn.Linear(3, 3).state_dict(), tmp_path / "linear.pth")
    with pytest.raises(FileError, match="other weights than a ResNeXt-29"):
        open_network(tmp_path / "linear.pth")
    open_network(weights)


@follows("evaluation/sc09/network.py: check its path")
def test_a_file_that_is_not_there_is_found_by_its_path(weights):
    with pytest.raises(FileError, match="check its path"):
        open_network(weights.with_name("resnet.pth"))
    open_network(weights)


def test_a_bad_file_costs_no_minutes(tmp_path, capsys):
    assert main(["score", "digits", "--sc09", str(tmp_path / "missing.pth")]) != 0
    assert "missing.pth" in capsys.readouterr().err


def test_a_clip_is_a_spectrogram_of_32_by_32_whatever_its_length_and_level():
    (sound, *_) = tones(1, seed=0).sounds
    short = protocol.log_mel(sound, 8000)
    assert short.shape == (32, 32)
    assert short.max() == 0
    assert short.min() == -80
    assert protocol.log_mel(3 * sound, 8000) == pytest.approx(short, abs=1e-3)
    long = protocol.log_mel(np.tile(sound, 9), 8000)
    assert long.shape == (32, 32)
    # 1 kHz is 15 of the 45.2 mel up to 8 kHz, the centre nearest to it the eleventh of 32.
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    assert protocol.log_mel(tone, 16_000)[:, 16].argmax() == 10


def test_inception_scores_of_known_probabilities():
    one_each = np.tile(np.eye(10), (100, 1))
    assert protocol.inception_score(one_each) == pytest.approx(10, rel=0.05)  # halves differ by chance
    assert protocol.inception_score(np.full((100, 10), 0.1)) == pytest.approx(1)
    assert protocol.modified_inception_score(np.full((100, 10), 0.1)) == pytest.approx(1)
    # Two labels, sure to 0.9: half of all pairs agree, and the others diverge by 0.8 ln 9.
    two = np.where(np.arange(4000)[:, None] % 2 == np.arange(2), 0.9, 0.1)
    expected = np.exp(0.5 * 0.8 * np.log(9))
    assert protocol.modified_inception_score(two) == pytest.approx(expected, rel=0.03)


def digits(count: int, seed: int) -> ClipSet:
    rng = np.random.default_rng(seed)
    sounds = tuple(0.1 * rng.standard_normal(8000).astype(np.float32) for _ in range(count))
    nobody = np.full(count, -1)
    return ClipSet("d", sounds, 16_000, np.arange(count) % 10, DIGIT_WORDS, nobody, (), ("",) * count)


def test_figures_of_few_clips_say_how_many_it_takes():
    rng = np.random.default_rng(0)
    said = protocol.ClassifierOutput(rng.dirichlet(np.ones(10), 200), rng.standard_normal((200, 5)))
    asked = said.probabilities.argmax(axis=1)
    found = protocol.figures(said, asked, protocol.statistics(said))
    assert set(found) == {key for key in CATALOGUE if key.startswith("sc09.")}
    assert found["sc09.frechet_distance"] == "not enough clips (needs 1025)"
    assert found["sc09.accuracy"].value == 1
    many = protocol.ClassifierOutput(np.tile(said.probabilities, (6, 1)), rng.standard_normal((1200, 5)))
    same = protocol.figures(many, np.tile(asked, 6), protocol.statistics(many))
    assert same["sc09.frechet_distance"].value == pytest.approx(0, abs=1e-9)
    moved = protocol.ClassifierOutput(many.probabilities, many.features + 2)
    apart = protocol.figures(moved, np.tile(asked, 6), protocol.statistics(many))
    assert apart["sc09.frechet_distance"].value == pytest.approx(4 * 5)


def test_all_of_it_with_made_weights(weights, tmp_path, monkeypatch):
    """A small corpus with file names as in Speech Commands: the speaker's hash determines the split."""
    monkeypatch.setenv("VOXLET_DATA", str(tmp_path / "data"))
    clips, speakers = digits(20, seed=0), ("00000001", "00000002")  # training and test
    assert [protocol.part_by_hash(name) for name in speakers] == ["training", "test"]
    for label in DIGIT_WORDS:
        (tmp_path / "data" / "speech_commands" / label).mkdir(parents=True)
    for row, sound in enumerate(clips.sounds):
        name = f"{DIGIT_WORDS[row % 10]}/{speakers[row // 10]}_nohash_0.wav"
        audio.write(tmp_path / "data" / "speech_commands" / name, sound, 16_000)
    generated, real = protocol.measure_sc09(weights, digits(12, seed=1), progress=False)
    assert generated.figures["sc09.accuracy"].count == 12
    assert real.figures["sc09.accuracy"].count == 10
    shutil.rmtree(tmp_path / "data")
