from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from stand_ins import StandInClassifier, stand_in_classifiers, tones
from voxlet import audio, files
from voxlet.errors import ConfigError, ScoreError
from voxlet.evaluation import parts
from voxlet.evaluation.classifiers.inputs import InputConfig
from voxlet.evaluation.clipset import read_folder, sample_clips
from voxlet.evaluation.evaluate import evaluate
from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.metrics import naturalness
from voxlet.evaluation.parts import Part
from voxlet.evaluation.reference import Reference, open_reference
from voxlet.evaluation.report.page import write_page
from voxlet.evaluation.report.players import write_pairs
from voxlet.evaluation.report.verdict import headlines, verdict, verdict_of_card
from voxlet.evaluation.scorecard import Figure, read_scorecard

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def dnsmos(monkeypatch):
    """Replace DNSMOS's network."""
    calm = {"overall": Interval(2.5, 2.4, 2.6, 12)}
    monkeypatch.setattr(naturalness, "dnsmos", lambda *arguments, **options: calm)


@pytest.fixture
def classifiers():
    """An in-corpus and an off-the-shelf classifier that need no training, and no other corpus."""
    missing = "no other corpus with these labels is on this machine"
    return stand_in_classifiers(cross_corpus=missing, off_the_shelf=StandInClassifier())


@pytest.fixture
def reference():
    train, test = tones(400, seed=1, name="real train"), tones(200, seed=2, name="real test")
    return Reference("tones", "stratified", train, test)


def test_real_clips_score_like_real_clips(classifiers, reference):
    card = evaluate(tones(200, seed=3), reference, classifiers, progress=False)
    accuracy = card.figure("recognition.in_corpus.accuracy")
    assert accuracy.generated.value == accuracy.real.value == 1.0
    assert accuracy.real_train is None
    assert card.figure("recognition.cross_corpus.accuracy").generated.startswith("no other corpus")
    assert card.figure("speaker.accuracy").generated.value == 1.0
    frechet = card.figure("distribution.in_corpus.frechet_distance")
    assert frechet.real is None
    assert frechet.generated.value < 0.1
    assert card.figure("distribution.in_corpus.coverage").generated.value > 0.85
    assert card.figure("distribution.in_corpus.inception_score").generated.value == pytest.approx(
        2.0, abs=0.1
    )
    assert card.tables["generated"]["recognition.in_corpus.confusion"] == [[100, 0], [0, 100]]
    assert card.unreliable == {}
    text = "\n".join(card.lines())
    assert "200 clips at 8,000 Hz, seed 0, none left out" in text
    assert "100.0 % [98.1, 100.0]" in text


def test_a_generator_that_always_says_one_thing_fails(classifiers, reference):
    generated = tones(200, seed=3)
    stuck = replace(generated, sounds=tuple(generated.sounds[0] for _ in range(200)))
    card = evaluate(stuck, reference, classifiers, progress=False)
    assert card.figure("recognition.in_corpus.accuracy").generated.value == 0.5
    assert card.figure("recognition.in_corpus.accuracy.by_label", "high").generated.value == 0.0
    assert card.figure("distribution.in_corpus.inception_score").generated.value == pytest.approx(
        1.0, abs=1e-4
    )
    assert card.figure("distribution.in_corpus.recall").generated.value == 0.0
    assert card.figure("distribution.in_corpus.coverage").generated.value < 0.1
    assert card.figure("distribution.in_corpus.frechet_distance").generated.value > 1.0


def test_a_planted_copy_is_the_nearest_pair(classifiers, reference):
    generated = tones(150, seed=3)
    copy = 0.5 * reference.train.sounds[42]
    sounds = (*generated.sounds[:42], copy, *generated.sounds[43:])
    card = evaluate(
        replace(generated, sounds=sounds), reference, classifiers, only=["memorisation"], progress=False
    )
    row, source, near, distance = card.tables["generated"]["memorisation.nearest_pairs"][0]
    assert (row, source, near) == (42, "tones-42.wav", "real train-42.wav")
    assert distance < 0.3 * card.figure("memorisation.nearest.p50").real.value


def test_parts_are_kept(classifiers, reference, monkeypatch):
    generated = tones(100, seed=5)
    first = evaluate(generated, reference, classifiers, only=["speaker"], progress=False)

    def never(comparison, clips):
        raise AssertionError("measured again")

    monkeypatch.setitem(parts.PARTS, "speaker", Part(never, uses=("in_corpus",)))
    assert evaluate(generated, reference, classifiers, only=["speaker"], progress=False) == first


