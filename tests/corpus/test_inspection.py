"""What `voxlet corpus inspect` tells and draws."""

from __future__ import annotations

import json

import numpy as np
import pytest

from synthetic import word, write_clip
from voxlet import plots
from voxlet.cli.main import main
from voxlet.corpus import report
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.inspection import measure, summarise
from voxlet.corpus.metadata import plausible_age, read_metadata, tidy
from voxlet.corpus.report import write_page
from voxlet.errors import CorpusError


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    monkeypatch.setattr(plots, "DPI", 20)
    monkeypatch.setattr(report, "SHOWN_LABELS", 5)


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
    _, _, told = inspect(tmp_path)
    assert (told.clips, told.labels, told.speakers) == (12, {"no": 1, "yes": 11}, {"ann": 11, "bob": 1})
    assert told.rates == {8000: 12}
    assert told.samples == dict.fromkeys((1, 3, 10, 50, 95, 97, 99), 8000)
    assert told.seconds[50] == 1.0
    # 50 ms of margin stay on each side of the word.
    assert told.leading[50] == pytest.approx(0.15, abs=0.011)
    assert told.trailing[50] == pytest.approx(0.25, abs=0.011)
    assert told.trimmed_seconds[50] == pytest.approx(0.6, abs=0.0201)  # two frames of 10 ms
    assert told.level[50] == pytest.approx(20 * np.log10(0.1 * np.sqrt(0.5 / 0.6)), abs=0.2)
    assert told.duplicates == [["no_bob_0.wav", "yes_ann_10.wav"]]
    assert told.contradictions == told.duplicates
    assert told.rejected == {"yes_ann_99.wav": "is empty"}
    assert told.full_scale == 0
    text = "\n".join(told.lines())
    assert "duplicates           1 clips, 1 under another label" in text
    assert "yes_ann_99.wav: is empty" in text


def test_page_and_pictures(names_corpus, tmp_path):
    corpus, measures, told = inspect(names_corpus)
    write_page(corpus, measures, told, tmp_path / "a" / "report")
    names = sorted(path.name for path in (tmp_path / "a" / "report").iterdir())
    assert names == ["counts.png", "examples.png", "index.html", "lengths.png", "levels.png"]
    first = {name: (tmp_path / "a" / "report" / name).read_bytes() for name in names}
    assert all(first[name][:8] == b"\x89PNG\r\n\x1a\n" for name in names if name.endswith("png"))
    assert all(f'src="{name}"' in first["index.html"].decode() for name in names if name.endswith("png"))
    write_page(corpus, measures, told, tmp_path / "a" / "report")
    assert {name: (tmp_path / "a" / "report" / name).read_bytes() for name in names} == first


def test_a_page_of_one_clip_and_of_many_names(tmp_path):
    (tmp_path / "one").mkdir()
    write_clip(tmp_path / "one" / "a_b_0.wav", word(0, 0, 0))
    write_page(*inspect(tmp_path / "one"), tmp_path / "report")
    (tmp_path / "many").mkdir()
    for index in range(50):
        write_clip(
            tmp_path / "many" / f"a-rather-long-label-{index}_speaker number {index}_0.wav", word(0, 0, index)
        )
    write_page(*inspect(tmp_path / "many"), tmp_path / "report")


def test_names_are_escaped_on_the_page(tmp_path):
    write_clip(tmp_path / "<script>alert(1)<script>_b_0.wav", word(0, 0, 0))
    (tmp_path / "manifest.csv").write_text("path,label\n<script>alert(1)<script>_b_0.wav,<img src=x>\n")
    write_page(*inspect(tmp_path), tmp_path / "report")
    text = (tmp_path / "report" / "index.html").read_text()
    assert "<script>" not in text
    assert "<img src=x>" not in text


def test_a_folder_that_cannot_be_made(names_corpus, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CorpusError, match="cannot be made"):
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
    corpus, measures, told = inspect(tmp_path)
    assert told.accents == {"German": 2, "not told": 1}
    assert told.ages == {"youngest": 30, "median": 30, "oldest": 30, "not told": 2}
    write_page(corpus, measures, told, tmp_path / "report")
    assert (tmp_path / "report" / "accents.png").exists()


def test_command_line(names_corpus, folders_corpus, tmp_path, capsys):
    assert main(["corpus", "inspect", str(names_corpus), "--out", str(tmp_path / "report")]) == 0
    told = capsys.readouterr().out
    assert "90 clips, 3 labels, 3 speakers" in told
    assert str(tmp_path / "report" / "index.html") in told
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
