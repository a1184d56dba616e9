"""The page reads texts, draws noise and shapes clips as Python does: its answers, replayed in Chromium."""

from __future__ import annotations

import io
import json
import unicodedata
from dataclasses import asdict
from random import Random

import numpy as np
import pytest
import soundfile
import torch

import tiny_voice
from browser import chromium, opened, served
from voxlet import audio
from voxlet.errors import TextError
from voxlet.serving.static.page import write_page
from voxlet.speak.manner import PLAIN, Manner
from voxlet.speak.speech import shape, wav_metadata
from voxlet.speak.styles import TAKE_KEY, Styles, generator
from voxlet.speak.text import parse
from voxlet.speak.voice import load_voice
from voxlet.spectral.config import SpectrogramConfig
from voxlet.spectral.griffin_lim import griffin_lim
from voxlet.spectral.log_spectrogram import analyse
from voxlet.spectral.stft import stft
from voxlet.version import __version__
from voxlet.words.arabic import spellings_of
from voxlet.words.digits import DIGIT_WORDS

pytestmark = pytest.mark.slow

KINDS = {  # of texts: labels, and what texts are drawn from
    "digits": (
        DIGIT_WORDS,
        ["4091", "555-0102", "four", "oh", "3.14", "1,000", "-5", "٤٢", "+1", "(", "5551234567"],
    ),
    "words": (
        ("turn left", "turn", "left", "x-ray", "don’t", "stop", "point", "minus", "plus", "one"),
        [
            "turn left",
            "TURN_LEFT",
            "turn–left",
            "x ray",
            "don't",
            "donʼt",
            "-1",
            ".1",
            "+1",
            "stop",
            "«",
            "left-",
            "?",
        ],
    ),
    "numbers": (
        ("٠", "١", "2", "ten", "twenty", "one", "two", "42"),
        ["42", "21", "twenty one", "10", "0.10", "22", "²", "½", "twenty-two", "1 0", "007"],
    ),
    "scripts": (
        ("ﬁve", "عَلَم", "عِلْم", "é", "İi", "strasse", "क्ष", "각", "می‌خواهم"),
        [
            "five",
            "علم",
            "عَلَم",
            "e\u0301",
            "İI",
            "ii",
            "STRAßE",
            "क्ष",
            "각",
            "می‌خواهم",
            "میخواهم",
            "ع\u0640لم",
            "Σς",
        ],
    ),
    "spellings": (
        ("zero", "zoom in", "أربعة", "no"),
        ["صفر", "صِفْر", "sifr", "تكبير", "four", "٤٠", "اربعة", "la", "zoom_in", "at-tali"],
    ),
    "anything": ((*"abcdefghij", "nine", "zero"), []),
}
BETWEEN = ["", " ", " ", "-", ", ", "\n", " (", ") ", ". ", "’", "\u200b", "\u2028", "−", "—", "\r\n", "_"]
ASSIGNED = [
    chr(code) for code in range(32, 0x20000) if unicodedata.category(chr(code)) not in ("Cn", "Cs", "Co")
]


def texts(kind: str, count: int) -> list[str]:
    draw = Random(kind)
    _, parts = KINDS[kind]
    if not parts:
        pairs = [draw.choice("abc90 ") + draw.choice(ASSIGNED) * draw.randint(0, 1) for _ in range(3 * count)]
        return ["".join(pairs[3 * i : 3 * i + draw.randint(1, 3)]) for i in range(count)]
    return [
        "".join(draw.choice(parts) + draw.choice(BETWEEN) for _ in range(draw.randint(1, 5)))
        for _ in range(count)
    ]


def answer(text: str, labels: tuple[str, ...]) -> object:
    """Return Python's answer to a text: its words, or the beginning of its error."""
    try:
        ways = spellings_of(labels, "ar") if labels == KINDS["spellings"][0] else {}
        return [[word.label, word.position, int(word.pause)] for word in parse(text, labels, ways)]
    except TextError as error:
        return [] if error.what.startswith("there is nothing") else f"{error.where}: {error.what}"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    site = tmp_path_factory.mktemp("site") / "page"
    write_page(site, ["digits"])
    with (
        chromium() as browser,
        served(site) as address,
        opened(browser, f"{address}style.css", provoked="404") as own,
    ):
        yield own


@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_read_alike(page, kind):
    labels = KINDS[kind][0]
    asked = texts(kind, 100)
    found = page.evaluate(
        """async ([texts, labels, spellings]) => {
          const { parse, Vocabulary } = await import('/voice/text.js');
          const known = new Vocabulary(labels, spellings);
          return texts.map((text) => {
            try {
              return parse(text, known).map((word) => [word.label, word.at, word.pause]);
            } catch (error) {
              return { ...error };
            }
          });
        }""",
        [asked, labels, spellings_of(labels, "ar") if kind == "spellings" else {}],
    )
    for text, one in zip(asked, found, strict=True):
        if isinstance(one, dict):
            line = f"line {one['line']}, " if one["line"] > 1 else ""
            minus = ", a minus" if one["minus"] else ""
            one = f"{line}character {one['character']}: cannot say {one['quoted']!r}{minus}"  # noqa: PLW2901
        assert one == answer(text, labels), repr(text)
    assert sum(isinstance(one, list) and len(one) > 0 for one in found) > 5  # not errors alone


