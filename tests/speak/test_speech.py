"""Joining words into one utterance."""

from __future__ import annotations

import json
import math
import tracemalloc
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pytest

from voxlet import audio
from voxlet.errors import AudioError, ConfigError, TextError, VoiceError
from voxlet.speak import speech
from voxlet.speak.speech import FADE, LEVEL_DB, LONGER, MARGIN, STRESS_DB, Utterance, level_word, say, stream
from voxlet.speak.text import Pause
from voxlet.words.digits import DIGIT_WORDS

RATE = 8000


@dataclass
class Tones:
    """A sampler of tones with silence around them, which records its requests."""

    name: str = "tones"
    rate: int = RATE
    labels: tuple[str, ...] = DIGIT_WORDS
    speakers: tuple[str, ...] = ("ann",)
    gain: float = 0.3
    silence: float = 0.1
    asked: list = field(default_factory=list)
    spellings: dict = field(default_factory=dict)

    def sample(self, labels, *, speaker=None, style=None, seed=0, first=0):
        self.asked.append((tuple(labels), speaker, seed, first))
        clips = []
        for label in labels:
            number = self.labels.index(label)
            time = np.arange(round((0.1 + 0.02 * number) * self.rate)) / self.rate
            tone = self.gain * np.sin(2 * math.pi * (300 + 50 * number) * time)
            quiet = np.zeros(round(self.silence * self.rate))
            clips.append(np.concatenate([quiet, tone, quiet]).astype(np.float32))
        return clips


def pauses(utterance: Utterance) -> list[float]:
    return [
        round(later.start - earlier.end, 6)
        for earlier, later in zip(utterance.words, utterance.words[1:], strict=False)
    ]


def test_words_in_order_with_exact_times():
    spoken = say(Tones(), "4091")
    assert [word.label for word in spoken.words] == ["four", "zero", "nine", "one"]
    assert spoken.samples.dtype == np.float32
    assert spoken.words[0].start == 0
    assert spoken.words[-1].end == pytest.approx(spoken.duration)
    for word in spoken.words:
        inside = spoken.samples[round(word.start * RATE) : round(word.end * RATE)]
        expected = 0.1 + 0.02 * DIGIT_WORDS.index(word.label)
        assert len(inside) / RATE == pytest.approx(expected + 2 * MARGIN, abs=0.025)
    silent = spoken.samples[round(spoken.words[0].end * RATE) : round(spoken.words[1].start * RATE)]
    assert not silent.any()


def test_pauses_grow_from_words_to_groups_to_commas_to_lines():
    assert pauses(say(Tones(), "12")) == [0.08]
    assert pauses(say(Tones(), "1-2,3\n4")) == [
        round(0.08 + LONGER[pause], 6) for pause in (Pause.GROUP, Pause.PHRASE, Pause.LINE)
    ]
    assert LONGER[Pause.WORD] < LONGER[Pause.GROUP] < LONGER[Pause.PHRASE] < LONGER[Pause.LINE]
    assert pauses(say(Tones(), "12-3", gap=0.5)) == [0.5, 0.72]
    assert pauses(say(Tones(), "12-3", gap=0)) == [0.0, 0.22]


def test_no_clicks():
    """At both ends of words the signal is near zero and changes smoothly, even with a large offset."""

    class Steps(Tones):
        def sample(self, labels, **asked):
            return [np.full(2000, 0.4, dtype=np.float32) * (-1) ** np.arange(2000) + 0.2 for _ in labels]

    spoken = say(Steps(), "111")
    for word in spoken.words:
        start, stop = round(word.start * RATE), round(word.end * RATE)
        assert abs(spoken.samples[start]) < 0.01
        assert abs(spoken.samples[stop - 1]) < 0.01
        half = round(FADE * RATE / 2)
        assert np.abs(spoken.samples[start : start + half]).max() < 0.6 * np.abs(spoken.samples).max()


def test_one_level_with_bounded_stress():
    time = np.arange(RATE) / RATE
    levels = []
    for off in (-30, -6, -1, 0, 1, 6, 12):
        tone = np.sin(2 * math.pi * 250 * time) * math.sqrt(2) * 10 ** ((LEVEL_DB + off) / 20)
        settled = level_word(tone.astype(np.float32), RATE)
        levels.append(20 * math.log10(audio.rms(settled)) - LEVEL_DB)
    assert levels == sorted(levels)
    assert max(map(abs, levels)) <= STRESS_DB + 0.01
    assert levels[2:5] == pytest.approx([-1, 0, 1], abs=0.1)
    assert not level_word(np.zeros(100, dtype=np.float32), RATE).any()


