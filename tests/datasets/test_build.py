"""A data set has the same bytes in the end, whatever interrupts its making."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

import tiny_voice
from tiny_dataset import VOICE, plan, tree, voice_file
from voxlet.cli.main import main
from voxlet.datasets.build import make_dataset, make_part
from voxlet.datasets.clips import fitted, make_clip, opened_voice
from voxlet.datasets.encoding import decode, encode
from voxlet.datasets.formats.interface import Encoded
from voxlet.datasets.formats.speech_commands import SpeechCommands
from voxlet.datasets.stores import Folder, open_store
from voxlet.engines.engine import SerialEngine
from voxlet.errors import ConfigError, FileError, LockedError, VoxletError

FORMATS = ("wav", "flac", "webdataset", "parquet", "speech-commands")


def made(folder: Path, engine=None, **changes) -> dict[str, bytes]:
    """Return the files of a data set."""
    make_dataset(plan(**changes), VOICE, Folder(folder), engine or SerialEngine(), progress=False)
    return tree(folder)


@dataclass(frozen=True)
class Backwards:
    """An engine that begins with the last shard."""

    def results(self, task, items):
        return map(task, reversed(list(items)))


class Killed(BaseException):
    """Stands for the death of a process: nothing catches it."""


@dataclass(frozen=True)
class Dying(Folder):
    """A store whose process dies before or after a write."""

    left: list[int]
    after: bool = False

    def put(self, name: str, data: bytes) -> None:
        self.left[0] -= 1
        if self.left[0] < 0 and not self.after:
            raise Killed
        super().put(name, data)
        if self.left[0] < 0:
            raise Killed


@pytest.mark.parametrize(
    "format_",
    [pytest.param(name, marks=() if name == "webdataset" else pytest.mark.slow) for name in FORMATS],
)
def test_a_clip_made_alone_is_the_one_in_any_shard_and_order(tmp_path: Path, format_: str) -> None:
    changes = {"format": format_, "unknown": 0.2, "labels": ("one", "two"), "effects": ("noise", "codecs")}
    first = made(tmp_path / "first", **changes)
    assert first == made(tmp_path / "again", Backwards(), **changes)
    whole = plan(**changes)
    alone = [make_clip(whole, opened_voice(VOICE), index) for index in random.Random(0).sample(range(60), 9)]
    sounds = [data for name, data in first.items() if name.endswith((".wav", ".flac"))]
    if sounds:
        by_index = {decode(data)[2]["index"]: data for data in sounds}
        for clip in alone:
            facts = clip.facts("tiny")
            assert (
                encode(clip.samples, clip.rate, format_[:4].replace("spee", "wav"), facts)
                == by_index[facts["index"]]
            )
    other = made(tmp_path / "other", **changes, shard=7)
    if sounds:  # the same files, whichever shards they are in
        assert sorted(data for name, data in other.items() if name.endswith((".wav", ".flac"))) == sorted(
            sounds
        )


@pytest.mark.parametrize("format_", ["wav", "webdataset"])
@pytest.mark.slow
@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_write_it_goes_on_to_the_same_bytes(tmp_path: Path, format_: str, after: bool) -> None:
    changes = {"count": 4, "shard": 2, "format": format_}
    wanted = made(tmp_path / "whole", **changes)
    writes = 0
    while True:
        folder = tmp_path / f"killed-{writes}"
        try:
            make_dataset(
                plan(**changes), VOICE, Dying(folder, [writes], after), SerialEngine(), progress=False
            )
            break
        except Killed:
            assert made(folder, **changes) == wanted
            writes += 1
    assert writes > 5


def test_what_is_made_is_not_made_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = made(tmp_path)
    for record in [tmp_path / "shards" / f"{name}.json" for name in ("test-00000", "train-00003")]:
        record.unlink()
    said: list[str] = []
    plain = Folder.put
    monkeypatch.setattr(Folder, "put", lambda self, name, data: (said.append(name), plain(self, name, data)))
    assert made(tmp_path) == wanted
    assert (
        sum(name.endswith(".wav") for name in said) == 6 + 10
    )  # of a test split, and of a shard for training


def test_what_a_killed_process_had_begun_to_write_is_removed(tmp_path: Path) -> None:
    wanted = made(tmp_path)
    (tmp_path / "train" / ".000000001.wav.0badcafe.part").write_bytes(b"half")
    assert made(tmp_path) == wanted


@pytest.mark.parametrize(
    "damaged",
    [b"", b'{"shard": "train-00003", "cl', b"[1, 2]", bytes(80), b"[" * 100_000],
    ids=["empty", "half", "list", "zeros", "deep"],
)
def test_a_record_that_a_power_failure_damaged_is_named(tmp_path: Path, damaged: bytes) -> None:
    wanted = made(tmp_path)
    record = tmp_path / "shards" / "train-00003.json"
    record.write_bytes(damaged)
    with pytest.raises(FileError, match=r"train-00003\.json: is damaged; remove it, then repeat the command"):
        made(tmp_path)
    record.unlink()
    assert made(tmp_path) == wanted


def in_parts(folder: Path, count: int, **changes) -> None:
    """Make all parts, beginning with the last one."""
    for number in reversed(range(count)):
        make_part(
            plan(**changes), VOICE, Folder(folder), SerialEngine(), part=(number, count), progress=False
        )


@pytest.mark.parametrize("count", [1, 3, 40])
def test_parts_are_together_what_one_process_makes(
    tmp_path: Path, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = made(tmp_path / "whole")
    in_parts(tmp_path / "parts", count)
    rest = (
        "README.md",
        "dataset.json",
        "manifest.csv",
        *(f"{one}/metadata.csv" for one in ("train", "validation", "test")),
    )
    assert tree(tmp_path / "parts") == {name: data for name, data in wanted.items() if name not in rest}
    monkeypatch.setattr("voxlet.datasets.build.make_clips", lambda *_: pytest.fail("it is made again"))
    assert made(tmp_path / "parts") == wanted


def test_parts_are_made_beside_each_other_and_not_beside_the_whole(tmp_path: Path) -> None:
    store, asked = Folder(tmp_path), plan()
    with store.locked("0-of-2"):
        make_part(asked, VOICE, store, SerialEngine(), part=(1, 2), progress=False)
        for again in (
            lambda: make_part(asked, VOICE, store, SerialEngine(), part=(0, 2), progress=False),
            lambda: make_dataset(asked, VOICE, store, SerialEngine(), progress=False),
        ):
            with pytest.raises(LockedError, match="is being made here by process"):
                again()
    assert made(tmp_path).keys() >= {"dataset.json", "README.md"}
    assert not list(tmp_path.glob(".lock*"))


def test_a_full_disk_leaves_what_is_made(small_disk: Path, tmp_path: Path) -> None:
    changes = {"count": 40, "shard": 5}
    place = small_disk / "words"
    with pytest.raises(FileError, match=r"No space left.*continues from there"):
        made(place, **changes)
    whole, left = made(tmp_path / "whole", **changes), tree(place)
    records = [name for name in left if name.startswith("shards/")]
    assert records
    for name in records:
        assert left[name] == whole[name]
        for object_, (size, _) in json.loads(left[name])["objects"].items():
            assert left[object_] == whole[object_]
            assert len(left[object_]) == size
    assert not [name for name in left if name.endswith(".part")]


def test_a_length_for_all_puts_words_in_the_middle() -> None:
    padded = fitted(np.ones(4, np.float32), 8, 8000)
    assert padded.tolist() == [0, 0, 1, 1, 1, 1, 0, 0]
    cut = fitted(np.arange(100, dtype=np.float32), 10, 1000)
    assert cut.shape == (10,)
    assert 45 <= cut[5] <= 50


def test_a_clip_that_the_check_does_not_take_is_kept_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Odd:
        """Takes every second clip."""

        def __init__(self, plan):
            pass

        def takes(self, made):
            return made.planned.index % 2 == 0

    from voxlet.datasets import check

    monkeypatch.setattr(check, "Check", Odd)
    files = made(tmp_path, check="pocketsphinx", seed=77)
    card = json.loads(files["dataset.json"])["splits"]
    assert {split: (row["clips"], row["rejected"]) for split, row in card.items()} == {
        "train": (24, 24), "validation": (3, 3), "test": (3, 3),
    }  # fmt: skip
    kept = [decode(data)[2]["index"] for name, data in files.items() if name.startswith("train/0")]
    apart = [decode(data)[2]["index"] for name, data in files.items() if name.startswith("rejected/train/0")]
    assert [index % 2 for index in kept + apart] == [0] * 24 + [1] * 24
    assert files["manifest.csv"].count(b"\n") == 31


@pytest.mark.slow
def test_an_empty_shard_is_a_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All clips of a shard may be rejected."""
    from voxlet.datasets import check

    monkeypatch.setattr(
        check, "Check", type("None_", (), {"__init__": lambda *a: None, "takes": lambda *a: False})
    )
    for format_ in FORMATS:
        files = made(tmp_path / format_, check="pocketsphinx", seed=78, count=9, format=format_)
        assert json.loads(files["dataset.json"])["splits"]["train"]["rejected"] == 7


