from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from stand_ins import Ear
from voxlet import audio, files
from voxlet.errors import ConfigError, ScoreError
from voxlet.evaluation import parts, scorecard
from voxlet.evaluation.clipset import ClipSet, read_folder, sample_clips
from voxlet.evaluation.metrics.statistics import Interval
from voxlet.evaluation.parts import Bench, Part
from voxlet.evaluation.reference import Reference, open_reference
from voxlet.evaluation.report import png, write_page, write_pairs

WORDS = ("low", "high")
PEOPLE = ("ann", "bob")


def tones(count: int, seed: int, name: str = "tones") -> ClipSet:
    """Two words by pitch and two speakers by an overtone, in turn."""
    rng = np.random.default_rng(seed)
    labels, speakers = np.arange(count) % 2, np.arange(count) // 2 % 2
    sounds = []
    for label, speaker in zip(labels, speakers, strict=True):
        time = np.arange(rng.integers(1600, 2400)) / 8000
        pitch = (400 + 800 * label) * rng.uniform(0.9, 1.1)
        sound = np.sin(2 * np.pi * pitch * time) + speaker * np.sin(2 * np.pi * 3300 * time)
        sounds.append((0.05 * sound + 0.002 * rng.standard_normal(len(time))).astype(np.float32))
    sources = tuple(f"{name}-{row}.wav" for row in range(count))
    return ClipSet(name, tuple(sounds), 8000, labels, WORDS, speakers, PEOPLE, sources)


@pytest.fixture
def bench(monkeypatch):
    """Judges without teaching, DNSMOS without its network."""
    monkeypatch.setattr(Bench, "own", Ear())
    monkeypatch.setattr(Bench, "stranger", "no other corpus with these labels is on this machine")
    monkeypatch.setattr(Bench, "ready_made", Ear())

    def calm(bench, clips):
        return parts.Result({"DNSMOS overall": Interval(2.5, 2.4, 2.6, 12)})

    monkeypatch.setitem(
        parts.PARTS, "naturalness", Part(calm, "Natural", ("made", "real test", "real train"))
    )


@pytest.fixture
def reference():
    train, test = tones(400, seed=1, name="real train"), tones(200, seed=2, name="real test")
    return Reference("tones", "stratified", train, test)


def test_real_clips_score_like_real_clips(bench, reference):
    card = scorecard.evaluate(tones(200, seed=3), reference, progress=False)
    heard = card.figure("heard right, own judge")
    assert heard.made.value == heard.real.value == 1.0
    assert heard.floor is None
    assert card.figure("heard right, stranger judge").made.startswith("no other corpus")
    assert card.figure("speaker heard right").made.value == 1.0
    frechet = card.figure("Frechet distance, own features")
    assert frechet.real is None
    assert frechet.made.value < 0.1
    assert card.figure("coverage").made.value > 0.85
    assert card.figure("inception score").made.value == pytest.approx(2.0, abs=0.1)
    assert card.tables["made"]["confusion, own judge"] == [[100, 0], [0, 100]]
    assert card.unfit == {}
    text = card.table()
    assert "200 clips at 8,000 Hz, seed 0, none left out" in text
    assert "100.0 % [98.1, 100.0]" in text


def test_a_generator_that_always_says_one_thing_fails(bench, reference):
    made = tones(200, seed=3)
    stuck = replace(made, sounds=tuple(made.sounds[0] for _ in range(200)))
    card = scorecard.evaluate(stuck, reference, progress=False)
    assert card.figure("heard right, own judge").made.value == 0.5
    assert card.figure("high, own judge").made.value == 0.0
    assert card.figure("inception score").made.value == pytest.approx(1.0, abs=1e-4)
    assert card.figure("recall").made.value == 0.0
    assert card.figure("coverage").made.value < 0.1
    assert card.figure("Frechet distance, own features").made.value > 1.0


def test_a_planted_copy_is_the_nearest_pair(bench, reference):
    made = tones(150, seed=3)
    copy = 0.5 * reference.train.sounds[42]
    sounds = (*made.sounds[:42], copy, *made.sounds[43:])
    card = scorecard.evaluate(replace(made, sounds=sounds), reference, only=["copying"], progress=False)
    row, source, near, distance = card.tables["made"]["nearest pairs"][0]
    assert (row, source, near) == (42, "tones-42.wav", "real train-42.wav")
    assert distance < 0.3 * card.figure("nearest training clip, percentile 50").real.value


def test_parts_are_kept(bench, reference, monkeypatch):
    made = tones(100, seed=5)
    first = scorecard.evaluate(made, reference, only=["voice"], progress=False)

    def never(bench, clips):
        raise AssertionError("measured again")

    monkeypatch.setitem(parts.PARTS, "voice", Part(never, "The speaker asked for"))
    assert scorecard.evaluate(made, reference, only=["voice"], progress=False) == first


