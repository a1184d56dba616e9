"""The study on tiny models: rows trained, measured, stored, resumed, and reported, failures included."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from unittest.mock import Mock

import pytest

from tiny_corpus import write_corpus
from voxlet.cli.main import main
from voxlet.corpus.prepare import Preparation
from voxlet.errors import ConfigError, TrainingError
from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.model_parts import loss_bounds
from voxlet.models.clip.config import MLPConfig
from voxlet.recipes.clip.config import ClipTraining
from voxlet.recipes.opened import load_run
from voxlet.recipes.presets import PRESETS
from voxlet.spectral.config import SpectrogramConfig
from voxlet.study import measure, plan, report, run, speeds, tuning
from voxlet.study.outcome import Outcome, Study
from voxlet.study.plan import QUESTIONS, ROWS, Row, changed, chosen
from voxlet.study.run import StudyRequest, make_study, read_study

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("stand_ins")]


TINY = ClipTraining(
    MLPConfig(widths=(16,), latent_size=3),
    preparation=Preparation(rate=8000, length=0.4, outliers=None),
    spectrogram=SpectrogramConfig(rate=8000, n_fft=128, hop=64),
    learning_rate=0.01,
)
MADE = (
    Row("small", "small", "tiny", 2, full=True),
    Row("silent", "no phase", "tiny", 2, phase="none", run="small"),
    Row("half", "half the clips", "tiny", 2, (("train_share", 0.5), ("model.latent_size", 2))),
)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("run") / "tones", takes=20)


@pytest.fixture
def tiny(monkeypatch):
    """Replace the study's rows with tiny models."""
    monkeypatch.setitem(PRESETS, "tiny", TINY)
    monkeypatch.setattr(plan, "STUDY_PREPARATION", TINY.preparation)
    monkeypatch.setattr(plan, "ROWS", {row.name: row for row in MADE})
    for module in (report, run):
        monkeypatch.setattr(module, "ROWS", plan.ROWS)
    monkeypatch.setattr(report, "MODELS", MADE[:1])
    monkeypatch.setattr(
        report,
        "QUESTIONS",
        (replace(QUESTIONS[0], rows=("small", "half")), replace(QUESTIONS[-1], rows=("silent", "small"))),
    )
    monkeypatch.setattr(measure, "FULL_PARTS", ("recognition",))
    monkeypatch.setattr(measure, "PARTS", ("recognition",))


def test_rows_are_trained_measured_kept_and_shared(tiny, corpus, tmp_path, monkeypatch):
    out = tmp_path / "first"
    made = make_study(StudyRequest(out, corpus=str(corpus), count=12, voice=None))
    assert list(made.outcomes) == ["small", "silent", "half"]
    assert all(outcome.error is None for outcome in made.outcomes.values())
    small, silent, half = made.outcomes.values()
    assert small.test_loss == silent.test_loss  # one run, two ways of making sound
    assert {path.name for path in (out / "runs").iterdir()} == {"small", "half"}
    assert small.test_loss > 0
    assert small.explained < 1
    assert small.parameters > half.parameters
    assert len(small.curve) == 2
    assert small.figures["recognition.in_corpus.accuracy"]["generated"].count == 12
    # A whole scorecard looks into the three latent numbers.
    assert len(small.kl_per_unit) == 3
    assert "latents.active_units" in small.figures
    assert "latents.active_units" not in half.figures
    assert set(made.speeds.epochs) == {"small"}
    assert 0 < made.speeds.epochs["small"] < 10
    assert set(made.samples["small"]) == {"zero", "one"}
    # Stored results can be shared: they do not contain the paths where they were made.
    assert not any(str(tmp_path) in path.read_text() for path in (out / "rows").iterdir())

    page = report.write_report(made).read_text()
    assert page.count("<audio") == 2
    assert "<code>voxlet study --corpus" in page
    text = (out / "report.md").read_text()
    assert re.search(r"\| small \| 2 \| 0\.1 M \| [\d.]+ \| [\d.]+ \| [\d,.]+ \|", text)
    assert made.speeds.machine in text
    assert re.search(r"\| small \| [\d.]+ % \[.*\| [0-3] \| [\d.]+ \|\n", text)
    assert re.search(r"The lowest test loss has (small|half the clips) with [\d,.]+ nats a clip", text)
    assert "By the in-corpus classifier, accuracy is highest for" in text
    assert {"losses.png", "latents.png"} <= {path.name for path in out.iterdir()}

    # Nothing is trained or measured again; another run may share the runs.
    monkeypatch.setattr(measure, "measure_row", lambda *arguments: pytest.fail("measured again"))
    timed = Mock(side_effect=speeds.time_steps)
    monkeypatch.setattr(speeds, "time_steps", timed)
    assert make_study(StudyRequest(out, corpus=str(corpus), count=12, voice=None)) == made
    assert timed.call_count == 0
    monkeypatch.setattr(speeds, "processor", lambda: "another")
    rows = [plan.ROWS["small"]]
    assert speeds.speeds_of(rows, str(corpus), out / "speeds.json").machine == "another"
    assert timed.call_count == 1
    monkeypatch.undo()