@pytest.mark.slow
def test_the_command_killed_in_the_middle_goes_on_and_leaves_no_worker(tmp_path: Path) -> None:
    (tmp_path / "tiny.voice").write_bytes(VOICE)
    words = [
        "dataset",
        str(tmp_path / "tiny.voice"),
        "--count",
        "900",
        "--shard",
        "25",
        "--format",
        "webdataset",
    ]
    assert main([*words, "--out", str(tmp_path / "whole"), "--workers", "1"]) == 0
    killed = [*words, "--out", str(tmp_path / "killed"), "--workers", "2"]
    process = subprocess.Popen([sys.executable, "-m", "voxlet", *killed], stderr=subprocess.DEVNULL)
    records = tmp_path / "killed" / "shards"
    while process.poll() is None and not (records.is_dir() and any(records.iterdir())):
        time.sleep(0.02)
    workers = children(process.pid)
    process.kill()
    process.wait()
    assert workers
    assert len(list(records.iterdir())) < 36
    deadline = time.monotonic() + 20
    while any(map(alive, workers)):
        assert time.monotonic() < deadline, "a worker outlives the process that was killed"
        time.sleep(0.05)
    done = subprocess.run(
        [sys.executable, "-m", "voxlet", *killed], capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    assert tree(tmp_path / "killed") == tree(tmp_path / "whole")


def children(process: int) -> list[int]:
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in found.stdout.split()]


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_folder_of_another_data_set_is_left_alone(tmp_path: Path) -> None:
    before = made(tmp_path)
    with pytest.raises(VoxletError, match=r"another seed \(0, not 1\)"):
        made(tmp_path, seed=1)
    assert tree(tmp_path) == before