def test_few_clips_give_no_number(bench, reference):
    card = scorecard.evaluate(tones(20, seed=3), reference, progress=False)
    assert card.figure("like real speech as a whole").made == "not enough clips (needs 100)"
    assert card.figure("no copies").made == "not enough clips (needs 100)"
    assert isinstance(card.figure("heard right, own judge").made, Interval)
    assert "not enough clips (needs 100)" in card.table()


def test_a_judge_that_mishears_real_clips_is_marked(bench, reference):
    wrong = replace(reference.test, labels=np.where(np.arange(200) < 60, 0, reference.test.labels))
    card = scorecard.evaluate(
        tones(50, seed=3), replace(reference, test=wrong), only=["recognition"], progress=False
    )
    assert card.unfit["own"] == pytest.approx(0.85)
    assert "! the own judge hears only 85.0 % of real clips right" in card.table()


def test_selection_is_printed(bench, reference, tmp_path):
    made = replace(tones(50, seed=3), selection="the best of <ten>")
    card = scorecard.evaluate(made, reference, only=["recognition"], progress=False)
    assert "SELECTED: the best of <ten>" in card.table()
    write_page(tmp_path / "page.html", card, made, reference)
    assert "SELECTED: the best of &lt;ten&gt;" in (tmp_path / "page.html").read_text()


def test_the_page_holds_everything(bench, reference, tmp_path):
    for row, sound in enumerate(reference.train.sounds):
        audio.write(tmp_path / f"{row}.wav", sound, 8000)
    sources = tuple(str(tmp_path / f"{row}.wav") for row in range(len(reference.train)))
    reference = replace(reference, train=replace(reference.train, sources=sources))
    made = tones(120, seed=3)
    card = scorecard.evaluate(made, reference, progress=False, cost={"clips_per_second": 123.0})
    write_page(tmp_path / "page.html", card, made, reference)
    page = (tmp_path / "page.html").read_text()
    assert page.count("<audio") == 4 + 4 + 20  # made and real, each label and speaker; ten nearest pairs
    assert "http" not in page.replace("http-equiv", "")
    assert "clips per second" in page
    pairs = files.make_folder(tmp_path / "pairs")
    write_pairs(pairs, card, made)
    assert {path.name for path in pairs.iterdir()} == {
        f"{number:02}-{side}.{kind}"
        for number in range(1, 11)
        for side in ("made", "train")
        for kind in ("wav", "png")
    }
    row, _, source, _ = card.tables["made"]["nearest pairs"][0]
    nearest = audio.read(pairs / "01-train.wav").samples
    np.testing.assert_allclose(nearest, audio.read(str(source)).samples, atol=1e-4)
    np.testing.assert_allclose(audio.read(pairs / "01-made.wav").samples, made.sounds[int(row)], atol=1e-4)
    stored = json.loads(card.to_json())
    assert stored["figures"][0]["made"]["value"] == 1.0
    assert stored["unfit_judges"] == {}


def test_strange_parts_and_labels(bench, reference):
    with pytest.raises(ConfigError, match="the parts are recognition"):
        scorecard.evaluate(tones(50, seed=3), reference, only=["beauty"], progress=False)
    strange = replace(tones(50, seed=3), label_names=("low", "shrill"))
    with pytest.raises(ScoreError, match="'shrill', which the reference has not"):
        scorecard.evaluate(strange, reference, progress=False)


class Parrot:
    """A sampler of tones."""

    name, rate, labels, speakers = "parrot", 8000, ("high", "low"), ("bob", "ann", "cyd")

    def sample(self, labels, *, speaker=None, style=None, seed=0, first=0):
        rng = np.random.default_rng((seed, first))
        return [rng.standard_normal(800 + self.labels.index(label)).astype(np.float32) for label in labels]


def test_a_sampler_is_asked_for_everything_alike():
    clips = sample_clips(Parrot(), 100, seed=3)
    assert len(clips) == 100
    assert [len(sound) - 800 for sound in clips.sounds] == clips.labels.tolist()
    pairs = np.unique(np.stack([clips.labels, clips.speakers]), axis=1, return_counts=True)[1]
    assert pairs.min() >= 16
    assert pairs.max() <= 17
    assert len({sound.tobytes() for sound in clips.sounds}) == 100
    named = clips.renamed(("low", "high"), ("ann", "bob"))
    assert named.labels.tolist() == (1 - clips.labels).tolist()
    assert set(named.speakers[clips.speakers == 2]) == {-1}  # cyd is unknown to the reference
    few = sample_clips(Parrot(), 100, seed=3, max_speakers=2)
    assert few.speaker_names == ("bob", "cyd")


def test_a_folder_and_a_reference_are_read(names_corpus):
    clips = read_folder(names_corpus)
    assert len(clips) == 90
    assert clips.label_names == ("zero", "one", "two")
    reference = open_reference(names_corpus)
    assert reference.split == "stratified"
    assert not set(reference.train.sources) & set(reference.test.sources)
    assert len(reference.test) == 9


def test_a_png_is_one():
    from io import BytesIO

    image = pytest.importorskip("PIL.Image")
    values = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    assert (np.asarray(image.open(BytesIO(png(values)))) == values).all()
