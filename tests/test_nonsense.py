"""Wrong arguments that a program may pass: refused with an error of ours, never written or spoken."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tiny_voice
import voxlet
from tiny_dataset import plan
from voxlet import audio, files
from voxlet.audio import Sound
from voxlet.corpus.corpus import open_corpus
from voxlet.errors import AudioError, ConfigError, ScoreError, VoiceError, VoxletError
from voxlet.evaluation.intervals import wilson
from voxlet.recipes.adapt import adapt, resolve_base
from voxlet.recipes.opened import load_run
from voxlet.speak import library
from voxlet.speak.manner import Manner
from voxlet.speak.voice import Voice, load_voice

RATE = 8000
TONE = 0.5 * np.sin(np.arange(RATE, dtype=np.float32) * 0.3)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Voice:
    path = tmp_path_factory.mktemp("voice") / "tiny.voice"
    path.write_bytes(tiny_voice.voice_bytes())
    return load_voice(path, threads=1)


@pytest.mark.follows(
    "audio/writing.py: give floats (T,) with full scale at 1: samples of 16 bits divided by 32768"
)
@pytest.mark.parametrize(
    "samples",
    [
        *(32767 * TONE).astype(np.int16)[None],
        *np.stack([TONE, TONE])[None],
        (128 + 100 * TONE).astype(np.uint8),
        (TONE > 0),
        TONE[None],
        TONE[:, None],
        TONE.astype(complex),
        TONE.tolist(),
    ],
)
def test_what_is_no_sound_is_not_written(tmp_path: Path, samples: object) -> None:
    with pytest.raises(AudioError, match="refusing to write"):
        audio.write(tmp_path / "a.wav", samples, RATE)
    assert list(tmp_path.iterdir()) == []
    whole = (32767 * TONE).astype(np.int16) / 32768  # as the message says
    audio.write(tmp_path / "a.wav", whole, RATE)
    assert audio.rms(audio.read(tmp_path / "a.wav").samples) == pytest.approx(audio.rms(TONE), rel=1e-3)


@pytest.mark.follows("audio/writing.py: give … to … Hz")
@pytest.mark.parametrize("rate", [0, -1, 1, 999, 800_000, 2**31, 8000.0, float("nan"), "8000", True, None])
def test_a_rate_that_no_file_can_have(tmp_path: Path, rate: object) -> None:
    with pytest.raises(AudioError, match=r"is not a sampling rate; give 1000 to 768000 Hz$"):
        audio.write(tmp_path / "a.wav", TONE, rate)
    for told in (1000, 768_000, np.int64(8000)):
        audio.write(tmp_path / "a.wav", TONE, told)
        assert audio.read(tmp_path / "a.wav").rate == told


@pytest.mark.parametrize("rate", [0, -8000, float("nan"), float("inf")])
def test_a_rate_that_nothing_can_have(rate: float) -> None:
    for pair in ((rate, RATE), (RATE, rate), (rate, rate)):
        with pytest.raises(AudioError, match="is not a sampling rate"):
            audio.resample(TONE, *pair)


def test_seconds_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    audio.write(path, TONE, RATE)
    for seconds in (0, -1, float("nan")):
        with pytest.raises(AudioError, match="is not a number of seconds to read"):
            audio.read(path, seconds=seconds)
    assert len(audio.read(path, seconds=float("inf")).samples) == len(TONE)
    for other in (tmp_path, tmp_path / "none.wav", Path(__file__)):
        with pytest.raises(AudioError, match="not a sound file"):
            audio.read_metadata(other)


def test_nobody_changes_a_voice_by_its_styles(voice: Voice) -> None:
    said = voice.say("4", seed=1).samples.tobytes()
    for name in (None, *voice.speakers, voice.speakers[0].upper()):
        style = voice.style(name)
        style += 3.0
        assert not np.array_equal(voice.style(name), style)
    assert voice.say("4", seed=1).samples.tobytes() == said


def test_numbers_of_numpy_are_numbers(voice: Voice) -> None:
    plain = voice.say("4", seed=3)
    same = voice.say("4", seed=np.int64(3), manner=Manner(speed=np.float32(1)))
    assert same.wav() == plain.wav()
    assert Manner(pitch=np.float32(1.5)).metadata == {"pitch": 1.5}
    assert plan(seed=np.int64(3), count=np.int32(20)) == plan(seed=3, count=20)
    with pytest.raises(ConfigError, match="is not a number"):
        Manner(speed=np.complex64(1))


@pytest.mark.parametrize("text", ["4", "4091"])
def test_who_speaks_is_one(voice: Voice, text: str) -> None:
    one = voice.style("bob")
    assert voice.say(text, style=one[None]).wav() == voice.say(text, style=one).wav()
    for wrong in ({"style": np.stack([one, one])}, {"speaker": ["bob"]}, {"speaker": 3}):
        with pytest.raises(VoiceError):
            next(voice.stream(text, **wrong))


@pytest.mark.parametrize("first", [-1, 1.5, None, True])
def test_the_first_clip_has_a_number(voice: Voice, first: object) -> None:
    with pytest.raises(ConfigError, match=r"first: .* is not a first; give a whole number from 0$"):
        voice.sample(["one"], first=first)


@pytest.mark.parametrize(
    "sound",
    [
        Sound(TONE[None], RATE),
        Sound(np.stack([TONE, TONE], axis=1), RATE),
        Sound(TONE * np.float32("nan"), RATE),
        *(Sound(TONE, rate) for rate in (0, -16_000, float("nan"), float("inf"))),
    ],
)
def test_no_style_of_what_is_no_recording(sound: Sound) -> None:
    with pytest.raises(AudioError, match="is not a recording"):
        load_voice("digits", threads=1).like(sound)


def test_a_recording_of_any_floats_has_its_style() -> None:
    voice = load_voice("digits", threads=1)
    (clip,) = voice.sample(["seven"], speaker="theo")
    style = voice.like(Sound(clip, voice.rate))
    for same in (clip.astype(np.float64), clip.tolist(), (32767 * clip).astype(np.int16)):
        assert np.abs(voice.like(Sound(same, voice.rate)) - style).max() < 0.05


@pytest.mark.follows("datasets/plan.py: give one for validation and one for testing, such as 0.1,0.1")
@pytest.mark.parametrize("shares", [(0.6, 0.6), (0.1,), (0.1, 0.1, 0.1), ()])
def test_shares_of_more_than_one_whole(shares: tuple[float, ...]) -> None:
    with pytest.raises(ConfigError, match=r"--held-out: .*are not two shares of at most 1 together"):
        plan(held_out=shares)
    assert sum(plan(held_out=(0.1, 0.1)).sizes.values()) == plan().count


@pytest.mark.parametrize("wrong", [{"count": 2.5}, {"rate": 8000.5}, {"shard": 1.5}, {"seed": 0.5}])
def test_half_a_clip_is_not_planned(wrong: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=r"is not a whole number|is not a seed"):
        plan(**wrong)


@pytest.mark.parametrize("pair", [(5, 3), (-1, 3), (0, 0)])
def test_no_share_of_more_than_all(pair: tuple[int, int]) -> None:
    with pytest.raises(ScoreError):
        wilson(*pair)


@pytest.mark.follows("recipes/adapt.py: give … or …")
def test_consent_is_one_of_those_that_a_card_knows(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"consent: 'mine' is not an answer; give own or given$"):
        adapt(tmp_path, tmp_path / "run", consent="mine")
    for told in ("own", "given"):
        with pytest.raises(VoxletError, match="holds no sound files"):  # the next error
            adapt(tmp_path, tmp_path / "run", consent=told)


def test_numbers_of_any_kind_are_numbers(voice: Voice) -> None:
    """NumPy's small integers would wrap around to the random numbers of other clips."""
    clips = voice.sample(["one"] * 12, first=np.uint8(250), seed=np.uint8(255))
    wanted = voice.sample(["one"] * 12, first=250, seed=255)
    assert [clip.tobytes() for clip in clips] == [clip.tobytes() for clip in wanted]
    assert voice.sample([], speaker=[]) == voice.sample([]) == []


