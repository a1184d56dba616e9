"""The voice file: loading, sampling, styles; damaged, foreign and hostile files."""

from __future__ import annotations

import json
import math
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

import tiny_voice
import voxlet
from voxlet import audio
from voxlet.errors import AudioError, ConfigError, VoiceError, VoxletError
from voxlet.recipes.generate import generate
from voxlet.speak import library, voice_file
from voxlet.speak.library import available
from voxlet.speak.manner import PLAIN, Manner
from voxlet.speak.runtime import import_onnxruntime
from voxlet.speak.voice import Voice, load_voice
from voxlet.speak.voice_file import VoiceFile, parse_info
from voxlet.words.digits import DIGIT_WORDS
from work import NEVER


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    file = tmp_path_factory.mktemp("voices") / "tiny.voice"
    file.write_bytes(tiny_voice.voice_bytes())
    return file


@pytest.fixture(scope="module")
def voice(path) -> Voice:
    return load_voice(path)


def refused(tmp_path, data: bytes, match: str | None = None) -> str:
    file = tmp_path / "bad.voice"
    file.write_bytes(data)
    with pytest.raises(VoiceError, match=match) as caught:
        load_voice(file).sample(["zero"])
    line = str(caught.value)
    assert line.startswith(str(file))
    assert "\n" not in line
    assert len(line) < 600
    return line


def test_what_it_says_about_itself(voice):
    assert (voice.name, voice.rate, voice.labels) == ("tiny", 8000, DIGIT_WORDS)
    assert voice.speakers == ("ann", "bob")
    assert voice.card == {"licence": "CC0", "credit": "nobody"}
    assert repr(voice) == "Voice('tiny', 10 words, 2 speakers, 8000 Hz)"


def test_clips_have_their_natural_length(voice):
    clips = voice.sample(["zero", "nine", "one"])
    assert [len(clip) for clip in clips] == [tiny_voice.length_of(number) for number in (0, 9, 1)]
    assert all(clip.dtype == np.float32 for clip in clips)
    assert voice.sample([]) == []


def test_the_same_seed_makes_the_same_bytes(voice, path):
    again = load_voice(path, threads=1)
    one, two = voice.say("4091, 555", seed=3), again.say("4091, 555", seed=3)
    assert one.wav() == two.wav()
    assert one.wav() != voice.say("4091, 555", seed=4).wav()
    repeated = voice.sample(["one", "one"])
    assert not np.array_equal(*repeated)  # every word has noise of its own


def test_noise_depends_on_seed_and_number_alone(voice):
    labels = list(DIGIT_WORDS) * 10
    together = voice.sample(labels, seed=5)
    alone = [voice.sample([label], seed=5, first=index)[0] for index, label in enumerate(labels)]
    assert all(map(np.array_equal, together, alone))
    streamed = list(voice.stream("0123456789" * 2, seed=5))
    assert np.array_equal(
        np.concatenate([piece.samples for piece in streamed]), voice.say("0123456789" * 2, seed=5).samples
    )


def test_speakers_and_styles(voice):
    ann, bob = voice.style("ann"), voice.style("bob")
    assert np.array_equal(voice.style(), ann)
    assert np.allclose(voice.style("ann,bob"), (ann + bob) / 2)
    assert np.allclose(voice.style(" ann:3, bob:1"), 0.75 * ann + 0.25 * bob)
    assert np.allclose(voice.style("ann:1.5,bob:-0.5"), 1.5 * ann - 0.5 * bob)
    fresh = voice.style("random", seed=1)
    assert np.array_equal(fresh, voice.style("random", seed=1))
    assert not np.array_equal(fresh, voice.style("random", seed=2))
    assert np.allclose(voice.style("ann,random", seed=1), (ann + fresh) / 2)
    by_name = voice.sample(["one", "two"], speaker=["ann", "bob"])
    by_style = voice.sample(["one", "two"], style=np.stack([ann, bob]))
    assert all(map(np.array_equal, by_name, by_style))
    assert np.array_equal(voice.say("1", speaker="bob").samples, voice.say("1", style=[0.0, -1.0]).samples)