def test_a_part_that_names_its_code_is_kept_under_it(classifiers, reference, monkeypatch):
    comparison, clips = parts.Comparison(reference, classifiers, InputConfig()), tones(10, seed=5)
    before = {part: parts.key_of(comparison, part, clips) for part in ("detection", "band")}
    monkeypatch.setattr(parts, "code_digest", lambda *modules: "other code")
    assert parts.key_of(comparison, "detection", clips) != before["detection"]
    assert parts.key_of(comparison, "band", clips) == before["band"]


def test_few_clips_give_no_number(classifiers, reference):
    card = evaluate(tones(20, seed=3), reference, classifiers, progress=False)
    assert card.figure("distribution.in_corpus.recall").generated == "not enough clips (needs 100)"
    assert card.figure("memorisation.nearest.p1").generated == "not enough clips (needs 100)"
    assert isinstance(card.figure("recognition.in_corpus.accuracy").generated, Interval)
    assert "not enough clips (needs 100)" in "\n".join(card.lines())
    # Reasons for empty cells are below the table, once each.
    lines = card.lines()
    assert max(map(len, lines)) <= 110
    (reason,) = [line for line in lines if line.endswith("not enough clips (needs 100)")]
    number = reason.split()[0]
    assert sum(number in line.split() for line in lines) > 2


def test_a_classifier_that_mistakes_real_clips_is_marked(classifiers, reference):
    wrong = replace(reference.test, labels=np.where(np.arange(200) < 60, 0, reference.test.labels))
    card = evaluate(
        tones(50, seed=3), replace(reference, test=wrong), classifiers, only=["recognition"], progress=False
    )
    assert card.unreliable["in_corpus"] == pytest.approx(0.85)
    assert "! the in-corpus classifier is unreliable: its accuracy on real clips is 85.0 %" in "\n".join(
        card.lines()
    )


def test_a_label_that_a_classifier_mistakes_in_real_clips_is_named(classifiers, reference):
    wrong = replace(reference.test, labels=np.where(np.arange(200) < 20, 0, reference.test.labels))
    card = evaluate(
        tones(50, seed=3), replace(reference, test=wrong), classifiers, only=["recognition"], progress=False
    )
    assert card.unreliable == {}  # 190 of 200 are right
    assert card.unreliable_labels["in_corpus"] == {"low": pytest.approx(100 / 110)}
    assert "! the in-corpus classifier is unreliable for low (91 % of real clips)" in "\n".join(card.lines())
    assert json.loads(card.to_json())["unreliable_labels"]["in_corpus"].keys() == {"low"}
    assert card.summary()["unreliable_labels"] == {"in_corpus": ["low"], "off_the_shelf": ["low"]}


def test_the_verdict_trusts_a_reliable_classifier_first_and_says_what_lacks(classifiers, reference):
    def figure(key, generated, real):
        values = [Interval(value, value, value, 100) for value in (generated, real)]
        return Figure(key, *values, None)

    card = evaluate(tones(50, seed=3), reference, classifiers, only=["recognition"], progress=False)
    figures = (
        figure("recognition.cross_corpus.accuracy", 0.9, 0.9),
        figure("recognition.in_corpus.accuracy", 0.98, 0.99),
        figure("band.above_4k", -50, -20),
        figure("speaker.similarity", 0.7, 0.9),
        figure("speaker.similarity.others", 0.65, 0.6),
    )
    assert verdict(replace(card, figures=figures)) == (
        "Generated words are recognised as often as real ones (98.0 % against 99.0 %). "
        "They lack what real ones have above 4 kHz. "
        "They sound unlike the speakers asked for (similarity 0.70; real ones 0.90, other speakers 0.60)."
    )


def test_selection_is_printed(classifiers, reference, tmp_path):
    generated = replace(tones(50, seed=3), selection="the best of <ten>")
    card = evaluate(generated, reference, classifiers, only=["recognition"], progress=False)
    assert "SELECTED: the best of <ten>" in "\n".join(card.lines())
    write_page(tmp_path / "page.html", card, generated, reference)
    assert "SELECTED: the best of &lt;ten&gt;" in (tmp_path / "page.html").read_text()