def test_a_peaky_word_is_not_clipped():
    clip = np.random.default_rng(0).standard_normal(2000).astype(np.float32) * 0.01
    clip[1000] = 0.9
    assert np.abs(level_word(clip, RATE)).max() <= speech.PEAK + 1e-6


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 48000])
def test_any_rate_keeps_times(rate):
    own, other = say(Tones(), "40-9"), say(Tones(), "40-9", rate=rate)
    assert other.rate == rate
    assert len(other.samples) == pytest.approx(own.duration * rate, abs=4 * rate / RATE)
    for one, two in zip(own.words, other.words, strict=True):
        assert (one.start, one.end) == pytest.approx((two.start, two.end), abs=0.001)


def test_one_speaker_and_seed_throughout_and_growing_batches():
    tones = Tones()
    say(tones, "1" * 40, speaker="ann", seed=7)
    assert {asked[1:3] for asked in tones.asked} == {("ann", 7)}
    assert [len(asked[0]) for asked in tones.asked[:3]] == list(speech.BATCHES[:3])
    firsts = [asked[3] for asked in tones.asked]
    assert firsts == list(np.cumsum([0, *(len(asked[0]) for asked in tones.asked)])[:-1])


def test_streamed_pieces_laid_end_to_end_are_the_utterance():
    text = "4091, 555-0102\n7"
    whole = say(Tones(), text, rate=11025)
    pieces = list(stream(Tones(), text, rate=11025))
    assert np.array_equal(np.concatenate([piece.samples for piece in pieces]), whole.samples)
    assert tuple(piece.word for piece in pieces) == whole.words


def test_the_first_word_costs_one_word_and_errors_come_before_it():
    tones = Tones()
    assert next(iter(stream(tones, "1234567"))).word.label == "one"
    assert [len(asked[0]) for asked in tones.asked] == [1]
    with pytest.raises(TextError):
        stream(tones, "1" * 1000 + "x")


@pytest.mark.slow
def test_memory_of_a_long_stream_is_bounded():
    text = "1" * 10_000
    pieces = stream(Tones(silence=0), text)
    sum(1 for _ in islice(pieces, 100))
    tracemalloc.start()
    assert sum(1 for _ in islice(pieces, 800)) == 800
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 600_000  # 800 words have 4 MB of samples


@pytest.mark.parametrize(
    "wrong",
    [
        {"rate": 0},
        {"rate": 10**9},
        {"rate": 8000.5},
        {"rate": True},
        {"gap": -1},
        {"gap": math.nan},
        {"gap": math.inf},
        {"gap": "long"},
        {"seed": -1},
        {"seed": 1.5},
        {"seed": None},
    ],
)
def test_settings_that_make_no_sense(wrong):
    with pytest.raises(ConfigError) as caught:
        say(Tones(), "1", **wrong)
    assert next(iter(wrong)) in str(caught.value)


@pytest.mark.parametrize("clip", [[], [math.nan] * 100, [math.inf] * 100])
def test_a_sampler_that_makes_nothing_usable(clip):
    class Broken(Tones):
        def sample(self, labels, **asked):
            return [np.array(clip, dtype=np.float32) for _ in labels]

    with pytest.raises(VoiceError, match="'one'"):
        say(Broken(), "1")


def test_silence_and_single_samples_are_survived():
    class Tiny(Tones):
        def sample(self, labels, **asked):
            return [
                np.zeros(500, np.float32) if n % 2 else np.ones(1, np.float32) for n, _ in enumerate(labels)
            ]

    assert len(say(Tiny(), "1111").words) == 4


def test_a_saved_file_says_that_it_is_synthetic(tmp_path):
    spoken = say(Tones(), "40 — 9", seed=3)
    spoken.save(tmp_path / "a.wav")
    sound, metadata = audio.read(tmp_path / "a.wav"), audio.read_metadata(tmp_path / "a.wav")
    assert np.abs(sound.samples - spoken.samples).max() <= 1 / 32768
    assert metadata["software"].startswith("voxlet 0")
    assert json.loads(metadata["comment"]) == {
        "synthetic": True,
        "voice": "tones",
        "speaker": "ann",
        "seed": 3,
        "text": "40 — 9",
    }


def test_a_long_text_still_fits_into_the_comment(tmp_path):
    spoken = say(Tones(), "1—" * 500, style=np.zeros(1000))
    spoken.save(tmp_path / "a.wav")
    comment = json.loads(audio.read_metadata(tmp_path / "a.wav")["comment"])
    assert comment["synthetic"] is True
    assert comment["text"].endswith("…")
    assert comment["style"].endswith("…")
    assert spoken.metadata["text"] == "1—" * 500


@pytest.mark.parametrize("name", ["a.mp3", "a.FLAC", "a.ogg"])
def test_another_format_is_refused_rather_than_faked(tmp_path, name):
    with pytest.raises(AudioError, match=r"only WAV"):
        say(Tones(), "1").save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_it_plays_in_a_notebook():
    html = say(Tones(), "1")._repr_html_()
    assert html.startswith('<audio controls src="data:audio/wav;base64,UklGR')
    assert repr(say(Tones(), "12")).startswith("Utterance('one two', 0.")