@pytest.mark.parametrize(
    ("named", "far"),
    [
        ({}, (1, 1)),
        ({"ann": (0.3, 0.0)}, (0.3, 0)),
        ({"ann": (3, -0.1), "bob": (-4, 0.7)}, (np.sqrt(12.5), 0.5)),
    ],
)
def test_fresh_styles_lie_as_far_as_the_named_ones(named, far):
    of = tiny_voice.info(styles={name: np.float32(style) for name, style in named.items()})
    voice = Voice(voice_file.VoiceFile(None, of, tiny_voice.voice_bytes(of), None))
    styles = np.stack([voice.style("random", seed=seed) for seed in range(1000)])
    assert np.allclose(styles.mean(axis=0), 0, atol=0.15 * max(far))
    assert np.allclose(styles.std(axis=0), far, rtol=0.1)


def test_fresh_styles_lie_as_far_as_the_voice_says():
    of = tiny_voice.info(style_std=np.array([0.5, 0.01], dtype=np.float32))
    voice = Voice(voice_file.VoiceFile(None, of, tiny_voice.voice_bytes(of), None))
    styles = np.stack([voice.style("random", seed=seed) for seed in range(1000)])
    assert styles.dtype == np.float32
    assert np.allclose(styles.std(axis=0), [0.5, 0.01], rtol=0.1)
    drawn = voice.draw_style(np.random.default_rng(0))
    assert np.array_equal(drawn, voice.draw_style(np.random.default_rng(0)))
    assert abs(drawn[1]) < 0.05


@pytest.mark.parametrize(
    ("spec", "match"),
    [
        ("carl", "no speaker 'carl'; the speakers are: ann, bob"),
        ("ann,carl", "no speaker 'carl'"),
        ("ann:x", "'x' is not a weight"),
        ("ann:nan,bob", "'nan' is not a weight"),
        ("ann:1e30,bob:-1e30", "add up to nothing"),
        ("ann:1e6,bob:-999999", "out of bounds"),
        (",", "no speaker ''"),
        (":", "is not a weight"),
        ("", "no speaker ''"),
    ],
)
def test_speakers_it_has_not(voice, spec, match):
    with pytest.raises(VoiceError, match=match):
        voice.say("1", speaker=spec)


@pytest.mark.parametrize(
    "style",
    [[], [1.0], [1.0, 2.0, 3.0], [math.nan, 0.0], [math.inf, 0.0], [1e9, 0.0], "ab", [[1.0, 2.0]] * 3, 5.0],
)
def test_styles_it_cannot_have(voice, style):
    with pytest.raises(VoiceError):
        voice.sample(["one", "two"], style=style)


def test_asking_for_what_does_not_fit(voice):
    with pytest.raises(VoiceError, match=r"has no word 'ten'; it has: zero, one"):
        voice.sample(["ten"])
    with pytest.raises(ConfigError, match="a speaker and a style"):
        voice.say("1", speaker="ann", style=[0.0, 0.0])
    for seed in (-1, 0.5):
        with pytest.raises(ConfigError, match="is not a seed"):
            voice.sample(["one"], seed=seed)
    with pytest.raises(VoiceError, match="1 speakers for 2 words"):
        voice.sample(["one", "two"], speaker=["ann"])


def test_a_style_like_a_recording(voice, tmp_path):
    tone = 0.3 * np.sin(np.arange(44100) / 5).astype(np.float32)
    audio.write(tmp_path / "clip.wav", tone, 44100)
    heard = voice.like(tmp_path / "clip.wav")
    assert heard.shape == (2,)
    assert heard == pytest.approx(voice.like(audio.Sound(tone * 0.1, 44100)), rel=1e-3)  # at any level
    assert heard[1] == pytest.approx(0.08 * math.sqrt(2), rel=0.05)  # the peak of a tone levelled to 0.08
    voice.say("1", style=heard)
    with pytest.raises(AudioError, match="too short"):
        voice.like(audio.Sound(tone[:100], 44100))
    with pytest.raises(AudioError, match="silent"):
        voice.like(audio.Sound(tone * 0, 44100))
    with pytest.raises(AudioError, match="no such sound file"):
        voice.like(tmp_path / "none.wav")