def test_the_page_holds_everything(classifiers, reference, tmp_path):
    for row, sound in enumerate(reference.train.sounds):
        audio.write(tmp_path / f"{row}.wav", sound, 8000)
    sources = tuple(str(tmp_path / f"{row}.wav") for row in range(len(reference.train)))
    reference = replace(reference, train=replace(reference.train, sources=sources))
    generated = tones(120, seed=3)
    card = evaluate(generated, reference, classifiers, progress=False)
    card = replace(card, cost={"clips_per_second": 123.0})
    write_page(tmp_path / "page.html", card, generated, reference)
    page = (tmp_path / "page.html").read_text()
    assert page.count("<audio") == 4 + 4 + 20  # generated and real, each label and speaker; ten nearest pairs
    assert "http" not in page.replace("http-equiv", "")
    assert "clips per second" in page
    pairs = files.make_folder(tmp_path / "pairs")
    write_pairs(pairs, card, generated, reference.train)
    assert {path.name for path in pairs.iterdir()} == {
        f"{number:02}-{side}.{kind}"
        for number in range(1, 11)
        for side in ("generated", "train")
        for kind in ("wav", "png")
    }
    row, _, source, _ = card.tables["generated"]["memorisation.nearest_pairs"][0]
    nearest = audio.read(pairs / "01-train.wav").samples
    np.testing.assert_allclose(nearest, reference.train.sound_of(source), atol=1e-4)
    np.testing.assert_allclose(
        audio.read(pairs / "01-generated.wav").samples, generated.sounds[int(row)], atol=1e-4
    )
    stored = json.loads(card.to_json())
    assert stored["figures"][0]["generated"]["value"] == 1.0
    assert stored["unreliable_classifiers"] == {}


def test_strange_parts_and_labels(classifiers, reference):
    with pytest.raises(ConfigError, match="the parts are recognition"):
        evaluate(tones(50, seed=3), reference, classifiers, only=["beauty"], progress=False)
    strange = replace(tones(50, seed=3), label_names=("low", "shrill"))
    with pytest.raises(ScoreError, match="says shrill, of which the recordings that it is compared with"):
        evaluate(strange, reference, classifiers, progress=False)


class Parrot:
    """A sampler that makes tones."""

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


def test_a_scorecard_is_read_as_it_was_written(classifiers, reference):
    card = evaluate(tones(120, seed=3), reference, classifiers, progress=False)
    stored = card.to_json()
    assert read_scorecard(stored).to_json() == stored
    assert read_scorecard(stored).figures == card.figures
    assert json.loads(stored)["schema"] == 1
    for wrong in ("", "[]", "{}", stored.replace('"schema": 1', '"schema": 0')):
        with pytest.raises(ConfigError):
            read_scorecard(wrong)


def test_a_model_card_says_what_its_scorecard_says(classifiers, reference):
    card = evaluate(tones(200, seed=3), reference, classifiers, progress=False)
    assert verdict_of_card({"scores": card.summary()}) == verdict(card) != ""


@pytest.mark.parametrize(
    "scores",
    [
        None,
        [],
        {"figures": []},
        {"figures": {"naturalness.dnsmos.overall": {"generated": [1, "2", 3], "real": [1, 2]}}},
        {"figures": {"naturalness.dnsmos.overall": {"generated": [1e999, 2, 3], "real": 1}}},
        {"figures": {"speaker.similarity": 1}, "unreliable_classifiers": 7},
    ],
)
def test_of_a_card_that_makes_no_sense_nothing_is_said(scores):
    assert verdict_of_card({"scores": scores}) == ""


def test_the_verdict_says_what_the_figures_say(classifiers, reference):
    card = evaluate(tones(200, seed=3), reference, classifiers, progress=False)
    words, sound, voices, copies_of = verdict(card).split(" They ")
    assert words == "Generated words are recognised as often as real ones (100.0 % against 100.0 %)."
    assert sound == "sound as natural as real ones (DNSMOS 2.50 against 2.50)."
    assert voices.startswith("sound like the speakers asked for (similarity ")
    assert copies_of == "are no nearer to training clips than real test clips are: none was memorised."
    assert [row.title for row in headlines(card)] == [
        "Accuracy",
        "Naturalness (DNSMOS)",
        "Speaker accuracy",
        "Speaker similarity",
        "Distance to training clips",
        "Fréchet distance",
    ]
    copies = replace(reference.train.take(np.arange(150)), name="copies")
    copied = evaluate(copies, reference, classifiers, only=["recognition", "memorisation"], progress=False)
    assert verdict(copied).endswith("they may have been memorised.")
    one_word = replace(copies, sounds=tuple(copies.sounds[0] for _ in range(150)))
    stuck = evaluate(one_word, reference, classifiers, only=["recognition"], progress=False)
    assert "clearly less often than real ones (50.0 % against 100.0 %)" in verdict(stuck)


def test_real_clips_are_asked_about_once(classifiers, reference, fresh_cache):
    asked = []

    class Counted(StandInClassifier):
        def predict(self, sounds, rate):
            asked.append(len(sounds))
            return super().predict(sounds, rate)

    only = ["recognition", "distribution", "speaker"]
    counted = stand_in_classifiers(in_corpus=Counted())
    evaluate(tones(120, seed=3), reference, counted, only=only, progress=False)
    assert sorted(asked) == [120, 120, 200]  # generated, as many real training clips, real test clips
