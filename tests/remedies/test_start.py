"""Following the remedies in messages about clips and the machine before a training starts."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from messages import message
from synthetic import word, write_clip
from tiny_corpus import FLAGS, write_corpus
from tiny_training import TINY_VOICE
from voxlet import audio, machine
from voxlet.cli.main import main
from voxlet.errors import ConfigError, TrainingError
from voxlet.recipes import preflight
from voxlet.recipes.opened import load_run
from voxlet.recipes.preflight import Needs
from voxlet.recipes.presets import PRESETS
from voxlet.recipes.train import train

follows = pytest.mark.follows
pytestmark = pytest.mark.slow


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """Make six takes of each of two labels, in a folder for each."""
    for number, label in enumerate(("left", "right")):
        for take in range(6):
            record(tmp_path / "words" / label, word(number, 0, take), take)
    return tmp_path / "words"


def record(folder: Path, samples: np.ndarray, take: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    write_clip(folder / f"ann_nohash_{take}.wav", samples)


def training(corpus: Path, tmp_path: Path, *more: str) -> list[str]:
    run = ["--run", str(tmp_path / "run")]
    return ["train", "mlp", "--corpus", str(corpus), *run, "--epochs", "1", *FLAGS, *more]


def labels(tmp_path: Path) -> tuple[str, ...]:
    """Return the labels of the trained run."""
    return load_run(tmp_path / "run").labels


@follows("corpus/dataset.py: record it again, or remove its files to go on without the label")
@pytest.mark.parametrize("anew", [True, False])
def test_a_label_without_a_usable_recording(words: Path, tmp_path: Path, anew: bool) -> None:
    silent = words / "stop" / "ann_nohash_0.wav"
    silent.parent.mkdir()
    audio.write(silent, np.zeros(8000, np.float32), 8000)
    command = training(words, tmp_path, "--allow-rejected")
    assert main(command) == 2
    if anew:
        record(silent.parent, word(2, 0, 0), 0)
    else:
        silent.unlink()
    assert main(command) == 0
    assert labels(tmp_path) == (("left", "right", "stop") if anew else ("left", "right"))


@follows("corpus/dataset.py: use the split 'stratified' (--split stratified)")
def test_a_label_that_is_only_tested(words: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [
        f"{label}/ann_nohash_{take}.wav,{label},{'test' if label == 'right' or take > 3 else 'train'}"
        for label in ("left", "right")
        for take in range(6)
    ]
    (words / "manifest.csv").write_text("\n".join(["path,label,split", *rows]))
    command = training(words, tmp_path, "--split", "official")
    assert main(command) == 2
    flags = capsys.readouterr().err.splitlines()[-1].rpartition("(")[2].rstrip(")").split()
    assert main([*command, *flags]) == 0
    assert labels(tmp_path) == ("left", "right")


@follows(
    "corpus/dataset.py: its takes are copies of other labels' recordings: remove one of each two, "
    "or record it again"
)
@pytest.mark.parametrize("remedy", ["remove its own", "remove the other's", "record anew"])
def test_a_label_of_copies(words: Path, tmp_path: Path, remedy: str) -> None:
    """All takes of the label are in other parts of the split, as copies of another label's recordings."""
    copies = words / "stop"
    copies.mkdir()
    command = training(words, tmp_path)
    for take in range(6):
        # A copy is in its original's part of the split: that of a test recording is in the test set.
        shutil.copy(words / "left" / f"ann_nohash_{take}.wav", copies / f"ann_nohash_{take}.wav")
        if main(command) == 2:
            break
        shutil.rmtree(tmp_path / "run")
        (copies / f"ann_nohash_{take}.wav").unlink()
    else:
        pytest.fail("no take of the label is tested or validates")
    (copy,) = copies.iterdir()
    if remedy == "remove its own":
        copy.unlink()
    elif remedy == "remove the other's":
        (words / "left" / copy.name).unlink()
    else:
        record(copies, word(2, 0, 0), take)
    assert main(command) == 0
    assert ("stop" in labels(tmp_path)) is (remedy != "remove its own")