@pytest.mark.follows("datasets/build.py: give the options that it was made with, or --out another folder")
@pytest.mark.parametrize(
    ("lost", "first"),
    [
        (("plan.json",), "test-00000"),
        (("plan.json", "dataset.json", "shards/test-00000.json"), "train-00000"),
    ],
)
def test_a_lost_plan_is_that_of_the_shards_or_none(tmp_path: Path, lost: tuple[str, ...], first: str) -> None:
    wanted = made(tmp_path)
    for name in lost:
        (tmp_path / name).unlink()
    before = tree(tmp_path)
    for changes in ({"seed": 1}, {"count": 40}, {"shard": 7}):
        with pytest.raises(
            ConfigError, match=rf"holds no plan\.json, and shards/{first}\.json is not marked"
        ):
            made(tmp_path, **changes)
        assert tree(tmp_path) == before
    with pytest.raises(ConfigError, match="is not marked as made with these options"):
        make_part(plan(seed=1), VOICE, Folder(tmp_path), SerialEngine(), part=(0, 2), progress=False)
    assert made(tmp_path) == wanted


def test_without_a_plan_a_shard_that_does_not_say_by_which_it_was_made_is_none_of_it(tmp_path: Path) -> None:
    """Shards that an earlier version made."""
    wanted = made(tmp_path)
    for path in (tmp_path / "shards").iterdir():
        record = json.loads(path.read_text())
        del record["plan"]
        path.write_text(json.dumps(record))
    with_plan = {name: data for name, data in made(tmp_path).items() if not name.startswith("shards/")}
    assert with_plan == {name: data for name, data in wanted.items() if not name.startswith("shards/")}
    assert main(["dataset", "verify", str(tmp_path)]) == 0
    (tmp_path / "plan.json").unlink()
    with pytest.raises(ConfigError, match="is not marked as made with these options"):
        made(tmp_path)


def test_a_damaged_record_beside_a_lost_plan_is_named(tmp_path: Path) -> None:
    wanted = made(tmp_path)
    (tmp_path / "plan.json").unlink()
    (tmp_path / "shards" / "train-00003.json").write_bytes(b"")
    with pytest.raises(FileError, match=r"train-00003\.json: is damaged; remove it, then repeat the command"):
        made(tmp_path)
    (tmp_path / "shards" / "train-00003.json").unlink()
    assert made(tmp_path) == wanted


