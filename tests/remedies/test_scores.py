"""Following the remedies in messages about scores and the study."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

import tiny_voice
from messages import message
from tiny_corpus import FLAGS, write_corpus
from voxlet.cli.main import main
from voxlet.corpus.corpus import open_corpus
from voxlet.errors import ConfigError
from voxlet.evaluation import score
from voxlet.evaluation.evaluate import parts_asked
from voxlet.evaluation.reference import open_reference
from voxlet.evaluation.score import with_language
from voxlet.evaluation.scorecard import read_scorecard
from voxlet.study.plan import chosen
from voxlet.words.language import check_language

follows = pytest.mark.follows


@pytest.mark.usefixtures("stand_ins")
@follows("evaluation/clipset.py: name recordings of all its words: --corpus FOLDER")
def test_a_voice_of_more_words_than_the_recordings_have(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The score is refused before anything is generated or a classifier is trained."""
    voice = tmp_path / "three.voice"
    voice.write_bytes(tiny_voice.voice_bytes(tiny_voice.info(("zero", "one", "two"))))
    command = ["score", str(voice), "-n", "12", "--only", "band", "--language", "en", "--corpus"]
    some = write_corpus(tmp_path / "some")
    with monkeypatch.context() as patch:
        patch.setattr(score, "sample_and_time", None)
        patch.setattr(score, "open_classifiers", None)
        assert main([*command, str(some)]) == 2
    *_, told = capsys.readouterr().err.splitlines()
    assert told.startswith("voxlet: tiny: says two, of which the recordings that it is compared with have no")
    folder = write_corpus(tmp_path / "all")
    for take in range(4):
        shutil.copy(folder / f"one_ann_{take}.wav", folder / f"two_ann_{take}.wav")
    assert main([*command, str(folder)]) == 0


@follows("evaluation/evaluate.py: the parts are …")
def test_parts_that_there_are() -> None:
    names = message(ConfigError, parts_asked, ["beauty"]).partition("the parts are ")[2].split(", ")
    assert parts_asked(names) == names


@pytest.mark.slow
@pytest.mark.usefixtures("stand_ins")
@follows("evaluation/score.py: make its folder, or allow writing there")
@follows("evaluation/score.py: name a file")
@follows("evaluation/score.py: name two different files")
@follows("evaluation/scorecard.py: measure again: voxlet score ... --json FILE")
def test_where_scores_are_written(tmp_path: Path) -> None:
    corpus = str(write_corpus(tmp_path / "tones", takes=20))
    command = ["score", "--clips", corpus, "--corpus", corpus, "--only", "recognition", "--json"]
    folder = tmp_path / "scores"
    assert main([*command, str(folder / "FILE")]) == 2
    folder.mkdir()
    assert main([*command, str(folder)]) == 2
    assert main([*command, str(folder / "FILE"), "--html", str(folder / "FILE")]) == 2
    assert main([*command, str(folder / "FILE"), "--html", str(folder / "PAGE")]) == 0
    assert (folder / "PAGE").read_text().startswith("<!doctype html>")
    assert main([*command, str(folder / "FILE")]) == 0
    stored = json.loads((folder / "FILE").read_text())
    message(ConfigError, read_scorecard, json.dumps({**stored, "schema": 0}))
    assert main([*command, str(folder / "FILE")]) == 0
    assert read_scorecard((folder / "FILE").read_text()).figures


@pytest.mark.slow
@pytest.mark.usefixtures("stand_ins")
@follows("evaluation/reference.py: give recordings with three or more takes of each label: --corpus FOLDER")
def test_recordings_that_are_all_trained_on(tmp_path: Path) -> None:
    few = str(write_corpus(tmp_path / "few", takes=1))
    run = str(tmp_path / "run")
    assert main(["train", "mlp", "--corpus", few, "--run", run, *FLAGS, "--epochs", "1"]) == 0
    command = ["score", run, "--count", "8", "--only", "recognition"]
    assert main(command) == 2
    assert main([*command, "--corpus", str(write_corpus(tmp_path / "FOLDER", takes=2))]) == 0


@follows("study/plan.py: the rows are …")
def test_rows_that_there_are() -> None:
    for name in message(ConfigError, chosen, ("nope",), False).partition("the rows are ")[2].split(", "):
        assert [row.name for row in chosen((name,), False)] == [name]


@follows("words/language.py: give a BCP 47 tag, such as en for English, ar for Arabic or pt-BR")
def test_tags_of_languages() -> None:
    examples = message(ConfigError, check_language, "english").partition("such as ")[2]
    tags = re.findall(r"\b[a-z]{2}(?:-[A-Z]{2})?\b(?= for|$)", examples)
    assert tags == ["en", "ar", "pt-BR"]
    assert [check_language(tag) for tag in tags] == tags


@follows("corpus/corpus.py: leave the language out")
def test_the_language_of_a_known_corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path / "fsdd" / "recordings")
    monkeypatch.setenv("VOXLET_DATA", str(tmp_path))
    message(ConfigError, open_corpus, "fsdd", language="ar")
    assert open_corpus("fsdd").language == "en"


@pytest.mark.slow
@pytest.mark.usefixtures("stand_ins")
@follows("evaluation/score.py: leave the language out")
@follows("evaluation/score.py: name real recordings to compare with: --corpus NAME_OR_FOLDER")
@follows("evaluation/score.py: name recordings in … with --corpus")
def test_what_a_voice_is_compared_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    english = write_corpus(tmp_path / "data" / "fsdd" / "recordings", takes=20).parent
    own = write_corpus(tmp_path / "own", takes=20)
    monkeypatch.setenv("VOXLET_DATA", str(english.parent))
    path = tmp_path / "a.voice"
    command = ["score", str(path), "--count", "8", "--only", "recognition"]
    for language in ("unknown", "ar"):
        labels = tiny_voice.info(("zero", "one"), **({} if language == "unknown" else {"language": language}))
        path.write_bytes(tiny_voice.voice_bytes(labels))
        assert main([*command, *(["--corpus", "fsdd"] if language == "ar" else [])]) == 2
        assert main([*command, "--corpus", str(own)]) == 0
    path.write_bytes(tiny_voice.voice_bytes(tiny_voice.info(("zero", "one"))))
    reference = replace(open_reference(str(own)), language="en")
    message(ConfigError, with_language, reference, "ar")
    assert with_language(reference, None).language == "en"