def test_a_voice_without_a_style_encoder(tmp_path):
    (tmp_path / "deaf.voice").write_bytes(tiny_voice.voice_bytes(encodes=False))
    with pytest.raises(VoiceError, match="no style encoder"):
        load_voice(tmp_path / "deaf.voice").like(audio.Sound(np.ones(8000, np.float32), 8000))


@pytest.mark.parametrize("encoder", ["?", "AAAA", "é"])
def test_a_damaged_style_encoder(tmp_path, encoder):
    made = onnx.load_from_string(tiny_voice.voice_bytes(encodes=False))
    made.metadata_props.add(key="voxlet.style_encoder", value=encoder)
    (tmp_path / "a.voice").write_bytes(tiny_voice.sealed(made))
    with pytest.raises(VoiceError):
        load_voice(tmp_path / "a.voice").like(audio.Sound(np.ones(8000, np.float32), 8000))


def test_a_voice_without_named_speakers(tmp_path):
    (tmp_path / "a.voice").write_bytes(tiny_voice.voice_bytes(tiny_voice.info(styles={})))
    voice = load_voice(tmp_path / "a.voice")
    assert np.array_equal(voice.style(), np.zeros(2))
    assert voice.say("12").metadata["speaker"] is None
    with pytest.raises(VoiceError, match="names no speakers"):
        voice.style("ann")


def test_any_labels(tmp_path):
    (tmp_path / "a.voice").write_bytes(tiny_voice.voice_bytes(tiny_voice.info(("yes", "no"))))
    spoken = load_voice(tmp_path / "a.voice").say("Yes NO yes")
    assert [word.label for word in spoken.words] == ["yes", "no", "yes"]


# Finding


def test_names_are_looked_for_where_voices_are_installed(path, tmp_path, monkeypatch):
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        (folder / "mine.voice").write_bytes(path.read_bytes())
    (second / "other.voice").write_bytes(b"")
    monkeypatch.setenv("VOXLET_VOICES", f"{first}:{second}")
    assert available()["mine"] == first / "mine.voice"
    assert {"mine", "other"} <= set(available())
    assert load_voice("mine").path == first / "mine.voice"
    assert voxlet.say("12", voice="mine").duration > 0.1
    with pytest.raises(VoiceError, match=r"no voice 'none'; the voices are: .*mine"):
        load_voice("none")
    monkeypatch.delenv("VOXLET_VOICES")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert library.folders()[0] == tmp_path / "voxlet" / "voices"


def test_a_path_that_is_none(tmp_path):
    for wrong in (tmp_path / "no.voice", tmp_path, "no/such", "no.voice", "no/" + "x" * 5000, "\0.voice"):
        with pytest.raises(VoiceError, match="no such voice file"):
            load_voice(wrong)
    for wrong in ("", "x" * 5000, "\0"):
        with pytest.raises(VoiceError, match="there is no voice"):
            load_voice(wrong)


def test_shipped_voices_load_and_carry_their_credit():
    shipped = sorted(library.SHIPPED.glob("*.voice"))
    for file in shipped:
        voice = load_voice(file)
        assert voice.name == file.stem
        assert voice.card["licence"]
        assert voice.card["credit"]
        assert str(voice.card["licence"]) in file.with_suffix(".md").read_text()
        assert voice.sample(voice.labels[:1])[0].any()
    if not shipped:
        pytest.skip("no voice is shipped yet")


# Damaged, truncated, foreign


def test_every_truncation_is_refused_in_one_line(tmp_path, path):
    data = path.read_bytes()
    for size in [*range(40), *range(40, len(data), len(data) // 40), len(data) - 1]:
        refused(tmp_path, data[:size])


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_flipped_bytes_never_crash(tmp_path_factory, data):
    good = tiny_voice.voice_bytes()
    damaged = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        # Mostly outside the weights, where a change would only be audible.
        index = data.draw(st.one_of(st.integers(0, 600), st.integers(0, len(good) - 1)))
        damaged[-1 - index] = data.draw(st.integers(0, 255))
    file = tmp_path_factory.mktemp("flipped") / "a.voice"
    file.write_bytes(bytes(damaged))
    try:
        load_voice(file, threads=1).say("12")
    except VoxletError as error:
        line = str(error)
    else:
        line = ""
    assert "\n" not in line


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 100, b"RIFF" + b"x" * 1000, b"\xff" * 100, b"PK\x03\x04" * 99, b"{}"]
)
def test_other_files(tmp_path, data):
    refused(tmp_path, data)