@pytest.mark.usefixtures("sketches")
def test_rows_made_one_after_the_other_are_one_study(tiny, corpus, tmp_path):
    first = make_study(StudyRequest(tmp_path, corpus=str(corpus), count=6, only=("small",), voice=None))
    report.write_report(first)
    assert "These rows were not made: silent, half." in (tmp_path / "report.md").read_text()
    second = make_study(StudyRequest(tmp_path, corpus=str(corpus), count=6, only=("half",), voice=None))
    assert list(second.outcomes) == ["small", "half"]
    assert second.outcomes["small"] == first.outcomes["small"]
    # Results with other settings belong to another run.
    assert not make_study(
        StudyRequest(tmp_path, corpus=str(corpus), count=5, only=("voice",), voice=None)
    ).outcomes


@pytest.mark.usefixtures("sketches")
def test_a_voice_is_measured_once(tiny, corpus, tmp_path, monkeypatch):
    measured, figures = [], {"x": {"generated": interval(0.5, 0.1), "real": None}}
    monkeypatch.setattr(
        run, "figures_of", lambda voice, *rest, **options: measured.append(voice.name) or figures
    )
    for _ in range(2):
        made = make_study(
            StudyRequest(tmp_path, corpus=str(corpus), count=6, only=("voice",), voice="digits")
        )
        assert made.outcomes["voice"].figures == figures
    # A stored row is reported beside rows that are requested without it; one that is not stored is left out.
    beside = make_study(StudyRequest(tmp_path, corpus=str(corpus), count=6, only=("small",), voice="digits"))
    assert list(beside.outcomes) == ["small", "voice"]
    alone = make_study(
        StudyRequest(tmp_path / "alone", corpus=str(corpus), count=6, only=("small",), voice="digits")
    )
    assert list(alone.outcomes) == ["small"]
    assert measured.count("digits") == 1
    page = report.write_report(made).read_text()
    assert page.index(">zero<") < page.index(">one<") < page.index(">nine<")
    missing = make_study(StudyRequest(tmp_path, corpus=str(corpus), count=6, only=("voice",), voice="nobody"))
    assert "there is no voice 'nobody'" in missing.outcomes["voice"].error


@pytest.mark.usefixtures("sketches")
def test_another_study_shares_runs(tiny, corpus, tmp_path, monkeypatch):
    runs = tmp_path / "runs"
    first = make_study(
        StudyRequest(tmp_path / "a", corpus=str(corpus), count=6, runs=runs, only=("small",), voice=None)
    )
    weights = {path: path.stat().st_mtime_ns for path in runs.rglob("*.safetensors")}
    assert weights
    second = make_study(
        StudyRequest(tmp_path / "b", corpus=str(corpus), count=6, runs=runs, only=("small",), voice=None)
    )
    assert second.outcomes["small"].test_loss == first.outcomes["small"].test_loss
    assert {path: path.stat().st_mtime_ns for path in runs.rglob("*.safetensors")} == weights


