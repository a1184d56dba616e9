"""Tables that list recordings, in many formats, and errors in them."""

from __future__ import annotations

import contextlib
import json
import unicodedata

import pytest

from synthetic import word, write_clip
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.listing import manifest
from voxlet.corpus.listing.layouts import list_entries
from voxlet.corpus.listing.manifest import read_manifest
from voxlet.errors import CorpusError

NAMES = ("yes0", "yes1", "no0", "no1")


@pytest.fixture
def folder(tmp_path):
    """Make four clips in `clips/`, two each of yes and no; their folder does not name a label."""
    (tmp_path / "clips").mkdir()
    for take, name in enumerate(NAMES):
        write_clip(tmp_path / "clips" / f"{name}.wav", word(len(name) % 2, 0, take), 8000)
    return tmp_path


def table(separator=",", heading=("path", "label"), path="clips/{}.wav", end="\n") -> str:
    rows = [separator.join((path.format(name), name[:-1])) for name in NAMES]
    return end.join([*([separator.join(heading)] if heading else []), *rows]) + end


def json_table(end, row) -> str:
    return "".join(json.dumps(row(f"clips/{name}.wav", name[:-1])) + end for name in NAMES)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("manifest.csv", table()),
        ("manifest.csv", table(";")),
        ("manifest.csv", table("\t", end="\r\n")),
        ("manifest.tsv", table("\t")),
        ("manifest.csv", table("|")),
        ("manifest.csv", "sep=;\r\n" + table(";", end="\r\n")),
        ("manifest.csv", table(heading=(" PATH", "Label "))),
        ("manifest.csv", table(heading=("File Name", "CLASS"))),
        ("manifest.csv", "\n , \n" + table().replace("\n", "\n\n,\n")),
        ("manifest.csv", table(path="clips\\{}.wav")),
        ("manifest.csv", table(path="clips/{}.mp3")),  # the ending differs
        ("manifest.csv", table(path="{}")),  # in clips/ beside it
        ("manifest.csv", table(path="clips/{}.WAV")),
        ("manifest.csv", table(heading=None)),
        ("metadata.csv", table(heading=("file_name", "label"))),
        ("metadata.csv", table(heading=("file_name", "transcription"))),
        ("metadata.csv", table("|", None, "{}")),
        ("metadata.jsonl", json_table("\n", lambda path, label: {"file_name": path, "text": label})),
        ("metadata.jsonl", json_table("\r\n", lambda path, label: {"audio": {"path": path}, "Label": label})),
        ("labels.csv", table()),  # the only table that lists the files
        ("list.txt", table("|", None)),
        ("train.json", json_table("\n", lambda path, label: {"audio_filepath": path, "text": label})),
        ("x.json", json.dumps([{"file": f"clips/{name}.wav", "word": name[:-1]} for name in NAMES])),
        ("clips/metadata.csv", table(heading=("file_name", "text"), path="{}")),
        ("meta.csv", table(heading=("filename", "category"))),
        ("labels.csv", table(";", heading=("Audio File", "Command"))),
        ("labels.csv", table(heading=("Datei", "Wort"))),  # recognised by their contents
        ("labels.csv", "# made by hand\n" + table()),
        ("labels.csv", table(path="/home/ann/corpus/clips/{}.wav")),  # made elsewhere
        ("labels.csv", table(path="C:\\Users\\ann\\clips\\{}.wav")),
        ("labels.txt", table(" ", None)),
        ("list.csv", "".join(f"{name[:-1]},clips/{name}.wav\n" for name in NAMES)),  # the label first
        ("list.txt", "".join(f"clips/{name}.wav|{len(name)}|{name[:-1]}\n" for name in NAMES)),
        ("meta/all.csv", "filename,fold,target,category\n" + "".join(
            f"{name}.wav,1,{len(name)},{name[:-1]}\n" for name in NAMES
        )),
        ("lines.tsv", "path\tsentence\tnote\n" + "".join(
            f'{name}.wav\t{name[:-1]}\t"a" b\n' for name in NAMES
        )),  # nothing is quoted
        ("labels.json", json.dumps({f"{name}.wav": name[:-1] for name in NAMES})),
        ("all.json", json.dumps({"data": [{"file": f"{name}.wav", "word": name[:-1]} for name in NAMES]})),
        ("train.json", json.dumps(
            {name: {"wav": f"{{root}}/clips/{name}.wav", "command": name[:-1]} for name in NAMES}, indent=1
        )),
    ],
)  # fmt: skip
def test_tables_of_many_makers(folder, name, text):
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text(text, newline="")
    corpus = open_corpus(folder)
    assert (corpus.labels, corpus.rejected) == (("no", "yes"), ())
    assert {clip.path.stem: clip.label for clip in corpus.clips} == {name: name[:-1] for name in NAMES}
    assert name in corpus.layout