def test_some_other_model(tmp_path):
    refused(tmp_path, tiny_voice.encoder().SerializeToString(), "not a voxlet voice")


def test_metadata_of_a_voice_on_some_other_graph(tmp_path):
    foreign = tiny_voice.encoder()
    helper.set_model_props(foreign, {"voxlet": tiny_voice.info().to_json()})
    refused(tmp_path, tiny_voice.sealed(foreign), "has 'clip' where a voice has label, noise, style")


def test_a_graph_of_other_sizes(tmp_path):
    for changes in ({"frames": 5}, {"latent_size": 4}, {"style_size": 3, "styles": {}}):
        refused(
            tmp_path, tiny_voice.voice_bytes(tiny_voice.info(**changes)), "its graph's '(noise|style)' is"
        )


def test_more_labels_than_the_graph_knows(tmp_path):
    of = tiny_voice.info((*DIGIT_WORDS, "ten"))
    (tmp_path / "a.voice").write_bytes(tiny_voice.voice_bytes(of, graph_of=tiny_voice.graph(10)))
    with pytest.raises(VoiceError, match="its graph fails"):
        load_voice(tmp_path / "a.voice").say("ten")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 3),
        ("format", 1.0),
        ("requires", ["time travel"]),
        ("format", True),
        ("format", None),
        ("name", ""),
        ("name", 5),
        ("name", "a\nb"),
        ("name", "x" * 1000),
        ("version", None),
        ("rate", 0),
        ("rate", "8000"),
        ("rate", 8000.0),
        ("rate", 10**12),
        ("labels", []),
        ("labels", "zero"),
        ("labels", {"zero": 1}),
        ("labels", ["a", "a"]),
        ("labels", [1, 2]),
        ("labels", [""]),
        ("labels", ["a\x1b[2J"]),
        ("labels", [str(number) for number in range(10_001)]),
        ("frames", 10**9),
        ("frames", -1),
        ("frames", True),
        ("latent_size", 10**9),
        ("latent_size", 0),
        ("style_size", 10**9),
        ("speakers", []),
        ("speakers", {"ann": [0.0]}),
        ("speakers", {"ann": [0.0, math.nan]}),
        ("speakers", {"ann": [0.0, math.inf]}),
        ("speakers", {"ann": [0.0, 10**400]}),
        ("speakers", {"ann": [0.0, "1"]}),
        ("speakers", {"ann": None}),
        ("speakers", {"": [0.0, 0.0]}),
        ("card", "text"),
    ],
)
def test_metadata_that_makes_no_sense(tmp_path, key, value):
    line = refused(tmp_path, tiny_voice.voice_bytes(edit=lambda raw: raw.__setitem__(key, value)))
    assert key in line


@pytest.mark.parametrize(
    "key", ["format", "name", "version", "rate", "labels", "frames", "latent_size", "speakers"]
)
def test_metadata_with_something_missing(tmp_path, key):
    assert key in refused(tmp_path, tiny_voice.voice_bytes(edit=lambda raw: raw.pop(key)))


def test_frames_and_latents_that_fit_alone_but_not_together():
    raw = json.loads(tiny_voice.info(frames=8000, latent_size=1000).to_json())
    with pytest.raises(VoiceError, match="8000 x 1000"):
        parse_info(json.dumps(raw))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "5", "[" * 100_000, '{"format": ' + "9" * 5000 + "}", "\x00"]
)
def test_metadata_that_is_no_metadata(text):
    with pytest.raises(VoiceError):
        parse_info(text)