IMPOSSIBLE = (
    "a" * 5000,
    "a/" * 3000,
    "b" * 300 + ".voice",
    "a\0b",
    "hf:\0/a",
    "\ud800",
    "~nobody-has-this-name/a",
)
TAKES_A_PATH: dict[str, Callable[[str], object]] = {
    "load": voxlet.load,
    "load_voice": load_voice,
    "load_run": load_run,
    "base": resolve_base,
    "install": library.install,
    "open_corpus": open_corpus,
    "train": lambda path: voxlet.train("cnn", corpus=path, run="r", epochs=1),
    "read": audio.read,
    "write": lambda path: audio.write(f"{path}/b.wav" if path[0] == "~" else path, TONE, RATE),
}


@pytest.mark.parametrize("name", TAKES_A_PATH)
@pytest.mark.parametrize("path", IMPOSSIBLE, ids=ascii)
def test_a_name_that_nothing_can_have(
    name: str, path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(VoxletError) as caught:
        TAKES_A_PATH[name](path)
    str(caught.value).encode()  # it can be printed
    assert list(tmp_path.iterdir()) == []


def test_an_empty_path_is_not_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for word in ("yes", "no"):
        audio.write(files.make_folder(word) / "a_nohash_0.wav", TONE, RATE)
    assert open_corpus(".").labels == ("no", "yes")
    for name in ("load", "load_run", "base", "install", "open_corpus", "train"):
        with pytest.raises(VoxletError):
            TAKES_A_PATH[name]("")