def kaldi(folder, names, command="{}"):
    """Return the three files for clips in `clips/`."""
    folder.mkdir(parents=True, exist_ok=True)
    keys = {name: f"ann-{name}" for name in names}
    wav = "".join(f"{keys[name]} {command.format(f'clips/{name}.wav')}\n" for name in names)
    (folder / "wav.scp").write_text(wav)
    (folder / "text").write_text("".join(f"{keys[name]}\tturn {name[:-1]}\n" for name in names))
    (folder / "utt2spk").write_text("".join(f"{keys[name]} ann\n" for name in names))


@pytest.mark.parametrize("command", ["{}", "sox -t wav {} -r 8000 -t wav - |"])
@pytest.mark.parametrize("place", [".", "data", "data/all"])
def test_kaldis_folders(folder, place, command):
    kaldi(folder / place, NAMES, command)
    corpus = open_corpus(folder)
    assert (corpus.labels, corpus.speakers, corpus.rejected) == (("turn no", "turn yes"), ("ann",), ())
    assert corpus.layout.startswith("Kaldi's ")
    assert corpus.layout.endswith("wav.scp, with text and utt2spk")
    (folder / place / "text").write_text("ann-yes0 yes\nann-no0 no\nann-x no\n")
    (folder / place / "utt2spk").unlink()
    corpus = open_corpus(folder, allow_rejected=True)
    assert (corpus.labels, corpus.speakers, len(corpus.clips)) == (("no", "yes"), ("unknown",), 2)
    assert all("has no text in" in item.reason for item in corpus.rejected)
    assert "1 of the texts in" in corpus.notes[0]


def test_kaldis_parts_are_the_split(folder):
    kaldi(folder / "data" / "train", NAMES[:2])
    kaldi(folder / "data" / "test", NAMES[2:])
    assert [clip.part for clip in open_corpus(folder).clips] == ["test", "test", "train", "train"]
    assert open_corpus(folder / "data" / "test").labels == ("turn no",)  # given by itself


def test_texts_beside_the_recordings(folder):
    for name in NAMES:
        (folder / "clips" / f"{name}.lab").write_text(f"0 4000 {name[:-1]}\n")
    corpus = open_corpus(folder)
    assert (corpus.labels, corpus.layout) == (("no", "yes"), "the texts beside the recordings (.lab)")
    (folder / "clips" / "no0.lab").write_text("0 20 n\n20 40 o\n")  # sounds, not a word
    assert open_corpus(folder).layout.startswith("{")


