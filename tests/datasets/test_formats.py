"""Each format can be opened with the library that it is meant for."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from tiny_dataset import VOICE, plan, tree
from voxlet.corpus.corpus import open_corpus
from voxlet.datasets.build import make_dataset
from voxlet.datasets.stores import Folder
from voxlet.datasets.verify import verify
from voxlet.engines.engine import SerialEngine

COUNTS = {"train": 48, "validation": 6, "test": 6}
LABELS = ("one", "two", "three")


def made(folder: Path, format_: str, **changes) -> Path:
    asked = plan(labels=LABELS, unknown=0.25, format=format_, **changes)
    make_dataset(asked, VOICE, Folder(folder), SerialEngine(), progress=False)
    return folder


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("HF_HUB_DISABLE_TELEMETRY", "1")
    return tmp_path / "cache"


@pytest.mark.parametrize("format_", ["wav", "flac"])
def test_a_folder_is_a_corpus_of_voxlet(tmp_path: Path, format_: str) -> None:
    made(tmp_path / "words", format_)
    corpus = open_corpus(tmp_path / "words" / "manifest.csv")
    assert len(corpus.clips) == 60
    assert set(corpus.labels) == {*LABELS, "unknown"}
    assert Counter(clip.part for clip in corpus.clips) == COUNTS
    assert len(corpus.speakers) == sum(
        row["speakers"]
        for row in json.loads((tmp_path / "words/dataset.json").read_text())["splits"].values()
    )


@pytest.mark.slow
@pytest.mark.parametrize("format_", ["wav", "flac", "parquet", "webdataset"])
def test_datasets_opens_it(tmp_path: Path, format_: str, no_network: Path) -> None:
    datasets = pytest.importorskip("datasets")
    try:
        pytest.importorskip("torchcodec")
    except RuntimeError:
        pytest.skip("torchcodec needs FFmpeg's libraries")
    folder = made(tmp_path / "words", format_)
    opened = datasets.load_dataset(str(folder), cache_dir=str(no_network))
    assert {split: len(rows) for split, rows in opened.items()} == COUNTS
    row = opened["train"][7]
    if format_ == "webdataset":
        assert (row["json"]["index"], row["json"]["synthetic"]) == (7, True)
        assert row["cls"] == [*LABELS, "unknown"].index(row["json"]["label"])
        sound = row["flac"]
    else:
        assert row["index"] == 7
        assert row["synthetic"] is True
        sound = row["audio"]
    if format_ == "parquet":
        names = opened["train"].features["label"].names
        assert names == [*LABELS, "unknown"]
        assert names[row["label"]] == plan(labels=LABELS, unknown=0.25).clip(7).label
    samples = sound.get_all_samples()
    assert samples.sample_rate == 8000
    assert samples.data.abs().max() > 0.05


@pytest.mark.slow
def test_webdataset_opens_it(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    folder = made(tmp_path / "words", "webdataset")
    shards = [str(path) for path in sorted(folder.glob("train/*.tar"))]
    rows = list(webdataset.WebDataset(shards, shardshuffle=False))
    assert len(rows) == 48
    facts = [json.loads(row["json"]) for row in rows]
    assert [one["index"] for one in facts] == list(range(48))
    assert all(one["synthetic"] for one in facts)
    assert [int(row["cls"]) for row in rows] == [[*LABELS, "unknown"].index(one["label"]) for one in facts]
    assert all(row["flac"][:4] == b"fLaC" for row in rows)


def test_the_readme_opens_every_shard(tmp_path: Path) -> None:
    folder = made(tmp_path / "words", "webdataset")
    first, last = re.findall(r"train-\{(\d{5})\.\.(\d{5})\}\.tar", (folder / "README.md").read_text())[0]
    opened = {f"train-{number:05d}.tar" for number in range(int(first), int(last) + 1)}
    assert opened == {path.name for path in folder.glob("train/*.tar")}
    assert len(opened) == 5


@pytest.mark.parametrize("shard", [10, 30, 100])
def test_speech_commands_layout_is_read_as_that_corpus(tmp_path: Path, shard: int) -> None:
    folder = made(tmp_path / "words", "speech-commands", shard=shard)
    corpus = open_corpus(folder)
    assert Counter(clip.part for clip in corpus.clips) == {"train": 48, "validation": 6, "test": 6}
    assert {*LABELS, "four"} < set(corpus.labels)  # other words are words, as in Speech Commands
    files = tree(folder)
    lists = {name: files[name].decode().split() for name in ("validation_list.txt", "testing_list.txt")}
    assert [len(names) for names in lists.values()] == [6, 6]
    assert all(name in files for names in lists.values() for name in names)
    speakers = [{name.split("/")[1].split("_")[0] for name in names} for names in lists.values()]
    assert not speakers[0] & speakers[1]
    from voxlet import audio

    sound = audio.read(folder / lists["testing_list.txt"][0])
    assert (len(sound.samples), sound.rate) == (16_000, 16_000)


def test_the_card_says_what_it_is_and_from_whom(tmp_path: Path) -> None:
    folder = made(tmp_path / "words", "parquet", seed=5)
    card = json.loads((folder / "dataset.json").read_text())
    assert card["synthetic"] is True
    assert card["seed"] == 5
    assert card["voice"]["licence"] == "CC0"
    assert card["voice"]["digest"] == plan().digest
    assert card["splits"]["train"]["clips"] == 48
    assert card["splits"]["train"]["labels"] == {"unknown": 12, "one": 12, "two": 12, "three": 12}
    assert {"numpy", "onnxruntime", "pyarrow", "voxlet"} <= set(card["made_with"][0]["versions"])
    readme = (folder / "README.md").read_text()
    assert "CC0" in readme
    assert "synthetic" in readme
    import yaml

    head = yaml.safe_load(readme.split("---")[1])
    assert head["tags"][0] == "synthetic"
    assert [one["split"] for one in head["configs"][0]["data_files"]] == ["train", "validation", "test"]


@pytest.mark.parametrize("format_", ["wav", "parquet", "webdataset", "speech-commands"])
def test_verify_takes_what_is_whole(tmp_path: Path, format_: str) -> None:
    folder = made(tmp_path / "words", format_)
    found = verify(Folder(folder))
    found.checked(Folder(folder))
    assert (found.clips, found.rejected, found.shards, found.wrong) == (60, 0, 7, 0)


@pytest.mark.slow
def test_verify_finds_each_kind_of_damage(tmp_path: Path) -> None:
    folder = made(tmp_path / "words", "wav")
    whole = tree(folder)

    def problems() -> list[str]:
        found = verify(Folder(folder))
        for name, data in whole.items():
            (folder / name).write_bytes(data)
        return found.problems

    clip = "train/00001/000000012.wav"
    (folder / clip).write_bytes(whole[clip][:-2])
    assert problems() == [f"train-00001: {clip} differs from what was written"]
    (folder / clip).unlink()
    assert problems() == [f"train-00001: {clip} is missing"]
    (folder / "shards" / "test-00000.json").unlink()
    assert problems() == ["test-00000: has not been made"]
    (folder / "dataset.json").unlink()
    assert problems() == ["dataset.json: is missing"]
    for name in ("README.md", "manifest.csv", "train/metadata.csv"):
        (folder / name).write_bytes(whole[name][:-2])
        assert problems() == [f"{name}: differs from what was written"]
    card = whole["dataset.json"]
    for changed, problem in (
        (b"", "is not the card of a data set"),
        (card[:99], "is not the card of a data set"),
        (b"[1, 2]", "is not the card of a data set"),
        (b'{"voice": []}', "is not the card of a data set"),
        (card.replace(b'"clips": 48', b'"clips": 49'), "does not match the shards"),
    ):
        (folder / "dataset.json").write_bytes(changed)
        assert problems() == [f"dataset.json: {problem}"]
    for changed in (b"", whole["shards/train-00001.json"][:99], b"[1, 2]"):
        (folder / "shards" / "train-00001.json").write_bytes(changed)
        assert problems() == ["train-00001: its record shards/train-00001.json is damaged"]
    # Sealed again: a clip that was replaced, and a silent one without metadata.
    import hashlib

    from voxlet.datasets.encoding import decode, encode

    for key, changed in (("clips", 99), ("rejected", 1), ("labels", {"one": 99})):
        record = {**json.loads(whole["shards/train-00001.json"]), key: changed}
        (folder / "shards" / "train-00001.json").write_text(json.dumps(record))
        assert "train-00001: its record does not match the number of its clips" in problems()
    samples, rate, facts = decode(whole[clip])
    for changed, expected in (
        (encode(samples, rate, "wav", {**facts, "speed": 1.5}), "its speed is 1.5: it was made by another"),
        (encode(samples, rate, "wav", {**facts, "index": 11}), "holds clips other than the planned ones"),
        (encode(samples, rate, "wav", {**facts, "speaker": "bob"}), "its speaker is 'bob'"),
        (encode(samples * 0, rate, "wav", facts), "is silent"),
        (encode(samples, 9000, "wav", facts), "its rate is not"),
        (encode(samples, rate, "wav", {**facts, "synthetic": False}), "does not say that it is synthetic"),
        (encode(samples, rate, "wav", {**facts, "index": 999}), "belongs to another shard"),
        (b"nonsense", "cannot be decoded"),
    ):
        record = json.loads(whole["shards/train-00001.json"])
        record["objects"][clip] = [len(changed), hashlib.sha256(changed).hexdigest()]
        (folder / clip).write_bytes(changed)
        (folder / "shards" / "train-00001.json").write_text(json.dumps(record))
        assert any(expected in problem for problem in problems()), expected