@pytest.mark.usefixtures("sketches")
def test_a_row_that_fails_is_reported_and_the_rest_goes_on(tiny, corpus, tmp_path, monkeypatch):
    train = measure.train

    def failing(preset, where, folder, **options):
        if folder.name == "half":
            raise TrainingError("loss became nan at step 3", where=folder, remedy="try float32")
        return train(preset, where, folder, **options)

    monkeypatch.setattr(measure, "train", failing)
    made = make_study(StudyRequest(tmp_path, corpus=str(corpus), count=6, voice=None))
    assert "loss became nan at step 3" in made.outcomes["half"].error
    assert made.outcomes["small"].error is None
    report.write_report(made)
    assert "## Rows that failed" in (tmp_path / "report.md").read_text()
    # A row that failed is tried again.
    monkeypatch.setattr(measure, "train", train)
    assert (
        make_study(StudyRequest(tmp_path, corpus=str(corpus), count=6, voice=None)).outcomes["half"].error
        is None
    )


@pytest.mark.usefixtures("sketches")
def test_a_damaged_row_is_measured_again(tiny, corpus, tmp_path):
    make_study(StudyRequest(tmp_path, corpus=str(corpus), count=6, only=("small",), voice=None))
    kept = tmp_path / "rows" / "small.json"
    whole = kept.read_text()
    kept.write_text(whole[:100])
    make_study(StudyRequest(tmp_path, corpus=str(corpus), count=6, only=("small",), voice=None))
    assert json.loads(kept.read_text())["test_loss"] == json.loads(whole)["test_loss"]


def test_every_row_of_the_plan_can_be_built_and_every_question_has_its_rows():
    for row in ROWS.values():
        assert row.config().loop.batch_size > 0
        assert (row.run or row.name) in ROWS
        assert row.quick().epochs == max(1, round(row.epochs / 10))
    for question in QUESTIONS:
        assert set(question.rows) <= {*ROWS, "voice"}
    assert {"mlp-50", "mlp-100", "mlp-dropout-100", "cnn-50", "cnn-regularised-50"} <= set(ROWS)


def test_changes_are_made_where_they_say():
    config = changed(changed(TINY, "beta", 4.0), "model.latent_size", 7)
    assert (config.beta, config.model.latent_size, config.model.widths) == (4.0, 7, (16,))
    for field in ("model.width", "alpha", "beta.x"):
        with pytest.raises((ConfigError, TypeError)):
            changed(TINY, field, 1)


def test_a_row_that_is_not_there(capsys, tmp_path):
    with pytest.raises(ConfigError, match="there is no row 'mlp-5000'"):
        chosen(("mlp-5000",), quick=False)
    assert main(["study", "--out", str(tmp_path / "s"), "--only", "mlp-5000"]) == 2
    assert "the rows are mlp-50" in capsys.readouterr().err


def test_a_count_that_makes_no_sense_and_a_folder_that_is_a_file(capsys, tmp_path):
    assert main(["study", "--out", str(tmp_path / "s"), "--count", "0"]) == 2
    assert "--count 0 is less than 1" in capsys.readouterr().err
    taken = tmp_path / "taken"
    taken.write_text("mine")
    assert main(["study", "--out", str(taken)]) == 2
    assert f"{taken}" in capsys.readouterr().err
    assert taken.read_text() == "mine"


def interval(value: float, reach: float) -> Interval:
    return Interval(value, value - reach, value + reach, 100)


def test_findings_say_only_what_the_intervals_hold():
    def outcome(name, loss, share, reach):
        figures = {"recognition.cross_corpus.accuracy": {"generated": interval(share, reach), "real": None}}
        return Outcome(name, name, test_loss=loss, figures=figures)

    rows = {"a": outcome("a", 2300.0, 0.5, 0.02), "b": outcome("b", 2200.0, 0.9, 0.02)}
    question = replace(QUESTIONS[1], rows=("a", "b"))
    told = report.finding(Study(None, "x", False, 100, rows), question, ["a", "b"])
    assert "lowest test loss has b with 2,200.0 nats a clip, the highest a with 2,300.0" in told
    assert told.endswith("accuracy is highest for b (90.0 %) and lowest for a (50.0 %).")
    rows["a"] = outcome("a", 2300.0, 0.88, 0.05)
    told = report.finding(Study(None, "x", False, 100, rows), question, ["a", "b"])
    assert told.endswith("which is within the error of the measure.")
    # Losses of different likelihoods are not ranked.
    told = report.finding(Study(None, "x", False, 100, rows), replace(question, by="accuracy"), ["a", "b"])
    assert "test loss" not in told