@follows("recipes/voice/plan.py: record another take")
def test_one_clip_alone(tmp_path: Path) -> None:
    record(tmp_path / "words" / "left", word(0, 0, 0), 0)

    def voice() -> object:
        return train("voice", tmp_path / "words", tmp_path / "run", epochs=1, config=TINY_VOICE)

    message(ConfigError, voice)
    record(tmp_path / "words" / "left", word(0, 0, 1), 1)
    assert voice()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Needs]:
    """Record the estimated needs of each training, in order."""
    found: list[Needs] = []
    count = preflight.needs_of

    def counted(*arguments: object) -> Needs:
        found.append(count(*arguments))
        return found[-1]

    monkeypatch.setattr(preflight, "needs_of", counted)
    return found


SMALLER = {
    "model": ("--model.widths", "2"),
    "batch": ("--loop.batch-size", "1"),
    "clips": ("--preparation.length", "0.05"),
    "free": (),
}


@follows(
    "recipes/preflight.py: use a smaller model or batch, shorten clips with --preparation.length, "
    "or free some memory"
)
@pytest.mark.parametrize("remedy", SMALLER)
def test_too_little_memory(
    remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[Needs]
) -> None:
    free = [0.0]
    monkeypatch.setattr(machine, "memory", lambda: machine.Memory(10**12, int(free[0])))
    command = training(write_corpus(tmp_path / "tones"), tmp_path)
    smaller = [*command, *SMALLER[remedy]]
    assert main(command) == 2
    assert main(smaller) == 2
    plain, less = asked[-2].memory, asked[-1].memory
    if SMALLER[remedy]:
        assert less < plain
        free[0] = (less + plain) / 2
        assert main(command) == 2
    else:
        free[0] = plain + 1
    assert main(smaller) == 0


@follows("recipes/preflight.py: free some space, name a folder on another disk, or use a smaller model")
@pytest.mark.parametrize("remedy", ["free some", "another disk", "model"])
def test_too_little_disk(
    remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[Needs]
) -> None:
    free = {"run": 1.0, "other": 1e12}
    monkeypatch.setattr(machine, "free_space", lambda folder: int(free[folder.name]))
    command = training(write_corpus(tmp_path / "tones"), tmp_path)
    smaller = [*command, *SMALLER["model"]]
    assert main(command) == 2
    if remedy == "free some":
        free["run"] = asked[-1].disk + 1
    elif remedy == "another disk":
        command[command.index("--run") + 1] = str(tmp_path / "other")
    else:
        assert main(smaller) == 2
        free["run"] = (asked[-1].disk + asked[-2].disk) / 2
        assert main(command) == 2
        command = smaller
    assert main(command) == 0


class BegunError(Exception):
    """Raised where the networks would be made."""


@follows("recipes/preflight.py: shorten clips with --preparation.length, or free some memory")
@follows("recipes/preflight.py: free some space, or name a folder on another disk")
def test_too_little_for_a_voice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[Needs]) -> None:
    """The networks are too large to train here, so only the remedies for the machine are followed."""
    corpus = write_corpus(tmp_path / "tones")
    free = {"memory": 0.0, "run": 1e12, "other": 1e12}
    monkeypatch.setattr(machine, "memory", lambda: machine.Memory(10**12, int(free["memory"])))
    monkeypatch.setattr(machine, "free_space", lambda folder: int(free[folder.name]))

    def begin(run: str, **preparation: float) -> None:
        config = PRESETS["voice"]
        cut = replace(config, preparation=replace(config.preparation, **preparation))
        train("voice", corpus, tmp_path / run, epochs=1, config=cut)

    def begins(run: str, **preparation: float) -> bool:
        message(BegunError, begin, run, **preparation)
        return True

    def fails(run: str, **preparation: float) -> bool:
        message(TrainingError, begin, run, **preparation)
        return True

    def begun(*_: object) -> None:
        raise BegunError

    monkeypatch.setattr("voxlet.recipes.train.plan_voice_training", begun)
    assert fails("run")
    assert fails("run", length=0.05)
    plain, less = asked[-2].memory, asked[-1].memory
    free["memory"] = (plain + less) / 2
    assert fails("run")
    assert begins("run", length=0.05)
    free["memory"] = plain + 1
    assert begins("run")
    free["run"] = 1.0
    assert fails("run")
    assert begins("other")
    free["run"] = asked[-1].disk + 1
    assert begins("run")