def test_ten_thousand_draws_are_the_same_bits(page):
    keys = [(0, (0, 0)), (7, (0, 3)), (2**32, (0, 70_000)), (2**53 - 1, (1,)), (12, (1,))]
    found = page.evaluate(
        """async (keys) => {
          const { standardNormal } = await import('/voice/noise.js');
          return keys.map(([seed, key]) => Array.from(standardNormal(seed, key, 2000)));
        }""",
        keys,
    )
    for (seed, key), draws in zip(keys, found, strict=True):
        wanted = generator(seed, *key).standard_normal(2000, dtype=np.float32)
        assert np.float32(draws).tobytes() == wanted.tobytes(), (seed, key)


WHO = ("george", "theo:0.61,lucas:0.39", "random")


def test_words_sound_alike(page):
    """Compares fewer clips than `benchmarks/page.py`, which makes 300."""
    voice = load_voice("digits", threads=1)
    asked = [(label, WHO[i % 3], i) for i, label in enumerate(DIGIT_WORDS * 3)]
    found = page.evaluate(
        """async ([asked, wishes]) => {
          const { VoiceClient } = await import('/voice/client.js');
          const { blend, randomStyle, readBlend } = await import('/voice/styles.js');
          const client = new VoiceClient();
          const { voices } = await (await fetch('/voices.json')).json();
          const info = await client.open({ ...voices[0], file: '/' + voices[0].file });
          const clips = [];
          for (const [label, who, seed] of asked) {
            const parts = readBlend(who, info.speakers);
            const style = parts ? blend(parts, info.speakers) : randomStyle(seed, info);
            clips.push(Array.from(await client.sample({ label, style, wishes, seed, index: 2 })));
          }
          return clips;
        }""",
        [asked, PLAIN.wishes(voice.info.attributes, voice.name).tolist()],
    )
    still = Manner(variation=0.0)
    for (label, who, seed), clip in zip(asked, found, strict=True):
        (raw,) = voice.sample([label], speaker=who, manner=still, seed=seed, first=2)
        wanted = shape(raw, voice.rate, voice.rate, label)
        assert len(clip) == len(wanted), (label, who, seed)
        assert np.abs(np.float32(clip) - wanted).max() < 1e-2, (label, who, seed)


def test_words_made_ahead_in_a_voice_that_is_left_are_given_up(page):
    """Whether the second thread is still opening or is making a word, nobody waits for it in vain."""
    asked = {"label": "one", "style": [0.0] * 16, "wishes": [0.0, 0.0, 1.0], "seed": 0, "index": 0}
    found = page.evaluate(
        """async (asked) => {
          const { VoiceClient } = await import('/voice/client.js');
          const { voices } = await (await fetch('/voices.json')).json();
          const voice = { ...voices[0], file: '/' + voices[0].file };
          const late = new Promise((settle) => setTimeout(() => settle('never'), 60_000));
          const ahead = (seed) => client.makeAhead({ ...asked, seed }).catch(() => 'refused');
          const client = new VoiceClient();
          await client.open(voice);
          const opening = ahead(0);
          await client.open(voice);
          const found = [await Promise.race([opening, late]), await ahead(0)];
          const making = ahead(1);
          await new Promise((settle) => setTimeout(settle, 0)); // it is being made now
          await client.open(voice);
          return [...found, await Promise.race([making, late]), await ahead(1)];
        }""",
        asked,
    )
    assert found[:2] == [False, True]
    assert found[2] != "never"  # but refused, or made at the last moment
    assert found[3] is True


def test_new_speakers_are_drawn_alike(page):
    stds = [None, None, None, np.float32([0.9, 1.1e-3, 0.0, 0.3])]
    named = [
        {},
        {"ann": [0.0, 0.0, 0.0, 0.0]},
        {"ann": [0.1, -2.3, 0.0, 1e-3], "bob": [0.7, 1.1, 0.0, 0.2]},
        {},
    ]
    found = page.evaluate(
        """async ([stds, named, seeds]) => {
          const { randomStyle } = await import('/voice/styles.js');
          return stds.map((styleStd, n) =>
            seeds.map((seed) => randomStyle(seed, { styleSize: 4, styleStd, speakers: named[n] })),
          );
        }""",
        [[None if std is None else std.tolist() for std in stds], named, [*range(50)]],
    )
    for std, speakers, rows in zip(stds, named, found, strict=True):
        styles = Styles({name: np.float32(style) for name, style in speakers.items()}, 4, "tiny", std)
        for seed, row in enumerate(rows):
            assert np.array_equal(np.float32(row), styles.style("random", seed)), (std, seed)


