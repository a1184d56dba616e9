"""Following the remedies in messages about voices and texts."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

import tiny_voice
from messages import message
from voxlet import audio
from voxlet.cli.main import main
from voxlet.errors import AudioError, ConfigError, TextError, VoiceError
from voxlet.speak import library, player, speech, voice_file
from voxlet.speak.manner import Manner
from voxlet.speak.voice import Voice, load_voice

follows = pytest.mark.follows


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of installed voices, with `mine` in it."""
    folder = tmp_path / "voices"
    folder.mkdir()
    (folder / "mine.voice").write_bytes(tiny_voice.voice_bytes())
    monkeypatch.setenv("VOXLET_VOICES", str(folder))
    return folder


@pytest.fixture
def voice(installed: Path) -> Voice:
    return load_voice("mine")


def listed(line: str, before: str, after: str = "") -> list[str]:
    """Return the names that a message lists between two texts."""
    rest = line.partition(before)[2]
    return (rest.partition(after)[0] if after else rest).split(", ")


@follows("speak/library.py: the voices are: …")
def test_a_voice_that_there_is(installed: Path) -> None:
    names = listed(message(VoiceError, load_voice, "nobody"), "the voices are: ")
    assert "mine" in names
    for name in names:
        assert load_voice(name).labels


@follows("speak/library.py: give the path of a .voice file")
def test_the_path_of_a_voice(installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = (installed / "mine.voice").rename(tmp_path / "kept.voice")
    monkeypatch.setattr(library, "SHIPPED", tmp_path / "none")
    message(VoiceError, load_voice, "mine")
    assert load_voice(path).labels


@follows("speak/library.py: `voxlet voices` lists what there is")
def test_a_voice_that_is_listed(installed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    message(VoiceError, load_voice, "missing.voice")
    assert main(["voices"]) == 0
    assert "mine" in capsys.readouterr().out
    assert load_voice("mine").labels


def graph_of(*nodes: onnx.NodeProto, **tensors: object) -> onnx.ModelProto:
    """Return a voice's model with the given nodes between its sound, `raw`, and `waveform`."""
    graph = tiny_voice.graph(10, waveform="raw", extra_nodes=nodes)
    arrays = [numpy_helper.from_array(np.array(value), name) for name, value in tensors.items()]
    graph.initializer.extend(arrays)
    return tiny_voice.model(graph, {"voxlet": tiny_voice.info().to_json()})


def old_operators() -> onnx.ModelProto:
    made = graph_of(helper.make_node("Identity", ["raw"], ["waveform"]))
    made.opset_import[0].version = 9
    return made


def foreign_operator() -> onnx.ModelProto:
    return graph_of(helper.make_node("Mine", ["raw"], ["waveform"], domain="me"))


def unknown_operator() -> onnx.ModelProto:
    return graph_of(helper.make_node("Einsum", ["raw"], ["waveform"], equation="ab->ab"))


def unknown_size() -> onnx.ModelProto:
    size = helper.make_node("Mul", ["label", "many"], ["size"])
    nodes = [size, helper.make_node("ConstantOfShape", ["size"], ["waveform"])]
    return graph_of(*nodes, many=10**11)


@pytest.mark.slow
@pytest.mark.parametrize(
    "make",
    [
        pytest.param(
            old_operators,
            marks=follows(
                "speak/onnx/guard.py: export it again with voxlet, or get it from somebody you trust"
            ),
        ),
        pytest.param(
            foreign_operator,
            marks=follows(
                "speak/onnx/reader.py: export it again with voxlet, or get it from somebody you trust"
            ),
        ),
        pytest.param(
            unknown_operator,
            marks=follows(
                "speak/onnx/rules.py: export it again with voxlet, or get it from somebody you trust"
            ),
        ),
        pytest.param(
            unknown_size,
            marks=follows(
                "speak/onnx/sizes.py: export it again with voxlet, or get it from somebody you trust"
            ),
        ),
    ],
)
def test_a_graph_that_is_no_voices(make, voice_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.voice"
    path.write_bytes(tiny_voice.sealed(make()))
    message(VoiceError, load_voice, path)
    assert main(["export", str(voice_run), "--out", str(path)]) == 0
    assert load_voice(path).say("01").samples.size
    shutil.copy(library.SHIPPED / "digits.voice", path)  # from a trusted source
    assert load_voice(path).say("01").samples.size


@pytest.mark.slow
@follows("speak/session.py: fetch or export it again")
def test_a_graph_that_the_runtime_refuses(voice_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.voice"
    add = helper.make_node("Add", ["raw", "whole"], ["waveform"])
    path.write_bytes(tiny_voice.sealed(graph_of(add, whole=1)))
    message(VoiceError, load_voice, path)
    again(path, voice_run)


def again(path: Path, voice_run: Path) -> None:
    """Fetch a voice again, then export it again, after which it speaks."""
    shutil.copy(voice_run / "tiny.voice", path)
    assert load_voice(path).say("01").samples.size
    assert main(["export", str(voice_run), "--out", str(path)]) == 0
    assert load_voice(path).say("01").samples.size


@pytest.mark.slow
@follows("speak/voice_file.py: fetch or export it again")
def test_a_damaged_file(voice_run: Path, tmp_path: Path) -> None:
    path = tmp_path / "a.voice"
    whole = (voice_run / "tiny.voice").read_bytes()
    cut, flipped = whole[:-1000], bytearray(whole)
    flipped[5000] ^= 1
    for data in (cut, bytes(flipped), b"", b"PK\3\4"):
        path.write_bytes(data)
        assert message(VoiceError, load_voice, path).endswith("fetch or export it again")
        again(path, voice_run)


@pytest.mark.slow
@pytest.mark.parametrize("edit", [{"format": 3}, {"requires": ["words"]}])
@follows("speak/voice_file.py: update voxlet, or fetch or export it again")
def test_a_file_of_a_later_format(
    edit: dict[str, object], voice_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.voice"
    path.write_bytes(tiny_voice.voice_bytes(edit=lambda raw: raw.update(edit)))
    message(VoiceError, load_voice, path)
    if "format" in edit:
        with monkeypatch.context() as later:  # a version of voxlet that reads it
            later.setattr(voice_file, "FORMATS", (1, 2, 3))
            assert load_voice(path).say("01").samples.size
    again(path, voice_run)


@follows("speak/player.py: install one of …, or write a file: -o NAME.wav")
def test_no_player(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    path = tmp_path / "a.wav"
    audio.write(path, np.zeros(800, np.float32), 8000)
    line = message(AudioError, player.play, path)
    for name in listed(line, "install one of ", ", or write"):
        program(programs / name, "exit 0")
        player.play(path)
        (programs / name).unlink()
    assert main(["say", "4", "--voice", "mine", "-o", str(tmp_path / "NAME.wav")]) == 0


@follows("speak/player.py: write a file instead: -o NAME.wav")
def test_no_sound_device(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    program(tmp_path / "aplay", "exit 1")
    assert main(["say", "4", "--voice", "mine", "--play"]) == 2
    assert main(["say", "4", "--voice", "mine", "-o", str(tmp_path / "NAME.wav")]) == 0


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@follows("speak/speech.py: let the file name end in .wav")
def test_another_suffix(voice: Voice, tmp_path: Path) -> None:
    spoken = voice.say("4")
    for path in (tmp_path / "a.mp3", f"{tmp_path}/new/"):
        message(AudioError, spoken.save, path)
    spoken.save(tmp_path / "a.wav")


@follows("speak/speech.py: give … to … Hz")
@follows("speak/speech.py: give 0 to … seconds")
@follows("speak/speech.py: give a whole number from 0")
def test_bounds_of_settings(voice: Voice) -> None:
    low, high = message(ConfigError, voice.say, "4", rate=1).rpartition("give ")[2].split(" to ")
    for rate in (low, high.removesuffix(" Hz")):
        assert voice.say("4", rate=int(rate)).rate == int(rate)
    longest = message(ConfigError, voice.say, "4", gap=-1).rpartition(" to ")[2].removesuffix(" seconds")
    for gap in ("0", longest):
        voice.say("40", gap=float(gap))
    message(ConfigError, voice.say, "4", seed=-1)
    for seed in (0, 10**12):
        voice.say("4", seed=seed)


class Moody:
    """A sampler that makes no usable clip with the seed 0."""

    name, rate, labels, speakers, spellings = "moody", 8000, ("one",), (), {}

    def sample(self, labels, *, speaker=None, style=None, seed=0, first=0):
        sound = 0.1 * np.sin(np.arange(2000) / 5).astype(np.float32)
        return [sound * (np.nan if seed == 0 else 1)] * len(labels)


@pytest.mark.slow
@follows("speak/speech.py: try another seed, or export it again")
def test_no_usable_sound(voice_run: Path, tmp_path: Path) -> None:
    message(VoiceError, speech.say, Moody(), "one", seed=0)
    assert speech.say(Moody(), "one", seed=1).samples.size
    assert main(["export", str(voice_run), "--out", str(tmp_path / "a.voice")]) == 0
    assert load_voice(tmp_path / "a.voice").say("one", seed=0).samples.size


@follows("speak/styles.py: the speakers are: …, a blend of them (a,b or a:0.7,b:0.3) or random")
def test_a_speaker_that_there_is(voice: Voice) -> None:
    line = message(VoiceError, voice.say, "4", speaker="nobody")
    ann, bob = listed(line, "the speakers are: ", ", a blend")
    for speaker in (ann, bob, f"{ann},{bob}", f"{ann}:0.7,{bob}:0.3", "random"):
        voice.say("4", speaker=speaker)


@follows("speak/styles.py: this voice names no speakers; ask for random")
def test_a_voice_without_speakers(installed: Path) -> None:
    (installed / "mine.voice").write_bytes(tiny_voice.voice_bytes(tiny_voice.info(styles={})))
    message(VoiceError, load_voice("mine").say, "4", speaker="ann")
    assert load_voice("mine").say("4", speaker="random").samples.size


@follows("speak/styles.py: give one of the two")
@follows("speak/styles.py: sensible ones lie between -3 and 3")
def test_styles(voice: Voice) -> None:
    message(ConfigError, voice.say, "4", speaker="ann", style=[0.0, 1.0])
    voice.say("4", speaker="ann")
    message(VoiceError, voice.say, "4", style=[0.0, 1e9])
    for style in ([0.0, 1.0], [-3.0, 3.0]):
        voice.say("4", style=style)


@pytest.mark.parametrize("text", ["jam", "", " ... "])
@follows("speak/text.py: this voice can say: …")
def test_words_that_the_voice_can_say(text: str, installed: Path) -> None:
    (installed / "mine.voice").write_bytes(
        tiny_voice.voice_bytes(tiny_voice.info(("yes", "no", "one", "two")))
    )
    voice = load_voice("mine")
    words, _, digits = message(TextError, voice.say, text).partition("can say: ")[2].partition("; digits: ")
    assert (words, digits) == ("yes, no, one, two", "12")
    for said in (*words.split(", "), *digits):
        assert voice.say(said).samples.size


@follows("speak/voice.py: give a word or more of speech in its first … s")
def test_a_recording_without_speech(voice: Voice, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    audio.write(path, np.zeros(8000, np.float32), 8000)
    message(AudioError, voice.like, path)
    audio.write(path, voice.say("4").samples, 8000)
    assert voice.say("4", style=voice.like(path)).samples.size


@follows("speak/voice.py: it has: …")
def test_labels_that_the_voice_has(voice: Voice) -> None:
    labels = listed(message(VoiceError, voice.sample, ["jam"]), "it has: ")
    assert tuple(labels) == voice.labels
    assert len(voice.sample(labels)) == len(labels)


@follows("speak/manner.py: give … to …")
@pytest.mark.parametrize("name", ["speed", "pitch", "clarity"])
def test_bounds_of_a_manner(name: str) -> None:
    for wrong in (99.0, "fast"):
        least, most = message(ConfigError, Manner, **{name: wrong}).rpartition("give ")[2].split(" to ")
        assert Manner(**{name: float(least)}) != Manner(**{name: float(most)})


@follows("speak/manner.py: leave … at …")
@pytest.mark.parametrize(("name", "value"), [("speed", 1.5), ("pitch", 2), ("clarity", 0.5)])
def test_a_manner_that_a_voice_has_not_learned(voice: Voice, name: str, value: float) -> None:
    line = message(VoiceError, voice.say, "4", manner=Manner(**{name: value}))
    named, usual = line.rpartition("leave ")[2].split(" at ")
    assert voice.say("4", manner=Manner(**{named: float(usual)})).samples.size