@pytest.mark.follows("datasets/record.py: make the data set again, in another folder: --out FOLDER")
def test_shards_of_two_plans_are_no_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wanted = made(tmp_path / "new", seed=1)
    made(tmp_path / "mixed")
    (tmp_path / "mixed" / "plan.json").write_bytes(wanted["plan.json"])
    (tmp_path / "mixed" / "shards" / "test-00000.json").write_bytes(wanted["shards/test-00000.json"])
    with pytest.raises(ConfigError, match=r"shards/train-00000\.json: belongs to another data set; make"):
        made(tmp_path / "mixed", seed=1)
    assert main(["dataset", "verify", str(tmp_path / "mixed")]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert "shards/train-00000.json: belongs to another data set" in line
    assert made(tmp_path / "again", seed=1) == wanted


def test_a_plan_that_holds_more_is_another_one(tmp_path: Path) -> None:
    made(tmp_path)
    text = json.loads((tmp_path / "plan.json").read_text())
    (tmp_path / "plan.json").write_text(json.dumps({**text, "variation": [["speed", 0.1]]}))
    with pytest.raises(ConfigError, match="another variation"):
        made(tmp_path)


@pytest.mark.follows("datasets/stores.py: give a new folder")
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    own = tmp_path / "train" / "metadata.csv"
    own.parent.mkdir()
    own.write_text("mine")
    with pytest.raises(ConfigError, match="holds something other than a data set; give --out another folder"):
        made(tmp_path)
    assert tree(tmp_path) == {"train/metadata.csv": b"mine"}
    with pytest.raises(FileError, match="is not a folder; give a new folder"):
        open_store("")
    assert open_store(str(tmp_path / "new")).root == tmp_path / "new"


def test_what_a_check_refuses_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(plan: object) -> None:
        raise ConfigError("does not know the word", where="--check")

    monkeypatch.setattr("voxlet.datasets.build.opened_check", refused)
    with pytest.raises(ConfigError):
        made(tmp_path / "set", check="pocketsphinx")
    monkeypatch.undo()
    assert made(tmp_path / "set")


def test_words_that_become_one_name_have_a_folder_each(tmp_path: Path) -> None:
    asked = replace(plan(format="speech-commands"), labels=("one", "One!", "two"))
    clip = Encoded({"word": "One!", "speaker": "ann", "index": 7}, b"")
    shard = asked.shards()[0]
    assert SpeechCommands().path_of(asked, shard, clip).startswith("One-2/")
    plain = Encoded({"word": "one", "speaker": "ann", "index": 7}, b"")
    assert SpeechCommands().path_of(asked, shard, plain).startswith("one/")


def test_named_speakers_speak_as_they_are(tmp_path: Path) -> None:
    asked = plan(speakers=("bob", "ann"), held_out=(0.0, 0.0))
    voice = opened_voice(VOICE)
    clip = make_clip(asked, voice, 5)
    said = voice.sample([clip.planned.word], speaker=clip.planned.speaker, seed=0, first=5)
    from voxlet.speak.speech import shape

    assert clip.samples.tobytes() == shape(said[0], 8000, 8000, "").tobytes()
    assert {asked.clip(i).speaker for i in range(20)} == {"ann", "bob"}


def test_the_digest_is_of_the_sound_alone() -> None:
    other = tiny_voice.voice_bytes(tiny_voice.info(card={"licence": "other"}))
    assert voice_file(other).digest == voice_file().digest
    assert replace(plan(), seed=1).digest == plan().digest


def test_a_url_of_a_folder_is_the_folder(tmp_path: Path) -> None:
    assert open_store(f"file://{tmp_path}") == open_store(str(tmp_path)) == Folder(tmp_path)


@pytest.mark.slow
def test_the_slurm_script_of_the_documents_makes_the_bytes_of_one_run(tmp_path: Path) -> None:
    (tmp_path / "digits").write_bytes(VOICE)
    text = (Path(__file__).parents[2] / "docs" / "scale.md").read_text()
    script = text.split("<!-- slurm: parts -->\n```sh\n")[1].split("```")[0]
    for said, small in {
        "100000000 --shard 10000": "60 --shard 10",
        "digits": "./digits",
        "/shared": ".",
        "16 --part": "1 --part",
        "/64": "/2",
    }.items():
        assert said in script
        script = script.replace(said, small)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for task in range(2):
        environment = {**os.environ, "PATH": path, "SLURM_ARRAY_TASK_ID": str(task)}
        done = subprocess.run(
            ["bash", "-eu"],
            input=script,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert f"words: part {task} of 2: " in done.stdout
    words = ["dataset", str(tmp_path / "digits"), "--count", "60", "--shard", "10", "--format", "parquet"]
    for folder in ("words", "whole"):
        assert main([*words, "--workers", "1", "--out", str(tmp_path / folder)]) == 0
    assert tree(tmp_path / "words") == tree(tmp_path / "whole")
    assert main(["dataset", "verify", str(tmp_path / "words")]) == 0