def test_what_only_may_be_labels_does_not_outweigh_names(tmp_path):
    names = [f"{label}/ann_{take}.wav" for label in ("yes", "no") for take in range(4)]
    for take, name in enumerate(names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        write_clip(tmp_path / name, word(0, 0, take), 8000)
        (tmp_path / name).with_suffix(".txt").write_text("clear" if take % 2 else "noisy")
    corpus = open_corpus(tmp_path)
    assert corpus.labels == ("no", "yes")
    beside = "the texts beside the recordings (.txt), could give the labels instead (clear, noisy)"
    assert beside in corpus.notes[0]
    for path in tmp_path.glob("*/*.txt"):
        path.unlink()
    rows = "".join(f"{name},{'clear' if take % 2 else 'noisy'}\n" for take, name in enumerate(names))
    (tmp_path / "heard.csv").write_text("file,verdict\n" + rows)
    corpus = open_corpus(tmp_path)
    assert corpus.labels == ("no", "yes")
    assert "labels in 'verdict', could give the labels instead" in corpus.notes[0]
    assert open_corpus(tmp_path, layout="manifest").labels == ("clear", "noisy")


def test_names_of_classes(folder):
    rows = "".join(f"{name}.wav,{len(name) - 3}\n" for name in NAMES)
    (folder / "meta.csv").write_text("file,label\n" + rows)
    assert open_corpus(folder).labels == ("zero", "one")
    for text in ("no\nyes\n", "0 no\n1: yes\n"):
        (folder / "classes.txt").write_text(text)
        corpus = open_corpus(folder)
        assert (corpus.labels, corpus.layout) == (
            ("no", "yes"),
            "the table meta.csv; names of classes in classes.txt",
        )
    (folder / "classes.txt").write_text("no\n")  # one too few
    assert open_corpus(folder).labels == ("zero", "one")


@pytest.mark.parametrize("names", ["lists/{}.txt", "{}_manifest.csv", "data/{}_data.csv"])
def test_tables_called_as_parts_are_the_split(folder, names):
    for part, some in (("train", NAMES[::2]), ("val", NAMES[1:2]), ("test", NAMES[3:])):
        path = folder / names.format(part)
        path.parent.mkdir(exist_ok=True)
        path.write_text("path,label\n" + "".join(f"clips/{name}.wav,{name[:-1]}\n" for name in some))
    parts = {clip.path.stem: clip.part for clip in open_corpus(folder).clips}
    assert parts == {"yes0": "train", "no0": "train", "yes1": "validation", "no1": "test"}


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (
            "path;wort\nyes0.wav;süß\n".encode("cp1252"),
            "cannot be read (invalid start byte for UTF-8); save it as",
        ),
        (
            b"path,yes,no\nyes0.wav,1,0\nno0.wav,0,1\n",
            "no label in the heading 'path,yes,no'; name the columns",
        ),
    ],
)
def test_a_table_of_recordings_that_is_not_understood_is_said(folder, data, says):
    (folder / "labels.csv").write_bytes(data)
    (note,) = [one for one in open_corpus(folder).notes if "was not read as a table" in one]
    assert says in note


def test_words_are_taken_where_labels_are_numbers_of_classes(folder):
    rows = [f"clips/{name}.wav,{int(name[0] == 'y')},{name[:-1]}\n" for name in NAMES]
    (folder / "metadata.csv").write_text("file_name,label,text\n" + "".join(rows))
    assert open_corpus(folder).labels == ("no", "yes")
    (folder / "metadata.csv").write_text("file_name,label,text\n" + "".join(rows).replace(",yes", ","))
    assert open_corpus(folder).labels == ("zero", "one")


def test_tables_beside_the_recordings_give_the_division(folder):
    (folder / "clips").rename(folder / "train")
    (folder / "test").mkdir()
    write_clip(folder / "test" / "yes2.wav", word(0, 0, 2), 8000)
    rows = "".join(f"{name}.wav,{name[:-1]}\n" for name in NAMES)
    (folder / "train" / "metadata.csv").write_text("file_name,text\n" + rows)
    (folder / "test" / "metadata.csv").write_text("file_name,text\nyes2.wav,yes\n")
    corpus = open_corpus(folder)
    assert {clip.path.stem: clip.part for clip in corpus.clips} == dict.fromkeys(NAMES, "train") | {
        "yes2": "test"
    }
    assert corpus.layout == "the tables test/metadata.csv, train/metadata.csv"


def test_a_table_of_something_else_is_said_and_one_without_rows_is_none(folder):
    (folder / "metadata.csv").write_text("speaker,age\nann,30\n")
    corpus = open_corpus(folder, allow_rejected=True)
    assert (
        "metadata.csv:1 was not read as a table of clips: no path and no label in the heading"
        in corpus.notes[0]
    )
    (folder / "metadata.csv").unlink()
    (folder / "train.tsv").write_text(table("\t"))
    (folder / "test.tsv").write_text("path\tlabel\n")
    assert {clip.part for clip in open_corpus(folder).clips} == {"train"}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_encodings(folder, encoding):
    (folder / "manifest.csv").write_bytes(table().replace("yes\n", "да\n").encode(encoding))
    assert open_corpus(folder).labels == ("no", "да")


