"""`voxlet score` from end to end, with classifiers that need no training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tiny_corpus import DATA_FLAGS, write_corpus
from tiny_voice import info, voice_bytes
from voxlet.cli.main import main
from voxlet.errors import ConfigError, FileError
from voxlet.evaluation import score
from voxlet.speak.voice import load_voice
from voxlet.speak.voice_file import read_voice


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    return write_corpus(tmp_path_factory.mktemp("score") / "tones", takes=20)


@pytest.fixture(scope="module")
def run(corpus, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run") / "tiny"
    asked = ["train", "mlp", "--corpus", str(corpus), "--run", str(folder), *DATA_FLAGS]
    asked += ["--epochs", "2", "--learning-rate", "0.01", "--model.widths", "16"]
    assert main([*asked, "--model.latent-size", "3"]) == 0
    return folder


pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("stand_ins")]


def test_a_folder_of_clips(corpus, tmp_path, capsys):
    answer, page = tmp_path / "card.json", tmp_path / "card.html"
    asked = ["score", "--clips", str(corpus), "--corpus", str(corpus), "--only", "recognition, speaker"]
    assert main([*asked, "--json", str(answer), "--html", str(page), "--selected", "by ear"]) == 0
    text = capsys.readouterr().out
    assert "80 clips at 8,000 Hz, seed 0, SELECTED: by ear" in text
    assert "accuracy, in-corpus classifier" in text
    stored = json.loads(answer.read_text())
    assert stored["selection"] == "by ear"
    assert {figure["key"].split(".")[0] for figure in stored["figures"]} == {"recognition", "speaker"}
    written = page.read_text()
    assert written.startswith("<!doctype html>")
    assert written.count('alt="figures as dots"') == 1
    assert "://" not in written  # the page is self-contained


@pytest.mark.skipif(not Path("/dev/stdout").exists(), reason="descriptors of POSIX")
def test_figures_on_standard_output_stand_there_alone(corpus, tmp_path, capfd):
    asked = ["score", "--clips", str(corpus), "--corpus", str(corpus), "--only", "recognition"]
    (tmp_path / "link").symlink_to("/dev/stdout")
    for path in ("/dev/stdout", tmp_path / "link"):
        assert main([*asked, "--json", str(path)]) == 0
        assert json.loads(capfd.readouterr().out)["figures"]


def test_layouts_are_told_and_readings_shown(corpus, tmp_path, capsys):
    """With layouts that take speakers for labels, the metrics are those of speakers."""
    layout = "{speaker}_{label}_{take}"
    asked = ["score", "--clips", str(corpus), "--corpus", str(corpus), "--only", "recognition"]
    assert main([*asked, "--layout", layout, "--clips-layout", layout, "--json", str(tmp_path / "a")]) == 0
    told = capsys.readouterr().err
    assert told.count(f"layout: {layout}, as given") == 2
    assert told.count("80 used") == 2


def test_a_run_shows_its_latent_space(run, capsys, tmp_path):
    answer, page = tmp_path / "card.json", tmp_path / "card.html"
    asked = ["score", str(run), "--count", "24", "--json", str(answer), "--html", str(page)]
    assert main([*asked, "--only", "recognition,latents,reconstruction"]) == 0
    text = capsys.readouterr().out
    assert "Latent space" in text
    assert "clips per second" in text
    stored = json.loads(answer.read_text())["figures"]
    figures = {(figure["key"], figure["label"]): figure["generated"] for figure in stored}
    assert 0 <= figures["latents.label.linear_probe", None]["value"] <= 1
    assert figures["latents.active_units", None]["value"] in (0, 1, 2, 3)
    assert figures["latents.kl.by_unit", "2"]["value"] >= 0
    usual, refined = (figures[f"latents.explained_share{end}", None]["value"] for end in ("", ".refined"))
    assert usual < refined < 1
    assert f"{100 * refined:.1f} %" in text
    assert 0 < figures["reconstruction.log_mel_l1", None]["value"] < 3
    written = page.read_text()
    assert all(f'alt="{name}"' in written for name in ("loss", "kl", "latents", "spectrograms"))


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give either a run or voice, or --clips FOLDER"),
        (["nobody"], "there is no run and no voice 'nobody'"),
        (["nobody", "--count", "0"], "--count 0 is less than 1"),
        (["nobody", "--selected", "by ear"], "goes only with --clips"),
        (["--clips", "CORPUS", "--corpus", "CORPUS", "--only", "beauty"], "no part 'beauty'"),
        (["--clips", "CORPUS", "--corpus", "CORPUS", "--only", "latents"], "only for the run of a clip VAE"),
        (["--clips", "CORPUS", "--corpus", "nowhere"], "no such folder, manifest or known corpus"),
    ],
)
def test_mistakes_give_one_line(arguments, said, corpus, capsys):
    assert main(["score", *(argument.replace("CORPUS", str(corpus)) for argument in arguments)]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("voxlet: ") == 1


def test_fresh_styles_of_a_voice(corpus, capsys, tmp_path):
    voice, answer = tmp_path / "tiny.voice", tmp_path / "card.json"
    voice.write_bytes(voice_bytes(info(("zero", "one"))))
    asked = ["score", str(voice), "--corpus", str(corpus), "--count", "8", "--json", str(answer)]
    assert main([*asked, "--only", "styles"]) == 0
    assert "Fresh styles" in capsys.readouterr().out
    figures = {figure["key"]: figure for figure in json.loads(answer.read_text())["figures"]}
    assert figures["styles.distance"]["generated"]["count"] == 24
    assert figures["styles.distance"]["real"]["value"] > 0
    assert figures["styles.duplicates"]["generated"]["count"] == 24


def test_parts_that_a_model_has_not(corpus, run, tmp_path, capsys):
    voice = tmp_path / "tiny.voice"
    voice.write_bytes(voice_bytes(info(("zero", "one"))))
    for model, part, having in (
        (voice, "latents", "the run of a clip VAE"),
        (voice, "reconstruction", "a run"),
        (run, "styles", "a voice"),
    ):
        asked = ["score", str(model), "--corpus", str(corpus), "--count", "4", "--only", part]
        assert main(asked) == 2
        assert f"--only: '{part}' is measured only for {having}" in capsys.readouterr().err


def test_a_voice_is_stamped_with_its_figures(corpus, tmp_path, capsys):
    path = tmp_path / "tiny.voice"
    path.write_bytes(voice_bytes(info(("zero", "one"))))
    before, sound = read_voice(path), load_voice(path).say("01", seed=4).samples.tobytes()
    asked = ["score", str(path), "--corpus", str(corpus), "--count", "12", "--only", "recognition", "--stamp"]
    assert main(asked) == 0
    after = read_voice(path)
    assert load_voice(path).say("01", seed=4).samples.tobytes() == sound
    assert after.digest == before.digest
    assert after.model != before.model
    scores = after.info.card["scores"]
    assert (scores["clips"], scores["seed"], scores["reference"]) == (12, 0, corpus.name)
    value, low, high = scores["figures"]["recognition.in_corpus.accuracy"]["generated"]
    assert 0 <= low <= value <= high <= 1
    assert not any("by_label" in key for key in scores["figures"])  # nothing by label
    for others in (["--clips", str(corpus)], [str(tmp_path)]):
        capsys.readouterr()
        assert main(["score", *others, "--corpus", str(corpus), "--stamp"]) == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_a_run_of_spectrograms_has_no_card_to_stamp(run, capsys):
    assert main(["score", str(run), "--stamp"]) == 2
    assert "--stamp: needs a voice" in capsys.readouterr().err


@pytest.mark.parametrize("flag", ["--json", "--html"])
def test_nothing_is_measured_where_the_answer_cannot_be_written(corpus, flag, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(score, "read_folder", lambda folder: pytest.fail("read before it was checked"))
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "card")
    for path in (tmp_path / "nowhere" / "card", tmp_path / "link", tmp_path):
        assert main(["score", "--clips", str(corpus), "--corpus", str(corpus), flag, str(path)]) == 2
        error = capsys.readouterr().err
        assert flag in error
        assert str(path) in error
        assert error.count("voxlet: ") == 1


def test_where_links_and_descriptors_lead_is_what_has_to_be_writable(tmp_path, monkeypatch):
    shut, there = tmp_path / "shut", tmp_path / "there"
    for folder in (shut, there):
        folder.mkdir()
    monkeypatch.setattr(score.os, "access", lambda path, mode: Path(path) != shut.resolve())
    (shut / "link").symlink_to(there / "card.json")
    (there / "link").symlink_to(shut / "card.json")
    score.check_writable(score.Outputs(json=shut / "link", page=Path("/dev/stdout")), None)
    for path in (there / "link", shut / "card.json"):
        with pytest.raises(ConfigError, match="cannot be written"):
            score.check_writable(score.Outputs(json=path), None)


def test_figures_are_shown_and_the_rest_is_written_where_a_file_cannot_be(
    corpus, tmp_path, capsys, monkeypatch
):
    def full(path, *arguments):
        raise FileError("cannot be written (No space left on device)", where=path)

    asked = ["score", "--clips", str(corpus), "--corpus", str(corpus), "--only", "recognition"]
    asked += ["--json", str(tmp_path / "card.json"), "--html", str(tmp_path / "card.html")]
    with monkeypatch.context() as patch:
        patch.setattr(score.files, "write_atomically", full)
        assert main(asked) == 2
    shown, error = capsys.readouterr()
    assert "accuracy, in-corpus classifier" in shown
    assert error.count("voxlet: ") == 1
    assert "card.json: cannot be written" in error
    assert "card.html: cannot be written" in error
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(score, "write_page", full)
    assert main(asked) == 2
    shown, error = capsys.readouterr()
    assert "accuracy, in-corpus classifier" in shown
    assert error.count("voxlet: ") == 1
    assert error.endswith(f"voxlet: {tmp_path / 'card.html'}: cannot be written (No space left on device)\n")
    assert [path.name for path in tmp_path.iterdir()] == ["card.json"]


def test_a_refusal_makes_no_folder_for_pairs(corpus, tmp_path, capsys):
    asked = ["score", "--clips", str(corpus), "--corpus", str(corpus), "--pairs", str(tmp_path / "pairs")]
    assert main([*asked, "--json", str(tmp_path / "nowhere" / "card")]) == 2
    assert "--json" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_language_of_what_is_measured_and_of_the_recordings(corpus, tmp_path, capsys):
    path = tmp_path / "tiny.voice"
    path.write_bytes(voice_bytes(info(("zero", "one"), language="ar")))
    asked = ["score", str(path), "--corpus", str(corpus), "--count", "4", "--only", "speaker"]
    for language, said in (
        (
            "en",
            "what is measured speaks 'ar', the recordings are in 'en'; name recordings in 'ar' with",
        ),
        ("english", "language: 'english' is not a language tag; give a BCP 47 tag, such as en"),
    ):
        assert main([*asked, "--language", language]) == 2
        error = capsys.readouterr().err
        assert said in error.splitlines()[-1]
        assert error.count("voxlet: ") == 1
    assert main([*asked, "--language", "ar-EG"]) == 0
    path.write_bytes(voice_bytes(info(("zero", "one"))))
    capsys.readouterr()
    assert main(["score", str(path), "--language", "english"]) == 2
    assert "'english' is not a language tag" in capsys.readouterr().err
    assert main(["score", str(path), "--count", "4"]) == 2
    assert "the voice does not say its language; name real recordings" in capsys.readouterr().err
    path.write_bytes(voice_bytes(info(("zero", "one"), language="tlh")))
    assert main(["score", str(path), "--count", "4"]) == 2
    assert (
        "the voice speaks 'tlh', which no known corpus does; name real recordings" in capsys.readouterr().err
    )


def test_the_usual_corpus_is_of_the_language():
    assert [score.usual_corpus(language) for language in ("en", "en-US", "ar")] == [
        "fsdd",
        "fsdd",
        "arabic_speech_commands",
    ]


def test_an_older_voice_speaks_the_language_of_its_known_corpus():
    assert score.voice_language(load_voice("digits")) == "en"
