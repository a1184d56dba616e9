"""What `voxlet corpus inspect` prints and draws."""

from __future__ import annotations

import html
import json
from dataclasses import replace

import matplotlib.image
import numpy as np
import pytest

from synthetic import word, write_clip
from voxlet.cli.main import main
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.look import report
from voxlet.corpus.look.inspection import measure, summarise
from voxlet.corpus.look.report import decibels, write_page
from voxlet.corpus.speakers import plausible_age, read_metadata, tidy
from voxlet.errors import FileError
from voxlet.plots import figure


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    monkeypatch.setattr(figure, "DPI", 20)
    monkeypatch.setattr(report, "SHOWN_LABELS", 7)


def inspect(path):
    corpus = open_corpus(path, allow_rejected=True)
    measures = measure(corpus, progress=False)
    return corpus, measures, summarise(corpus, measures)


def test_figures_of_a_known_corpus(tmp_path):
    rate = 8000
    time = np.arange(rate) / rate
    for take in range(11):
        samples = np.zeros(rate, dtype=np.float32)
        # A tone of RMS 0.1 between 0.2 s and 0.7 s.
        samples[1600:5600] = 0.1 * np.sqrt(2) * np.sin(2 * np.pi * (500 + take) * time[1600:5600])
        write_clip(tmp_path / f"yes_ann_{take}.wav", samples, rate)
    write_clip(tmp_path / "no_bob_0.wav", samples, rate)
    (tmp_path / "yes_ann_99.wav").write_bytes(b"")
    _, _, found = inspect(tmp_path)
    assert (found.clips, found.labels, found.speakers) == (12, {"no": 1, "yes": 11}, {"ann": 11, "bob": 1})
    assert found.rates == {8000: 12}
    assert found.samples == dict.fromkeys((1, 3, 10, 50, 95, 97, 99), 8000)
    assert found.seconds[50] == 1.0
    # 50 ms of margin stay on each side of the word.
    assert found.leading[50] == pytest.approx(0.15, abs=0.011)
    assert found.trailing[50] == pytest.approx(0.25, abs=0.011)
    assert found.trimmed_seconds[50] == pytest.approx(0.6, abs=0.0201)  # two frames of 10 ms
    assert found.level[50] == pytest.approx(-20, abs=0.2)  # of the word alone
    assert found.duplicates == [["no_bob_0.wav", "yes_ann_10.wav"]]
    assert found.contradictions == found.duplicates
    assert found.rejected == {"yes_ann_99.wav": "is empty"}
    assert found.full_scale == 0
    text = "\n".join(found.lines())
    assert "duplicates           1 clips, 1 under another label" in text
    assert "yes_ann_99.wav: is empty" in text


def picture(path):
    """Return a picture's pixels (rows, columns, RGB), which must show more than an empty frame."""
    pixels = matplotlib.image.imread(path)[..., :3]
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20
    return pixels


@pytest.mark.slow
def test_page_and_pictures(names_corpus, tmp_path):
    corpus, measures, found = inspect(names_corpus)
    out = tmp_path / "a" / "report"
    write_page(corpus, measures, found, out)
    names = sorted(path.name for path in out.iterdir())
    assert names == ["counts.png", "examples.png", "index.html", "lengths.png", "levels.png"]
    text = (out / "index.html").read_text()
    for name in names:
        if name.endswith("png"):
            picture(out / name)
            assert f'src="{name}"' in text
    assert html.escape("\n".join(found.lines())) in text
    first = {name: (out / name).read_bytes() for name in names}
    write_page(corpus, measures, found, out)
    assert {name: (out / name).read_bytes() for name in names} == first
    # Other numbers make other pictures.
    louder = replace(measures, level=measures.level + np.linspace(0, 30, len(measures.level)))
    write_page(corpus, louder, found, out)
    changed = {name for name in names if (out / name).read_bytes() != first[name]}
    assert changed == {"levels.png"}