@pytest.mark.usefixtures("sketches")
def test_trials_go_on_where_they_stopped(tiny, corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "PRESET", "tiny")
    monkeypatch.setattr(
        tuning, "SPACE", {"learning_rate": (1e-3, 1e-1, "log"), "model.latent_size": (2, 6, "log")}
    )
    two = tuning.tune(tmp_path, str(corpus), 2, epochs=1)
    assert [trial.number for trial in two.trials] == [0, 1]
    assert two.trials[0].settings == {"learning_rate": 0.01, "model.latent_size": 3}  # the preset's own
    three = tuning.tune(tmp_path, str(corpus), 3, epochs=1)
    assert three.trials[:2] == two.trials
    assert len(three.ranked) == 3
    assert three.ranked[0].loss == min(trial.loss for trial in three.trials)
    block = report.hyper_parameters(three)
    assert block.table[0] == ("settings", "learning_rate", "model.latent_size", "validation loss")
    assert "3 settings of cnn-light were tried for 1 epochs each" in block.paragraphs[0]
    (longer,) = tuning.tune(tmp_path, str(corpus), 1, epochs=2).trials  # runs of its own in the same folder
    assert longer.loss is not None
    with pytest.raises(ConfigError, match="-1 is negative"):
        tuning.tune(tmp_path, str(corpus), -1)


@pytest.mark.usefixtures("sketches")
def test_trials_stay_in_the_report(tiny, corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "PRESET", "tiny")
    monkeypatch.setattr(tuning, "SPACE", {"learning_rate": (1e-3, 1e-1, "log")})
    asked = {"corpus": str(corpus), "count": 4, "only": ("voice",), "voice": None}
    tried = make_study(StudyRequest(tmp_path, trials=2, **asked)).tuned
    assert len(tried.trials) == 2
    assert make_study(StudyRequest(tmp_path, **asked)).tuned == tried
    assert make_study(StudyRequest(tmp_path / "another", **asked)).tuned is None


@pytest.mark.usefixtures("sketches")
def test_a_trial_that_fails_counts_and_has_no_loss(tiny, corpus, tmp_path, monkeypatch):
    monkeypatch.setattr(tuning, "PRESET", "tiny")
    monkeypatch.setattr(tuning, "SPACE", {"learning_rate": (1e-3, 1e-1, "log")})

    def failing(*arguments, **options):
        raise TrainingError("loss became nan")

    monkeypatch.setattr(tuning, "train", failing)
    tuned = tuning.tune(tmp_path, str(corpus), 2, epochs=1)
    assert [trial.loss for trial in tuned.trials] == [None, None]
    assert report.hyper_parameters(tuned).paragraphs == ("No trial could be trained.",)


@pytest.mark.usefixtures("sketches")
def test_the_share_explained_lies_between_its_bounds(corpus, tmp_path, tiny):
    request = StudyRequest(tmp_path, corpus=str(corpus), count=4, only=("small",), voice=None)
    small = make_study(request).outcomes["small"]
    bounds = loss_bounds(load_run(tmp_path / "runs" / "small"))
    assert bounds.entropy < bounds.mean_spectrogram
    assert small.explained == pytest.approx(bounds.explained(small.test_loss))


@pytest.mark.usefixtures("sketches")
def test_a_kept_study_is_read_for_its_figures(corpus, tmp_path, tiny):
    made = make_study(StudyRequest(tmp_path, corpus=str(corpus), count=6, only=("small",), voice=None))
    read = read_study(tmp_path)
    assert read.outcomes == made.outcomes
    assert read.speeds == made.speeds
    head, small, real = report.headline_table(read)
    assert head[0] == "model"
    assert small[0] == "small"
    assert real[0] == "real test clips"
    assert read_study(tmp_path / "nowhere").outcomes == {}