@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC")])
def test_forms_of_unicode_in_names(tmp_path, forms):
    written, listed = (unicodedata.normalize(form, "größe") for form in forms)
    write_clip(tmp_path / f"{written}.wav", word(0, 0, 0), 8000)
    (tmp_path / "manifest.csv").write_text(f"path,label\n{listed}.wav,{listed}\n")
    (clip,) = open_corpus(tmp_path).clips
    assert (clip.path.name, clip.label) == (f"{written}.wav", unicodedata.normalize("NFC", "größe"))


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("0.0", "0.0", "1.0", "1.0"), ("0.0", "1.0")),
        (("0", "0", "1", "1"), ("zero", "one")),
        (("0", "0", "10", "10"), ("0", "10")),
        (("007", "007", "1e3", "1e3"), ("007", "1e3")),
    ],
)
def test_numbers_stay_as_they_are_written(folder, labels, expected):
    rows = [f"clips/{name}.wav,{label}" for name, label in zip(NAMES, labels, strict=True)]
    (folder / "manifest.csv").write_text("path,label\n" + "\n".join(rows))
    assert open_corpus(folder).labels == expected
    numbers = [label.removeprefix("00") for label in labels]
    lines = [f'{{"path": "clips/{n}.wav", "label": {x}}}' for n, x in zip(NAMES, numbers, strict=True)]
    (folder / "m.jsonl").write_text("\n".join(lines))
    assert set(open_corpus(folder / "m.jsonl").labels) == {label.removeprefix("00") for label in expected}


def test_a_line_separator_inside_json_ends_no_line(folder):
    text = '{"path": "clips/yes0.wav", "label": "turn\u2028left"}\n{"path": "clips/no0.wav", "label": "no"}\n'
    (folder / "manifest.jsonl").write_text(text)
    assert open_corpus(folder).labels == ("no", "turn left")


def test_a_column_or_tables_give_the_division(folder):
    (folder / "manifest.csv").write_text(
        "path,label,split\nclips/yes0.wav,yes,Train\nclips/yes1.wav,yes,dev\n"
    )
    assert [clip.part for clip in open_corpus(folder).clips] == ["train", "validation"]
    (folder / "manifest.csv").unlink()
    before = open_corpus(folder, layout="folders")
    (folder / "train.csv").write_text("file,class\nclips/yes0.wav,yes\nclips/no0.wav,no\n")
    (folder / "test.csv").write_text("file,class\nclips/yes1.ogg,yes\nclips/yes0.wav,yes\n")
    corpus = open_corpus(folder, allow_rejected=True)
    assert {clip.path.stem: clip.part for clip in corpus.clips} == {
        "yes0": "train",
        "no0": "train",
        "yes1": "test",
    }
    assert [item.reason for item in corpus.rejected] == ["is listed in two tables"]
    assert corpus.notes == ("1 sound file is not in the table, and left out",)
    assert before.digest != corpus.digest


def test_tables_take_speakers_from_names_that_agree(tmp_path):
    for label in ("yes", "no"):
        (tmp_path / label).mkdir()
        for speaker in ("001", "002"):
            write_clip(tmp_path / label / f"{speaker}_NO_1.wav", word(0, int(speaker), len(label)), 8000)
    rows = [f"{path.relative_to(tmp_path)},{path.parent.name}" for path in sorted(tmp_path.rglob("*.wav"))]
    (tmp_path / "train.csv").write_text("file,class\n" + "\n".join(rows[:2]))
    (tmp_path / "test.csv").write_text("file,class\n" + "\n".join(rows[2:]))
    assert open_corpus(tmp_path).speakers == ("001", "002")


