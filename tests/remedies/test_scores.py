"""What is said of scores and of the study, followed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from messages import message
from stand_ins import tones
from tiny_corpus import write_corpus
from voxlet.cli.main import main
from voxlet.errors import ConfigError, ScoreError
from voxlet.evaluation.evaluate import parts_asked
from voxlet.evaluation.scorecard import read_scorecard
from voxlet.study.plan import chosen

follows = pytest.mark.follows


@follows("evaluation/clipset.py: the reference's labels are …")
def test_labels_of_the_reference() -> None:
    clips = tones(8, seed=1)
    line = message(ScoreError, clips.renamed, ("up", "low"), ("ann", "bob"))
    labels = tuple(line.partition("labels are ")[2].split(", "))
    assert labels == ("up", "low")
    only = clips.take(clips.labels == clips.label_names.index("low"))
    assert only.renamed(labels, ("ann", "bob")).label_names == labels


@follows("evaluation/evaluate.py: the parts are …")
def test_parts_that_there_are() -> None:
    names = message(ConfigError, parts_asked, ["beauty"]).partition("the parts are ")[2].split(", ")
    assert parts_asked(names) == names


@pytest.mark.slow
@pytest.mark.usefixtures("stand_ins")
@follows("evaluation/score.py: make its folder, or let it be written to")
@follows("evaluation/score.py: name a file")
@follows("evaluation/scorecard.py: measure again: voxlet score ... --json FILE")
def test_where_scores_are_written(tmp_path: Path) -> None:
    corpus = str(write_corpus(tmp_path / "tones", takes=20))
    command = ["score", "--clips", corpus, "--corpus", corpus, "--only", "recognition", "--json"]
    folder = tmp_path / "scores"
    assert main([*command, str(folder / "FILE")]) == 2
    folder.mkdir()
    assert main([*command, str(folder)]) == 2
    assert main([*command, str(folder / "FILE")]) == 0
    stored = json.loads((folder / "FILE").read_text())
    message(ConfigError, read_scorecard, json.dumps({**stored, "schema": 0}))
    assert main([*command, str(folder / "FILE")]) == 0
    assert read_scorecard((folder / "FILE").read_text()).figures


@follows("study/plan.py: the rows are …")
def test_rows_that_there_are() -> None:
    for name in message(ConfigError, chosen, ("nope",), False).partition("the rows are ")[2].split(", "):
        assert [row.name for row in chosen((name,), False)] == [name]