def test_the_pictures_show_a_tone_where_it_is():
    rate, hz = 8000, 1000
    samples = np.zeros(rate, np.float32)
    samples[4000:6000] = 0.5 * np.sin(2 * np.pi * hz * np.arange(2000) / rate)
    shown = decibels(samples, rate)
    assert shown.shape == (65, rate // 32)
    assert shown[:, 130:180].argmax(axis=0).tolist() == [hz * 128 // rate] * 50
    assert shown[16, 150] == pytest.approx(20 * np.log10(0.5 * 128 / 4), abs=0.1)
    assert shown[:, :120].max() == pytest.approx(-120)


@pytest.mark.slow
def test_a_page_of_one_clip_and_of_many_names(tmp_path):
    (tmp_path / "one").mkdir()
    write_clip(tmp_path / "one" / "a_b_0.wav", word(0, 0, 0))
    write_page(*inspect(tmp_path / "one"), tmp_path / "report")
    one = picture(tmp_path / "report" / "examples.png")
    (tmp_path / "many").mkdir()
    for index in range(50):
        name = f"a-rather-long-label-{index}_speaker number {index}_0.wav"
        write_clip(tmp_path / "many" / name, word(0, 0, index))
    corpus, measures, found = inspect(tmp_path / "many")
    write_page(corpus, measures, found, tmp_path / "report")
    many = picture(tmp_path / "report" / "examples.png")
    assert many.shape == (2 * one.shape[0], *one.shape[1:])  # seven of the fifty labels, in rows of five
    assert (len(found.labels), len(found.speakers)) == (50, 50)
    assert "50 clips, 50 labels, 50 speakers" in (tmp_path / "report" / "index.html").read_text()


def test_names_are_escaped_on_the_page(tmp_path):
    write_clip(tmp_path / "<script>alert(1)<script>_b_0.wav", word(0, 0, 0))
    (tmp_path / "manifest.csv").write_text("path,label\n<script>alert(1)<script>_b_0.wav,<img src=x>\n")
    write_page(*inspect(tmp_path), tmp_path / "report")
    text = (tmp_path / "report" / "index.html").read_text()
    assert "<script>" not in text
    assert "<img src=x>" not in text


def test_a_folder_that_cannot_be_made(names_corpus, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="the folder cannot be made"):
        write_page(*inspect(names_corpus), tmp_path / "file" / "report")


def test_dirty_metadata(tmp_path):
    (tmp_path / "data").mkdir()
    rows = {
        "01": {
            "accent": "german",
            "age": 30,
            "gender": "Male",
            "native speaker": "no",
            "origin": "Europe,  Germany",
        },
        "02": {"accent": "German", "age": "1234", "gender": "male", "native speaker": "No"},
        "03": {"accent": "Egyptian_American?", "age": " 23 ", "native speaker": "maybe"},
        "04": {"accent": None, "age": "unknown"},
        "05": "nothing",
    }
    (tmp_path / "data" / "audioMNIST_meta.txt").write_text(json.dumps(rows))
    about = read_metadata(tmp_path)
    assert [about[name].accent for name in ("01", "02", "03", "04")] == [
        "German",
        "German",
        "Egyptian American",
        "",
    ]
    assert [about[name].age for name in ("01", "02", "03", "04")] == [30, None, 23, None]
    assert [about[name].native for name in ("01", "02", "03", "04")] == [False, False, None, None]
    assert about["01"].origin == "Europe, Germany"
    assert "05" not in about
    for text in ("", "[]", "{", '"x"'):
        (tmp_path / "data" / "audioMNIST_meta.txt").write_text(text)
        assert read_metadata(tmp_path) == {}
    assert plausible_age("2.5e1") is None
    assert tidy("  south   korean ") == "South korean"


def test_speakers_by_accent_on_the_page(tmp_path):
    for speaker in ("01", "02", "03"):
        (tmp_path / "data" / speaker).mkdir(parents=True)
        write_clip(tmp_path / "data" / speaker / f"0_{speaker}_0.wav", word(0, 0, int(speaker)))
    rows = {"01": {"accent": "german", "age": 30}, "02": {"accent": "German", "age": "1234"}}
    (tmp_path / "data" / "audioMNIST_meta.txt").write_text(json.dumps(rows))
    corpus, measures, found = inspect(tmp_path)
    assert found.accents == {"German": 2, "unknown": 1}
    assert found.ages == {"youngest": 30, "median": 30, "oldest": 30, "unknown": 2}
    write_page(corpus, measures, found, tmp_path / "report")
    picture(tmp_path / "report" / "accents.png")
    assert "accents (speakers)   German 2, unknown 1" in (tmp_path / "report" / "index.html").read_text()


@pytest.mark.slow
def test_command_line(names_corpus, folders_corpus, tmp_path, capsys):
    assert main(["corpus", "inspect", str(names_corpus), "--out", str(tmp_path / "report")]) == 0
    found = capsys.readouterr().out
    assert "90 clips, 3 labels, 3 speakers" in found
    assert str(tmp_path / "report" / "index.html") in found
    assert main(["corpus", "inspect", str(folders_corpus), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["clips"], answer["page"], set(answer["labels"])) == (24, None, {"yes", "no"})
    assert main(["corpus", "inspect", str(names_corpus), "--layout", "folders", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["labels"]) == {"recordings"}
    assert main(["corpus", "inspect", str(tmp_path / "missing")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "no such folder, manifest or known corpus" in captured.err