def test_metadata_of_something_else_is_no_manifest(folder):
    (folder / "metadata.csv").write_text("speaker,age\nann,30\n")
    assert open_corpus(folder).labels == ("no", "yes")
    with pytest.raises(CorpusError, match="no path and no label in the heading 'speaker,age'"):
        open_corpus(folder, layout="manifest")


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        (
            "m.csv",
            b"path,label\na\0b.wav,x\n",
            r"m\.csv:2: the path 'a\\x00b\.wav' holds a control .*U\+0000",
        ),
        ("m.jsonl", rb'{"path": "a\u0000b.wav", "label": "x"}', r"m\.jsonl:1: the path .* U\+0000"),
        ("m.jsonl", rb'{"path": "a\ud800b.wav", "label": "x"}', r"m\.jsonl:1: the path .*U\+D800"),
        ("m.jsonl", b'\n{"path": "a.wav", "label": "x\\ud800"}', r"m\.jsonl:2: the label .*U\+D800"),
        ("m.jsonl", b'{"path": "a.wav", "label": "\\u001b[2J"}', r"m\.jsonl:1: the label .*U\+001B"),
        ("m.jsonl", b"[" * 200_000, r"m\.jsonl:1: is n"),
        ("m.jsonl", b'{"label": ' * 200_000, r"m\.jsonl:1: is n"),
        (
            "m.jsonl",
            b'{"path": "a.wav", "label": ["x"]}',
            r"m\.jsonl:1: the label is neither text nor a number",
        ),
        ("m.jsonl", b'{"a": 1, "b": 2}', r"m\.jsonl:1: no path and no label among the fields 'a, b'"),
        ("m.jsonl", b'{"path": "a.wav", "word": ""}', r"m\.jsonl:1: no label in the row"),
        (
            "m.jsonl",
            b'{"path": "' + b"a" * 9000 + b'", "label": "x"}',
            "m.jsonl:1: the path has 9,000 characters",
        ),
        ("m.csv", b"path,label\na.wav," + b"x" * 200_000 + b"\n", r"m\.csv:2: is not CSV"),
        ("m.csv", b"path,label\na.wav," + b"x" * 9000 + b"\n", r"m\.csv:2: the label has 9,000 characters"),
        ("m.csv", b"path,label\na.wav,x,y\n", r"m\.csv:2: 3 fields in the row 'a\.wav,x,y', but 2 in"),
        ("m.csv", b"path;Meaning\na.wav;x\n", r"m\.csv:1: no label in the heading 'path,Meaning'"),
        ("m.csv", b"path,label\na.wav,x\nb\xff.wav,x\n", r"m\.csv:3: cannot be read .*; save it as UTF-8"),
        ("m.csv", b"\xff\xfep", r"cannot be read .*UTF-16"),
        ("m.csv", b"", "lists no clips"),
        ("m.csv", b"\n\n , \n", "lists no clips"),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path, name, data, expected):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(CorpusError, match=expected) as caught:
        read_manifest(tmp_path / name)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    str(caught.value).encode()


def test_damaged_tables_never_crash(folder):
    sources = [
        table().encode(),
        table("|").encode("utf-16"),
        b'{"path": "clips/no0.wav", "label": "no"}\n' * 4,
    ]
    for index in range(300):
        data = bytearray(sources[index % 3])
        for step in range(4):
            data[(index * 7919 + step * 104_729) % len(data)] = (index * 31 + step * 97) % 256
        path = folder / f"m.{('csv', 'csv', 'jsonl')[index % 3]}"
        path.write_bytes(data)
        with contextlib.suppress(CorpusError):
            assert read_manifest(path).entries


def test_a_name_alone_is_found_in_any_folder(tmp_path):
    words = {1: "dog", 2: "rain"}
    for fold in words:
        (tmp_path / "audio" / f"fold{fold}").mkdir(parents=True)
        for take in range(3):
            (tmp_path / "audio" / f"fold{fold}" / f"{take}-{fold}-0-0.wav").touch()
    (tmp_path / "audio" / "fold2" / "0-1-0-0.wav").touch()  # now there are two of this name
    rows = [
        f"{take}-{fold}-0-0.wav,{fold},{word}"
        for fold, word in ((1, "dog"), (2, "rain"))
        for take in range(3)
    ]
    for where in ("metadata/Sounds.csv", "manifest.csv"):
        (tmp_path / where).parent.mkdir(exist_ok=True)
        (tmp_path / where).write_text("\n".join(["slice_file_name,fold,class", *rows]))
        entries = {entry.path.name: entry for entry in list_entries(tmp_path).entries}
        assert {name: entry.label for name, entry in entries.items()} == {
            row.split(",")[0]: row.split(",")[2] for row in rows
        }
        assert [name for name, entry in entries.items() if not entry.path.is_file()] == ["0-1-0-0.wav"]


def test_a_table_is_parsed_once(tmp_path, monkeypatch):
    (tmp_path / "wavs").mkdir()
    for take in range(6):
        (tmp_path / "wavs" / f"{take}.wav").touch()
    rows = "\n".join(f"wavs/{take}.wav,{'yes' if take % 2 else 'no'}" for take in range(6))
    (tmp_path / "train_list.csv").write_text("path,label\n" + rows)
    (tmp_path / "metadata.csv").write_text("name,age\nann,30\n")  # tried before, and no list
    parsed = []
    whole = manifest.csv_rows
    monkeypatch.setattr(
        manifest, "csv_rows", lambda path, *rest: parsed.append(path.name) or whole(path, *rest)
    )
    listing = list_entries(tmp_path)
    assert {(entry.label, entry.part) for entry in listing.entries} == {("yes", "train"), ("no", "train")}
    assert sorted(parsed) == ["metadata.csv", "train_list.csv"]