def test_takes_differ_alike(page):
    """For each seed, the page gives a voice's graph the same attributes as Python does."""
    info = tiny_voice.info(attributes=("pitch", "clarity", "speed"), variation={"speed": 0.2, "pitch": 1.5})
    manners = [PLAIN, Manner(speed=1.9, pitch=-11.5, clarity=0.25)]
    found = page.evaluate(
        """async ([info, manners, seeds]) => {
          const { wishes } = await import('/voice/styles.js');
          return seeds.map((seed) => manners.map((manner) => wishes(info, manner, seed)));
        }""",
        [
            {"attributes": info.attributes, "variation": info.variation},
            list(map(asdict, manners)),
            [*range(50)],
        ],
    )
    for seed, rows in enumerate(found):
        drawn = generator(seed, TAKE_KEY).standard_normal(2, dtype=np.float32)
        for row, manner in zip(rows, manners, strict=True):
            wanted = manner.of_take(info.variation, drawn).wishes(info.attributes, "tiny")
            np.testing.assert_allclose(row, wanted, atol=1e-6)


def test_a_file_holds_the_same_samples_and_says_that_it_is_synthetic(page):
    samples = np.random.default_rng(0).uniform(-1.01, 1.01, 999).astype(np.float32)
    samples[:3] = 1.0, -1.0, 0.0
    metadata = {"voice": "digits", "speaker": "george", "seed": 7, "text": "4"}
    found = page.evaluate(
        """async ([samples, said]) => {
          const { encodeWav } = await import('/voice/wav.js');
          return Array.from(encodeWav(Float32Array.from(samples), 8000, said));
        }""",
        [samples.tolist(), metadata],
    )
    files = bytes(found), audio.encode_wav(samples, 8000, wav_metadata(metadata))
    own, wanted = (soundfile.read(io.BytesIO(file), dtype="int16") for file in files)
    assert own[1] == wanted[1] == 8000
    assert (own[0] == wanted[0]).all()
    with soundfile.SoundFile(io.BytesIO(files[0])) as file:
        assert file.software == f"voxlet {__version__}"
        assert json.loads(file.comment) == {"synthetic": True, **metadata}


@pytest.mark.parametrize("text", ["4091", "„vier“ \u0007", "4" * 3000])
def test_the_comment_of_a_file_is_the_same(page, text):
    metadata = {"voice": "digits", "speaker": "george:0.5,theo:0.5", "seed": 7, "text": text}
    found = page.evaluate("async (said) => (await import('/voice/wav.js')).comment(said)", metadata)
    assert found == wav_metadata(metadata)["comment"]


def test_spectra_there_and_back_are_those_of_python(page):
    """For odd and even numbers of frames; Griffin-Lim comes as near to the amplitudes as Python's."""
    config = SpectrogramConfig(rate=8000, n_fft=256, hop=64)
    for length in (1500, 1600):
        rng = np.random.default_rng(length)
        time = np.arange(length) / 8000
        samples = (0.3 * np.sin(2 * np.pi * 440 * time) * np.hanning(length)).astype(np.float32)
        samples += 0.01 * rng.standard_normal(length).astype(np.float32)
        found = page.evaluate(
            """async (samples) => {
              const { Spectra } = await import('./map/phase.js');
              const spectra = new Spectra(256, 64);
              const { re, im } = spectra.forward(Float32Array.from(samples));
              const amplitude = re.map((value, at) => Math.hypot(value, im[at]));
              const back = spectra.inverse({ re, im }, samples.length);
              const values = spectra.analyse(Float32Array.from(samples), 80);
              const made = spectra.griffinLim(amplitude, samples.length);
              const lists = Object.entries({ re, im, back, values, made });
              return Object.fromEntries(lists.map(([name, list]) => [name, Array.from(list)]));
            }""",
            samples.tolist(),
        )
        sound = torch.from_numpy(samples)[None]
        wanted = stft(sound, config)[0].T.numpy()  # frame after frame
        made = np.array(found["re"]).reshape(wanted.shape) + 1j * np.array(found["im"]).reshape(wanted.shape)
        np.testing.assert_allclose(made, wanted, atol=1e-4)
        np.testing.assert_allclose(found["back"], samples, atol=1e-5)
        values = analyse(sound, config).values[0].numpy()
        np.testing.assert_allclose(np.reshape(found["values"], values.shape), values, atol=1e-3)

        def off(waveform: torch.Tensor, wanted: np.ndarray = wanted) -> float:
            amplitude = stft(waveform[None], config)[0].T.abs().numpy()
            return float(np.linalg.norm(amplitude - np.abs(wanted)) / np.linalg.norm(wanted))

        own = griffin_lim(torch.from_numpy(np.abs(wanted).T)[None].float(), config, samples=length)[0]
        assert off(torch.tensor(found["made"], dtype=torch.float32)) < max(0.1, 1.3 * off(own))
