"""Following the remedies in messages about folders of recordings, their tables, layouts and splits."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from messages import message
from synthetic import RATE, every_word, word, write_clip
from tiny_corpus import FLAGS
from voxlet.cli.main import main
from voxlet.corpus import prepare as preparing
from voxlet.corpus import scan
from voxlet.corpus.corpus import Corpus, open_corpus
from voxlet.corpus.listing import manifest
from voxlet.corpus.prepare import Preparation, prepare
from voxlet.corpus.splits import make_split
from voxlet.decoding import decoders
from voxlet.errors import ConfigError, CorpusError

follows = pytest.mark.follows
M4A = b"\0\0\0\x20ftypM4A " + bytes(90)  # the beginning of an M4A file


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """12 clips, named {label}_{speaker}_{take}: 2 labels, 3 speakers, 2 takes."""
    folder = tmp_path / "words"
    folder.mkdir()
    for label, speaker, take, samples in every_word(2, 2):
        write_clip(folder / f"{label}_{speaker}_{take}.wav", samples)
    return folder


def table(folder: Path, *lines: str, name: str = "manifest.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines))
    return path


def size(source: object, **options: object) -> int:
    return len(open_corpus(source, **options).clips)


@pytest.mark.slow
@follows("corpus/corpus.py: `voxlet corpus inspect` lists them all; --allow-rejected goes on without them")
def test_recordings_that_cannot_be_used(
    words: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = ["0_ann_0.wav", "1_bob_1.wav"]
    for name in broken:
        (words / name).write_bytes(b"no sound")
    message(CorpusError, open_corpus, words)
    assert main(["corpus", "inspect", str(words), "--out", str(tmp_path / "page")]) == 0
    told = capsys.readouterr().out + "".join(path.read_text() for path in (tmp_path / "page").rglob("*.html"))
    assert all(name in told for name in broken)
    command = [
        "train",
        "mlp",
        "--corpus",
        str(words),
        "--run",
        str(tmp_path / "run"),
        "--epochs",
        "1",
        *FLAGS,
    ]
    assert main(command) == 2
    assert main([*command, "--allow-rejected"]) == 0


@follows("corpus/listing/layouts.py: give … or a pattern such as {label}/{speaker}_NO_{take}")
@follows("corpus/listing/tables.py: add …")
def test_layouts_that_there_are(words: Path) -> None:
    line = message(ConfigError, open_corpus, words, layout="nope")
    *names, last = line.partition("; give ")[2].partition(" or a pattern such as ")[0].split(", ")
    for layout in names:
        place = words if layout == "names" else in_folders(words)
        assert size(place, layout=layout) == 12
    added = message(CorpusError, open_corpus, words, layout=last).partition("; add ")[2].split(" or ")
    for name in added:
        mark = "\t" if name.endswith(".tsv") else ","
        lines = ["path,label".replace(",", mark), f"0_ann_0.wav{mark}zero", f"1_ann_0.wav{mark}one"]
        if name.endswith(".jsonl"):
            lines = ['{"path": "0_ann_0.wav", "label": "zero"}']
        table(words, *lines, name=name)
        assert size(words, layout=last) == len(lines) - (not name.endswith(".jsonl"))
        (words / name).unlink()
    pattern = line.rpartition("such as ")[2]
    assert size(as_pattern(words, pattern), layout=pattern) == 12


def in_folders(words: Path) -> Path:
    return as_pattern(words, "{label}/{speaker}_{take}")


def as_pattern(words: Path, pattern: str) -> Path:
    """The same clips, named after a pattern."""
    target = words.with_name("renamed")
    shutil.rmtree(target, ignore_errors=True)
    for path in words.glob("*.wav"):
        label, speaker, take = path.stem.split("_")
        place = target / (pattern.format(label=label, speaker=speaker, take=take) + ".wav")
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, place)
    return target


@follows("corpus/listing/tables.py: give its folder, or a manifest: a .csv, .tsv, .txt, .jsonl or .json file")
@follows("corpus/listing/layouts.py: give the folder that it is in")
def test_a_file_in_place_of_a_folder(words: Path) -> None:
    clip = words / "0_ann_0.wav"
    for layout in (None, "names"):
        message(CorpusError, open_corpus, clip, layout=layout)
    assert size(clip.parent) == size(clip.parent, layout="names") == 12
    for name, mark in (("a.csv", ","), ("a.tsv", "\t")):
        assert size(table(words, f"path{mark}label", f"0_ann_0.wav{mark}zero", name=name)) == 1
    assert size(table(words, '{"path": "0_ann_0.wav", "label": "zero"}', name="a.jsonl")) == 1
    assert size(table(words, '[{"path": "0_ann_0.wav", "label": "zero"}]', name="a.json")) == 1
    assert size(table(words, "path,label", "0_ann_0.wav,zero", name="a.txt")) == 1


@follows(
    "corpus/listing/layouts.py: list the recordings in … with the columns path and label, or give --layout"
)
def test_names_that_say_nothing(words: Path) -> None:
    for number, path in enumerate(sorted(words.iterdir())):
        path.rename(words / f"{number % 2}a{number}b.wav")
    told = message(CorpusError, open_corpus, words)
    assert "do not tell which word" in told
    assert size(words, layout="{label}a*") == 12
    table(words, "path,label", *(f"{path.name},{path.name[0]}" for path in words.iterdir()))
    assert open_corpus(words).labels == ("zero", "one")


@follows("corpus/listing/manifest.py: add a row for each recording")
def test_a_table_of_nothing(words: Path) -> None:
    message(CorpusError, open_corpus, table(words, "path,label"))
    assert size(table(words, "path,label", "0_ann_0.wav,zero")) == 1


@follows("corpus/listing/tables.py: add a row for each recording")
def test_tables_of_nothing(words: Path) -> None:
    for name in ("train.csv", "test.csv"):
        table(words, "file,class", name=name)
    message(CorpusError, open_corpus, words)
    table(words, "file,class", "0_ann_0.wav,zero", name="train.csv")
    assert size(words) == 1


@follows("corpus/corpus.py: give recordings as WAV, FLAC, OGG or MP3 files, in folders of any depth")
@follows("corpus/listing/layouts.py: give recordings as WAV, FLAC, OGG or MP3 files, in folders of any depth")
def test_a_folder_without_sounds(words: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoders, "has_formats", lambda: False)
    monkeypatch.setattr(scan, "has_formats", lambda: False)
    folder = tmp_path / "empty"
    folder.mkdir()
    assert "it is empty" in message(CorpusError, open_corpus, folder)
    (folder / "zero_ann_0.m4a").write_bytes(M4A)
    line = message(CorpusError, open_corpus, folder)
    kinds = re.search("recordings as (.*) files", line)[1].replace(" or ", ", ").split(", ")
    for take, kind in enumerate(kinds):
        deep = folder / "a" / str(take)
        deep.mkdir(parents=True)
        soundfile.write(deep / f"zero_ann_{take}.{kind.lower()}", word(0, 0, take), RATE, format=kind)
    assert size(folder) == len(kinds) == 4


MANIFESTS = {
    "no label in a row": (
        ["path,label", "0_ann_0.wav,zero", "1_ann_0.wav,"],
        ["path,label", "0_ann_0.wav,zero"],
    ),
    "filled in": (["path,label", "0_ann_0.wav,"], ["path,label", "0_ann_0.wav,zero"]),
    "without a heading": (["0_ann_0.wav,zero", "1_ann_0.wav,"], ["0_ann_0.wav,zero", "1_ann_0.wav,one"]),
}


@follows("corpus/listing/columns.py: fill it in or delete the row…")
@pytest.mark.parametrize("case", MANIFESTS)
def test_a_row_without_its_label(words: Path, case: str) -> None:
    bad, good = MANIFESTS[case]
    message(CorpusError, open_corpus, table(words, *bad))
    assert size(table(words, *good)) > 0


@follows("corpus/listing/manifest.py: name the columns path and label")
def test_columns_of_other_names(words: Path) -> None:
    message(CorpusError, open_corpus, table(words, "datei,wort", "0_ann_0.wav,zero", name="a.csv"))
    assert size(table(words, "path,label", "0_ann_0.wav,zero", name="a.csv")) == 1


@follows("corpus/listing/json_table.py: name the columns path and label")
def test_fields_of_other_names(words: Path) -> None:
    message(
        CorpusError, open_corpus, table(words, '{"datei": "0_ann_0.wav", "wort": "zero"}', name="a.jsonl")
    )
    assert size(table(words, '{"path": "0_ann_0.wav", "label": "zero"}', name="a.jsonl")) == 1


@follows("corpus/listing/manifest.py: put a field that holds the separator in quotation marks")
def test_a_field_that_holds_the_separator(words: Path) -> None:
    row = "0_ann_0.wav,zero, please"
    message(CorpusError, open_corpus, table(words, "path,label", row))
    assert open_corpus(table(words, "path,label", '0_ann_0.wav,"zero, please"')).labels == ("zero, please",)


@follows("corpus/listing/manifest.py: save it as UTF-8")
def test_a_manifest_of_another_encoding(words: Path) -> None:
    path = words / "manifest.csv"
    text = "path,label\n0_ann_0.wav,süß\n"
    path.write_bytes(text.encode("latin-1"))
    message(CorpusError, open_corpus, path)
    path.write_bytes(text.encode())
    assert open_corpus(path).labels == ("süß",)


@follows("corpus/listing/transcripts.py: write each to its own file, list these in wav.scp, delete segments")
def test_stretches_of_longer_recordings(words: Path) -> None:
    (words / "wav.scp").write_text("a all.wav\n")
    (words / "text").write_text("a-0 zero\n")
    (words / "segments").write_text("a-0 a 0.0 0.5\n")
    message(CorpusError, open_corpus, words)
    (words / "wav.scp").write_text("a-0 0_ann_0.wav\n")
    (words / "segments").unlink()
    assert open_corpus(words).labels == ("zero",)


@follows("corpus/listing/manifest.py: split it into several files")
def test_a_manifest_that_is_too_large(words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [f"{path.name},{path.name[0]}" for path in sorted(words.glob("*.wav"))]
    monkeypatch.setattr(manifest, "LARGEST_TABLE", 150)
    message(CorpusError, open_corpus, table(words, "path,label", *lines))
    halves = [
        table(words, "path,label", *part, name=f"{n}.csv") for n, part in enumerate((lines[:6], lines[6:]))
    ]
    assert [size(half) for half in halves] == [6, 6]


@pytest.mark.parametrize("layout", ["{word}_*", "*_{speaker}", "{label}{speaker}", "{label}_{"])
@follows("corpus/listing/pattern.py: for example {label}/{speaker}_NO_{take}, with * for anything")
def test_patterns(words: Path, layout: str) -> None:
    example = message(ConfigError, open_corpus, words, layout=layout)
    example = re.search(r"for example (\S+), with", example)[1]
    assert size(as_pattern(words, example), layout=example) == 12
    assert size(words, layout="{label}_*_{take}") == 12


@follows("corpus/prepare.py: run the same command again")
def test_a_clip_that_has_changed(words: Path, fresh_cache: Path) -> None:
    corpus = open_corpus(words)
    changed = words / "0_ann_0.wav"
    changed.write_bytes(b"no sound")
    message(CorpusError, prepare, corpus, progress=False)
    assert len(prepare(open_corpus(words), Preparation(outliers=None), progress=False)) == 11


@follows("corpus/prepare.py: run the same command again")
def test_a_cache_that_was_damaged(words: Path, fresh_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = open_corpus(words)
    with monkeypatch.context() as damage:
        damage.setattr(preparing, "load_rows", lambda folder: None)
        message(CorpusError, prepare, corpus, progress=False)
    assert len(prepare(corpus, progress=False)) > 0


def small(
    folder: Path, labels: int, speakers: int, takes: int, name: str = "{label}_{speaker}_{take}"
) -> Corpus:
    """Make a corpus of some clips, all different."""
    folder.mkdir(exist_ok=True)
    rng = np.random.default_rng(0)
    for label in range(labels):
        for speaker in range(speakers):
            for take in range(takes):
                path = folder / f"{name.format(label=label, speaker=f's{speaker}', take=take)}.wav"
                samples = word(label, speaker % 3, take) + 1e-3 * rng.standard_normal(1)
                write_clip(path, samples.astype(np.float32), RATE)
    return open_corpus(folder, layout=name)


def divided(corpus: Corpus, kind: str, **options: object) -> bool:
    split = make_split(prepare(corpus, Preparation(outliers=None), progress=False), kind, **options)
    return min(len(split.train), len(split.validation), len(split.test)) > 0


def refusal(corpus: Corpus, kind: str, **options: object) -> str:
    prepared = prepare(corpus, Preparation(outliers=None), progress=False)
    return message(ConfigError, make_split, prepared, kind, **options)


@follows("corpus/splits.py: use the split 'stratified'")
def test_one_speaker(tmp_path: Path) -> None:
    corpus = small(tmp_path / "words", 2, 1, 4)
    kind = refusal(corpus, "speakers").rpartition("use the split ")[2].strip("'")
    assert divided(corpus, kind)


@follows("corpus/splits.py: use the split 'speakers' or 'stratified'")
@pytest.mark.parametrize("first", [0, 5])
def test_no_official_division(tmp_path: Path, first: int) -> None:
    """There is no division at all, or one by takes of which all takes are in one part."""
    corpus = small(tmp_path / "words", 2, 3, 4)
    if first:
        corpus = Corpus("fsdd", corpus.root, corpus.clips, (), corpus.digest)  # takes 0 to 4 are for testing
    kinds = refusal(corpus, "official").rpartition("use the split ")[2].split(" or ")
    assert [kind.strip("'") for kind in kinds] == ["speakers", "stratified"]
    for kind in kinds:
        assert divided(corpus, kind.strip("'"))


@follows("corpus/splits.py: the speakers are: …")
@follows("corpus/splits.py: use auto, official, stratified, speakers, untested or all")
def test_names_of_splits_and_speakers(names_corpus: Path) -> None:
    corpus = open_corpus(names_corpus)
    kinds = refusal(corpus, "random").rpartition("; use ")[2].replace(" or ", ", ").split(", ")
    for kind in kinds:
        assert kind in ("untested", "all") or divided(corpus, kind)
    assert len(make_split(prepare(corpus, Preparation(outliers=None), progress=False), kinds[-1]).train)
    for name in refusal(corpus, "speakers", held_out="dan").rpartition("the speakers are: ")[2].split(", "):
        assert divided(corpus, "speakers", held_out=name)