def test_huge_metadata():
    with pytest.raises(VoiceError, match="bytes"):
        parse_info(" " * (voice_file.MOST_INFO_BYTES + 1))


def test_a_huge_file_is_not_read(tmp_path):
    with (tmp_path / "a.voice").open("wb") as file:
        file.truncate(voice_file.MOST_BYTES + 1)  # a hole, it takes no space
    with pytest.raises(VoiceError, match="too large"):
        load_voice(tmp_path / "a.voice")


# Hostile


def test_data_outside_the_file_is_never_read(tmp_path, monkeypatch):
    (tmp_path / "secret").write_bytes(b"\x00" * 1600 * 4 * 10)
    monkeypatch.chdir(tmp_path)
    for where in ("secret", str(tmp_path / "secret"), "../secret", "*/_ORT_MEM_ADDR_/*"):
        made = onnx.load_from_string(tiny_voice.voice_bytes())
        tensor = made.graph.initializer[0]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        tensor.external_data.add(key="location", value=where)
        refused(tmp_path, tiny_voice.sealed(made), "data outside the file")


def test_a_card_may_speak_of_a_location(tmp_path):
    file = tiny_voice.voice_bytes(tiny_voice.info(card={"data": "the location of the recordings"}))
    (tmp_path / "a.voice").write_bytes(file)
    assert load_voice(tmp_path / "a.voice").say("1")


def test_a_graph_that_never_ends_is_refused(tmp_path):
    body = helper.make_graph(
        [helper.make_node("Identity", ["on"], ["still_on"])],
        "body",
        [
            helper.make_tensor_value_info("turn", TensorProto.INT64, []),
            helper.make_tensor_value_info("on", TensorProto.BOOL, []),
        ],
        [helper.make_tensor_value_info("still_on", TensorProto.BOOL, [])],
    )
    forever = helper.make_node("Loop", ["", ""], [], body=body)
    endless = tiny_voice.graph(10, extra_nodes=[forever])
    refused(tmp_path, tiny_voice.voice_bytes(graph_of=endless), "a loop or branch")
    named = tiny_voice.graph(10)
    named.node[0].name = "Loop"  # the name alone is harmless
    (tmp_path / "a.voice").write_bytes(tiny_voice.voice_bytes(graph_of=named))
    assert load_voice(tmp_path / "a.voice").say("1")


@pytest.mark.parametrize(
    ("nodes", "match"),
    [
        ([helper.make_node("Div", ["raw", "nothing"], ["waveform"])], "not numbers"),
        ([helper.make_node("Transpose", ["raw"], ["waveform"])], "impossible sizes|fails"),
        ([helper.make_node("ReduceMax", ["raw"], ["waveform"], keepdims=1)], "impossible sizes|fails"),
        ([helper.make_node("Nonsense", ["raw"], ["waveform"])], "has 'Nonsense' in its graph"),
        ([helper.make_node("Evil", ["raw"], ["waveform"], domain="com.example")], "'Evil' of another domain"),
    ],
)
def test_graphs_that_misbehave(tmp_path, nodes, match):
    graph = tiny_voice.graph(10, waveform="raw", extra_nodes=nodes)
    graph.initializer.append(onnx.numpy_helper.from_array(np.zeros(1, np.float32), "nothing"))
    (tmp_path / "bad.voice").write_bytes(tiny_voice.voice_bytes(graph_of=graph))
    with pytest.raises(VoiceError, match=match) as caught:
        load_voice(tmp_path / "bad.voice").sample(["zero"] * 3)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("count", [10**10, 10**15])
def test_a_graph_that_asks_for_all_memory(tmp_path, count):
    one = onnx.numpy_helper.from_array(np.ones(1, dtype=np.float32))
    nodes = [
        helper.make_node("ConstantOfShape", ["many"], ["huge"], value=one),
        helper.make_node("ReduceSum", ["huge"], ["total"], keepdims=0),
        helper.make_node("Add", ["raw", "total"], ["waveform"]),
    ]
    graph = tiny_voice.graph(10, waveform="raw", extra_nodes=nodes)
    graph.initializer.append(onnx.numpy_helper.from_array(np.array([count]), "many"))
    refused(tmp_path, tiny_voice.voice_bytes(graph_of=graph), "too (much memory|long)")


@pytest.mark.parametrize("length", [0, -5, 10**12])
def test_lengths_that_cannot_be(tmp_path, length):
    graph = tiny_voice.graph(10)
    for tensor in graph.initializer:
        if tensor.name == "lengths":
            tensor.CopyFrom(onnx.numpy_helper.from_array(np.full(10, length, dtype=np.int64), "lengths"))
    refused(tmp_path, tiny_voice.voice_bytes(graph_of=graph), "impossible sizes")


# What is imported


def test_speaking_imports_neither_torch_nor_plots(path):
    program = (
        "import sys, voxlet\n"
        "assert 'numpy' not in sys.modules, 'import voxlet should import nothing heavy'\n"
        f"voxlet.load_voice({str(path)!r}).say('4091', rate=16000).wav()\n"
        "heavy = {'torch', 'matplotlib', 'sklearn', 'scipy', 'onnx', 'tqdm', 'tyro', 'pandas', 'librosa'}\n"
        "found = heavy & set(sys.modules)\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_speaking_leaves_the_callers_arithmetic_alone(voice):
    """The runtime can flush denormal numbers to zero, but then does so for the caller's whole thread."""

    def denormal() -> bool:
        return bool(np.array([1e-40], dtype=np.float32)[0] * np.float32(1) > 0)

    before = denormal()
    if not before:
        pytest.skip("an earlier test that trains has this process flush denormal numbers")
    voice.say("1")
    assert denormal()


def test_the_facade_has_what_it_names():
    for name, home in voxlet._HOMES.items():
        source = Path(voxlet.__file__).parent.joinpath(*home.split(".")[1:]).with_suffix(".py").read_text()
        assert re.search(rf"^(def|class) {name}\b", source, re.MULTILINE), f"{home} has no {name}"
    assert {*voxlet._HOMES, "__version__"} == set(voxlet.__all__) <= set(dir(voxlet))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        voxlet.nothing  # noqa: B018


def test_metadata_survives_a_round_trip():
    before = tiny_voice.info()
    after = parse_info(before.to_json())
    assert isinstance(VoiceFile(None, after, b"", None), VoiceFile)
    assert (after.name, after.rate, after.labels, after.card) == (
        before.name,
        before.rate,
        before.labels,
        before.card,
    )
    assert all(np.array_equal(after.styles[name], before.styles[name]) for name in before.styles)


# Batches


def test_a_clip_is_the_same_in_every_batch(voice):
    """The clip is the same to the bit alone, beside other words, and in batches of any size."""
    labels = ["four", "nine", "zero", "one", "six"] * 15
    together = voice.sample(labels, seed=3)
    one_by_one = load_voice(voice.path, threads=1).sample(labels, seed=3)
    for index in (0, 1, 7, 63, 64, 74):
        (alone,) = voice.sample([labels[index]], seed=3, first=index)
        assert alone.tobytes() == together[index].tobytes() == one_by_one[index].tobytes()


@pytest.mark.slow
def test_the_shipped_voices_graph_gives_a_clip_the_same_in_every_batch():
    """This holds for any program's own batches, since the frames beyond each clip are masked."""
    file = voice_file.read_voice(library.SHIPPED / "digits.voice")
    session = import_onnxruntime().InferenceSession(file.model)
    generator = np.random.default_rng(0)
    size = (file.info.frames, file.info.latent_size)
    noise = generator.standard_normal((20, *size), dtype=np.float32)
    style = np.repeat(file.info.styles["theo"][None], 20, axis=0)
    wishes = np.repeat(PLAIN.wishes(file.info.attributes, "digits")[None], 20, axis=0)
    feed = {"noise": noise, "label": np.arange(20) % 10, "style": style, "attributes": wishes}
    waveforms, lengths = session.run(["waveform", "length"], feed)
    assert len(set(lengths.tolist())) > 10  # otherwise batches would have no padding
    for batch in (1, 3):
        for start in range(0, 20, batch):
            rows = slice(start, start + batch)
            some, own = session.run(["waveform", "length"], {key: value[rows] for key, value in feed.items()})
            assert own.tolist() == lengths[rows].tolist()
            for row, (clip, length) in enumerate(zip(some, own, strict=True)):
                assert np.abs(clip[:length] - waveforms[start + row, :length]).max() < 1e-6


# Ctrl-C


@pytest.mark.slow
def test_ctrl_c_ends_whatever_a_graph_does(tmp_path):
    """Uses a graph at the limits of what is accepted, which would keep a core busy for minutes."""
    zeros = np.zeros(3, dtype=np.int64)
    tensors = {"zeros": zeros, "ones": zeros + 1, "big": np.array([1, 2**13, 2**12]), "none": np.float32(0)}
    nodes = [
        helper.make_node("Slice", ["noise", "zeros", "ones"], ["small"]),
        helper.make_node("Expand", ["small", "big"], ["n0"]),
        *[helper.make_node("Sin", [f"n{step}"], [f"n{step + 1}"]) for step in range(6)],
        helper.make_node("ReduceMax", ["n6"], ["most"], keepdims=0),
        helper.make_node("Mul", ["most", "none"], ["nothing"]),
        helper.make_node("Add", ["raw", "nothing"], ["waveform"]),
    ]
    graph = tiny_voice.graph(10, waveform="raw", extra_nodes=nodes)
    graph.initializer.extend(onnx.numpy_helper.from_array(value, name) for name, value in tensors.items())
    file = tmp_path / "slow.voice"
    file.write_bytes(tiny_voice.voice_bytes(graph_of=graph))
    program = (
        "import signal, sys, voxlet\n"
        # Programs that a shell starts in the background begin with the signal ignored.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "voice = voxlet.load_voice(sys.argv[1], threads=1); print('open', flush=True)\n"
        "try: voice.sample(['zero'] * 2000)\n"
        "except KeyboardInterrupt: print('interrupted', flush=True)"
    )
    command = [sys.executable, "-c", program, str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "open\n"
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted\n"
        process.wait(NEVER)
    assert process.returncode == 0


def test_ctrl_c_ends_the_opening_of_a_voice_that_unpacks_much(tmp_path):
    """Uses as many weights as are accepted, unpacked while the runtime opens the graph, uninterruptibly."""
    count = 2**25 - 100
    arrays = {"packed": np.ones(count, np.int8), "scale": np.float32(0.5)}
    arrays |= {"zero": np.array([0]), "one": np.array([1])}
    nodes = [
        helper.make_node("Cast", ["packed"], ["cast"], to=onnx.TensorProto.FLOAT),
        helper.make_node("Mul", ["cast", "scale"], ["weights"]),
        helper.make_node("Slice", ["weights", "zero", "one"], ["first"]),
        helper.make_node("Add", ["raw", "first"], ["waveform"]),
    ]
    graph = tiny_voice.graph(10, waveform="raw", extra_nodes=nodes)
    graph.initializer.extend(onnx.numpy_helper.from_array(np.array(a), name) for name, a in arrays.items())
    file = tmp_path / "large.voice"
    file.write_bytes(tiny_voice.voice_bytes(graph_of=graph))
    program = (
        "import signal, sys; from voxlet.speak import session; from voxlet.cli.main import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "bound = session._bound_memory\n"
        "session._bound_memory = lambda: (bound(), print('opening', flush=True))\n"
        "sys.exit(main(sys.argv[1:]))"
    )
    command = [sys.executable, "-c", program, "say", "4", "--voice", str(file), "-o", str(tmp_path / "a.wav")]
    for pause in (0.0, 0.05, 0.15):
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            assert process.stdout.readline() == "opening\n"
            time.sleep(pause)
            process.send_signal(signal.SIGINT)
            told = process.stderr.read()
            process.wait(NEVER)
        assert (process.returncode, told) == (130, "voxlet: interrupted\n")
        assert not (tmp_path / "a.wav").exists()


def in_manners(**changes) -> bytes:
    """Return a voice with two attributes, speed and clarity; clarity sets the level."""
    of = tiny_voice.info(**{"attributes": ("speed", "clarity"), **changes})
    graph = tiny_voice.graph(len(of.labels), waveform="plain")
    graph.input.append(helper.make_tensor_value_info("attributes", TensorProto.FLOAT, ["B", 2]))
    graph.node.append(helper.make_node("Gather", ["attributes", "second"], ["clarity"], axis=1))
    graph.node.append(helper.make_node("Mul", ["plain", "clarity"], ["waveform"]))
    graph.initializer.append(numpy_helper.from_array(np.array([1], dtype=np.int64), "second"))
    return tiny_voice.voice_bytes(of, graph_of=graph)


def test_a_voice_speaks_in_the_manner_that_is_asked_for(tmp_path):
    (tmp_path / "a.voice").write_bytes(in_manners())
    voice = load_voice(tmp_path / "a.voice")
    assert voice.info.attributes == ("speed", "clarity")
    (clear,), (dull,) = voice.sample(["two"]), voice.sample(["two"], manner=Manner(clarity=0.25))
    np.testing.assert_allclose(dull, 0.25 * clear, rtol=1e-6)
    assert voice.say("2", manner=Manner(speed=1.5)).metadata["speed"] == 1.5
    assert "speed" not in voice.say("2").metadata
    pieces = list(voice.stream("2 4", manner=Manner(clarity=0.5)))
    assert [piece.word.label for piece in pieces] == ["two", "four"]
    with pytest.raises(VoiceError, match="has not learned pitch"):
        voice.say("2", manner=Manner(pitch=1))


def test_clips_differ_as_takes_do_and_an_utterance_is_one_take(tmp_path):
    pitched = {"attributes": ("speed", "pitch"), "variation": {"pitch": 1.5}}  # pitch is heard as level
    (tmp_path / "a.voice").write_bytes(in_manners(**pitched))
    voice = load_voice(tmp_path / "a.voice")
    clips = voice.sample(["two"] * 200)
    one = [voice.sample(["two"], manner=Manner(pitch=1.0), first=number)[0] for number in range(200)]
    pitches = [float(np.dot(clip, by) / np.dot(by, by)) for clip, by in zip(clips, one, strict=True)]
    assert (np.mean(pitches), np.std(pitches)) == pytest.approx((0.0, 1.5), abs=0.25)
    assert voice.sample(["two"], first=7)[0].tobytes() == clips[7].tobytes()
    assert not np.any(voice.sample(["two"], manner=Manner(variation=0.0))[0])
    seeds = [[piece.samples for piece in voice.stream("222", seed=seed)] for seed in range(8)]
    signs = [{float(np.sign(np.dot(word[:800], one[0][:800]))) for word in words} for words in seeds]
    assert all(len(found) == 1 for found in signs)
    assert set().union(*signs) == {-1.0, 1.0}


@pytest.mark.parametrize("names", ["speed", ["loudness"], ["speed", "speed"], [["speed"]], 3])
def test_attributes_that_make_no_sense_are_refused(tmp_path, names):
    data = tiny_voice.voice_bytes(edit=lambda raw: raw.update(attributes=names))
    (tmp_path / "a.voice").write_bytes(data)
    with pytest.raises(VoiceError, match="its field 'attributes'"):
        load_voice(tmp_path / "a.voice")


def test_a_graph_without_the_input_that_its_metadata_promise_is_refused(tmp_path):
    (tmp_path / "a.voice").write_bytes(tiny_voice.voice_bytes(tiny_voice.info(attributes=("speed",))))
    with pytest.raises(VoiceError, match="its graph"):
        load_voice(tmp_path / "a.voice")


def test_generated_files_are_takes_as_say_has_them(tmp_path):
    pitched = {"attributes": ("speed", "pitch"), "variation": {"pitch": 1.5}}
    (tmp_path / "a.voice").write_bytes(in_manners(**pitched))
    voice = load_voice(tmp_path / "a.voice")
    for seed, path in enumerate(generate(voice, "2 4 2", tmp_path / "said", count=3)):
        assert path.read_bytes() == voice.say("2 4 2", seed=seed).wav()
