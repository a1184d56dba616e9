"""Following the remedies in messages about training and runs."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from safetensors.numpy import save

from messages import message
from tiny_corpus import FLAGS, write_corpus
from tiny_training import TINY_VOICE
from voxlet import files
from voxlet.cli.main import main
from voxlet.corpus.corpus import open_corpus
from voxlet.errors import ConfigError, CorpusError, FileError, RunError, VoiceError
from voxlet.models.voice.config import PriorConfig
from voxlet.recipes.clip import sampler
from voxlet.recipes.clip.task import ClipTask
from voxlet.recipes.generate import generate
from voxlet.recipes.opened import load
from voxlet.recipes.presets import find_preset
from voxlet.recipes.train import export, train
from voxlet.recipes.voice import finish, prior_task
from voxlet.recipes.voice.base_file import read_base
from voxlet.recipes.voice.finish import check_names
from voxlet.run_files import TEST
from voxlet.speak.voice import load_voice
from voxlet.spectral.config import SpectrogramConfig
from voxlet.training import checkpoints
from voxlet.training.run import Run, open_run
from voxlet.training.serialize import to_json

follows = pytest.mark.follows
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("sketches")]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "tones")


@pytest.fixture
def command(corpus: Path, tmp_path: Path) -> list[str]:
    """Return the command that trains the run `tmp_path / "run"`."""
    return training(corpus, tmp_path / "run")


def training(corpus: Path, run: Path, *more: str) -> list[str]:
    return ["train", "mlp", "--corpus", str(corpus), "--run", str(run), "--epochs", "1", *FLAGS, *more]


def refused(capsys: pytest.CaptureFixture[str], command: list[str]) -> str:
    """Run a command that is refused; return the last line of its error."""
    assert main(command) == 2
    return capsys.readouterr().err.splitlines()[-1]


def in_new_folder(command: list[str], folder: Path) -> bool:
    """Return whether the same training succeeds there."""
    again = [*command]
    again[again.index("--run") + 1] = str(folder)
    return main(again) == 0


def trained(runs: Path, tmp_path: Path, name: str = "plain") -> Path:
    """Make a copy of a trained run."""
    return Path(shutil.copytree(runs / name, tmp_path / "copy"))


@follows("recipes/clip/clip_run.py: it says: …")
@follows("recipes/clip/clip_run.py: leave speaker and style out, or use a voice")
def test_what_a_clip_run_can_say(runs: Path) -> None:
    run = load(runs / "plain")
    for label in message(VoiceError, run.sample, ["jam"]).partition("it says: ")[2].split(", "):
        assert run.sample([label])[0].size
    message(VoiceError, run.sample, ["one"], speaker="ann")
    assert run.sample(["one"])[0].size
    assert load("digits").sample(["one"], speaker="theo")[0].size


@follows("recipes/clip/finish.py: check the folder and its free space, then run the same command again")
def test_a_disk_that_is_full_at_the_end(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    large = tmp_path / "large"
    large.touch()
    write = files.write_atomically

    def full(path: Path, data: bytes) -> None:
        if path.name == TEST and large.exists():  # as on a disk that it fills
            raise FileError("cannot be written (No space left on device)", where=path)
        write(path, data)

    monkeypatch.setattr(files, "write_atomically", full)
    refused(capsys, command)
    large.unlink()
    assert main(command) == 0
    assert load(tmp_path / "run").sample(["one"])[0].size


@contextlib.contextmanager
def interrupted(owner: type, name: str, call: int):
    """Simulate Ctrl-C at a call of a method."""
    calls, whole = 0, getattr(owner, name)

    def failing(*arguments: object) -> object:
        nonlocal calls
        calls += 1
        if calls == call:
            raise KeyboardInterrupt
        return whole(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, name, failing)
        yield


@follows("recipes/clip/sampler.py: repeat the command that trained it, and training continues")
@follows("training/run.py: repeat the command that trained it, and training continues")
def test_a_run_that_has_not_come_to_its_end(command: list[str], tmp_path: Path) -> None:
    command[command.index("--epochs") + 1] = "3"
    command += ["--loop.checkpoint-seconds", "0"]
    with interrupted(ClipTask, "train_step", 9):
        assert main(command) == 130
    message(RunError, lambda: load(tmp_path / "run").labels)
    shutil.rmtree(tmp_path / "run" / "vae")
    message(RunError, open_run(tmp_path / "run").weights, "vae")
    assert main(command) == 0
    assert open_run(tmp_path / "run").weights("vae")
    assert load(tmp_path / "run").sample(["one"])[0].size


@follows("recipes/clip/label_posterior.py: repeat the command that trained it, and training continues")
@follows("recipes/clip/sampler.py: repeat the command that trained it, and training continues")
def test_what_a_run_speaks_with_is_damaged_or_gone(command: list[str], tmp_path: Path) -> None:
    assert main(command) == 0
    path = tmp_path / "run" / sampler.FILE
    whole = path.read_bytes()
    for content in (b"", whole[:-1], whole[:-9] + b"\x01" + whole[-8:], None):
        path.unlink() if content is None else path.write_bytes(content)
        message(RunError, lambda: load(tmp_path / "run").sample(["one"]))
        assert main(command) == 0
        assert path.read_bytes() == whole
    # Files without a digest: their contents must make sense.
    speech, mixture = load(tmp_path / "run").speech, load(tmp_path / "run").posterior
    for changed in (
        {"weights": mixture.weights / 2},
        {"means": mixture.means * math.nan},
        {"factors": mixture.factors[:1]},
        {"weights": mixture.weights[:, :, None]},
    ):
        described = {"format": sampler.FORMAT, "speech": to_json(speech)}
        metadata = {"voxlet": json.dumps(described)}
        path.write_bytes(save({**mixture.arrays(), **changed}, metadata=metadata))
        message(RunError, load(tmp_path / "run").sample, ["one"])
        assert main(command) == 0
        assert path.read_bytes() == whole


@follows("recipes/opened.py: train again in another folder")
@follows("training/checkpoints.py: train again in another folder")
@follows("training/run.py: train again in another folder")
def test_a_damaged_run(command: list[str], tmp_path: Path) -> None:
    assert main(command) == 0
    run = tmp_path / "run"
    whole = (run / "config.json").read_text()
    for damaged in (whole[:-9], "[]", whole.replace('"preset"', '"preseu"')):
        (run / "config.json").write_text(damaged)
        message(RunError, load, run)
    (run / "config.json").write_text(whole)
    for path in run.glob("vae/checkpoint-*/*.safetensors"):
        path.write_bytes(b"damaged")
    message(RunError, open_run(run).weights, "vae")
    assert in_new_folder(command, tmp_path / "other")
    assert load(tmp_path / "other").sample(["one"])[0].size


@follows("recipes/generate.py: give 1 to …")
def test_a_count_of_files(tmp_path: Path) -> None:
    voice = load_voice("digits")
    least, most = (
        message(ConfigError, generate, voice, "4", tmp_path, count=0).rpartition("give ")[2].split(" to ")
    )
    assert len(generate(voice, "4", tmp_path, count=int(least))) == 1
    assert "-n" in message(ConfigError, generate, voice, "4", tmp_path, count=int(most) + 1)


@follows(
    "recipes/opened.py: give a run's folder (one with a config.json), a voice that `voxlet voices` "
    "lists, or …"
)
def test_no_run_and_no_voice(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = message(RunError, load, "nobody")
    file = re.search(r"one with a (\S+)\)", line)[1]
    (folder, *_) = [path.parent for path in runs.rglob(file)]
    assert load(folder).labels
    assert main(["voices"]) == 0
    assert load(capsys.readouterr().out.split()[0]).labels


@follows("recipes/presets.py: the presets are: …")
def test_presets_that_there_are() -> None:
    for name in message(ConfigError, find_preset, "nope").partition("are: ")[2].split(", "):
        assert find_preset(name)


@follows("training/stages.py: use a smaller model, or a smaller batch in a new run")
def test_memory_that_is_full(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    step = ClipTask.train_step

    def bounded(task: ClipTask, rows, progress: float):
        if len(rows) * sum(weight.numel() for weight in task.model.parameters()) > 50_000:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")
        return step(task, rows, progress)

    monkeypatch.setattr(ClipTask, "train_step", bounded)
    refused(capsys, command)
    assert main([*command[:-2], "--model.widths", "2", "--model.latent-size", "1"]) == 0
    assert in_new_folder([*command, "--loop.batch-size", "1"], tmp_path / "new")


@follows("recipes/train.py: train one with `voxlet train voice`, or speak with `voxlet generate`")
def test_a_run_that_is_no_voices(runs: Path, corpus: Path, tmp_path: Path) -> None:
    message(RunError, export, runs / "plain", tmp_path / "a.voice")
    assert main(["generate", str(runs / "plain"), "01", "--out", str(tmp_path / "clips")]) == 0
    train("voice", corpus, tmp_path / "voice", epochs=4, config=TINY_VOICE)  # the command, with tiny networks
    assert export(tmp_path / "voice", tmp_path / "a.voice").is_file()


@follows("recipes/voice/finish.py: train it first, with `voxlet train` and the settings in its config.json")
@follows("recipes/voice/voice_run.py: repeat the command that trained it, and training continues")
def test_a_voice_that_is_not_finished(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "voice"
    with interrupted(prior_task.PriorTask, "train_step", 3), pytest.raises(KeyboardInterrupt):
        train("voice", corpus, run, epochs=4, config=TINY_VOICE)
    message(RunError, export, run, tmp_path / "a.voice")
    message(RunError, load(run).sample, ["one"])
    settings = json.loads((run / "config.json").read_text())
    (budget,) = [f"--{name} {value}" for name, value in settings["budget"].items() if value is not None]
    command = ["train", settings["preset"], "--corpus", settings["corpus"]["source"], "--run", str(run)]
    assert main([*command, *budget.split(), *flags_of(settings["config"])]) == 0
    assert load(run).sample(["one"])[0].size
    assert export(run, tmp_path / "a.voice").is_file()


def flags_of(settings: dict, prefix: str = "") -> list[str]:
    """Return settings as arguments of `voxlet train`."""
    flags = []
    for key, value in settings.items():
        name = f"{prefix}{key}".replace("_", "-")
        if isinstance(value, dict):
            flags += flags_of(value, f"{name}.")
        elif isinstance(value, bool):
            head, _, last = name.rpartition(".")
            flags.append(f"--{name}" if value else f"--{head + '.' if head else ''}no-{last}")
        elif key != "kind":
            flags += [f"--{name}", *map(str, value if isinstance(value, list) else [value])]
    return flags


@follows("spectral/config.py: give positive values and an even n_fft")
@follows("spectral/config.py: use at most half of n_fft")
def test_spectrograms() -> None:
    for wrong in ({"rate": 0}, {"n_fft": 511}, {"range_db": -1.0}, {"hop": 300}):
        message(ConfigError, SpectrogramConfig, **wrong)
    assert SpectrogramConfig(rate=8000, n_fft=510, hop=255, range_db=80.0).bands == 256


@follows("training/checkpoints.py: …; free some space and run the same command again")
def test_a_disk_that_is_full_at_a_checkpoint(
    command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    large = tmp_path / "large"
    large.touch()
    write = checkpoints.save_file

    def full(*arguments: object) -> None:
        if large.exists():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(*arguments)

    monkeypatch.setattr(checkpoints, "save_file", full)
    refused(capsys, command)
    large.unlink()
    assert main(command) == 0


@follows("training/loop.py: …; try a lower learning rate or float32 in a new folder")
def test_a_loss_that_is_no_number(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wild = [*command, "--learning-rate", "1e30"]
    wild[wild.index("--precision") + 1] = "bfloat16"
    refused(capsys, wild)
    assert in_new_folder([*wild, "--learning-rate", "1e-3"], tmp_path / "lower")
    assert in_new_folder(command, tmp_path / "float32")


@follows("training/run.py: give a new or empty folder")
@follows("training/run.py: give the run a folder of its own")
def test_places_that_are_taken(
    command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "run"
    place.write_text("a file")
    refused(capsys, command)
    place.unlink()
    place.mkdir()
    (place / "thesis.txt").write_text("x")
    refused(capsys, command)
    (tmp_path / "empty").mkdir()
    for folder in ("empty", "new"):
        assert in_new_folder(command, tmp_path / folder)


@follows("training/run.py: give the same settings to continue it, or another folder")
def test_other_settings(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 0
    other = [*command, "--learning-rate", "0.5"]
    refused(capsys, other)
    assert main(command) == 0
    assert in_new_folder(other, tmp_path / "other")


@follows("training/run.py: train again in another folder; voice files that the run holds still speak")
def test_a_run_of_another_format(voice_run: Path, corpus: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(voice_run, tmp_path / "tiny"))
    record = json.loads((run / "config.json").read_text())
    (run / "config.json").write_text(json.dumps({**record, "format": 1, "voxlet": "0.1.0"}))
    message(RunError, load, run)
    assert load_voice(run / "tiny.voice").say("01").samples.size
    train("voice", corpus, tmp_path / "another", epochs=4, config=TINY_VOICE)
    assert load(tmp_path / "another").sample(["one"])[0].size


@follows("training/run.py: train one with `voxlet train PRESET --run DIR ...`")
def test_no_such_run(command: list[str], tmp_path: Path) -> None:
    message(RunError, open_run, tmp_path / "run")
    assert main(command) == 0
    assert open_run(tmp_path / "run").record


@follows("training/run.py: wait for it, stop it, or use another folder")
def test_a_run_that_is_in_use(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(command) == 0
    with Run(tmp_path / "run").locked():
        refused(capsys, command)
        assert in_new_folder(command, tmp_path / "another")
    assert main(command) == 0  # waited for
    code = (
        "import sys, time; from voxlet.training.run import Run; from pathlib import Path\n"
        "with Run(Path(sys.argv[1])).locked():\n print(flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code, tmp_path / "run"], stdout=subprocess.PIPE)
    process.stdout.readline()
    refused(capsys, command)
    process.terminate()
    process.wait()
    assert main(command) == 0


@follows("recipes/voice/finish.py: rename it there")
@follows("recipes/voice/finish.py: use a part of it")
@follows("recipes/voice/finish.py: give another name")
def test_what_a_voice_cannot_hold_is_refused_before_it_is_trained(
    voice_run: Path, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, run = tmp_path / "words", tmp_path / "run"
    shutil.copytree(corpus, folder)
    opened = open_corpus(folder)
    check_names(opened, run)
    names = sorted(folder.glob("one_*.wav"))
    for old, new in (("one_", "o\u202ene_"), ("_ann_", "_a\x1b[2J_"), ("_ann_", f"_{'a' * 101}_")):
        strange = [path.rename(folder / path.name.replace(old, new)) for path in names]
        told = message(CorpusError, train, "voice", folder, run, epochs=1, config=TINY_VOICE)
        assert told.isprintable()
        assert not run.exists()
        for path, name in zip(strange, names, strict=True):
            path.rename(name)
        check_names(open_corpus(folder), run)
    with monkeypatch.context() as patch:
        patch.setattr(finish, "MOST_SPEAKERS", 1)
        message(CorpusError, check_names, opened, run)
        for path in folder.glob("*_bob_*.wav"):
            path.unlink()
        check_names(open_corpus(folder), run)
    message(RunError, check_names, opened, tmp_path / "r\x9b2J")
    message(RunError, export, voice_run, tmp_path / f"{'a' * 101}.voice")
    assert load_voice(export(voice_run, tmp_path / f"{'a' * 100}.voice")).labels


@follows("recipes/train.py: name it ….voice, or ….safetensors for a base")
def test_names_of_what_is_exported(
    voice_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    line = refused(capsys, ["export", str(voice_run), "-o", "mine.wav"])
    for name in re.search("name it (.*) for a base", line)[1].split(", or "):
        assert main(["export", str(voice_run), "-o", name]) == 0
    assert load_voice(tmp_path / "mine.voice").say("01").samples.size
    assert read_base(tmp_path / "mine.safetensors").labels


@follows("recipes/voice/base_file.py: write it again: voxlet export RUN -o NAME.safetensors")
def test_a_damaged_base(voice_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("NAME.safetensors")
    if hasattr(os, "mkfifo"):
        os.mkfifo("pipe.safetensors")
        message(RunError, read_base, Path("pipe.safetensors"))
        message(RunError, read_base, Path("/dev/zero"))
    path.write_bytes(b"no base")
    command = message(RunError, read_base, path).rpartition("again: voxlet ")[2]
    assert main(command.replace("RUN", str(voice_run)).split()) == 0
    assert read_base(path).labels


@follows("recipes/voice/base_file.py: give --… as the base has it")
@follows("recipes/voice/base_file.py: train without it")
def test_what_begins_with_a_base(
    voice_run: Path,
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    base = tmp_path / "a.safetensors"
    assert main(["export", str(voice_run), "-o", str(base)]) == 0
    command = training(corpus, tmp_path / "run")
    refused(capsys, [*command, "--base", str(base)])
    assert main(command) == 0
    voice = ["train", "voice", "--corpus", str(corpus), "--run", str(tmp_path / "voice"), "--epochs", "1"]
    voice += ["--base", str(base)]
    monkeypatch.setattr("voxlet.recipes.train.plan_voice_training", lambda *_: 1 / 0)  # it would train
    for _ in range(30):
        try:
            line = refused(capsys, voice)
        except ZeroDivisionError:
            return
        theirs, flag = re.search(r"the base's is (.*); give (--\S+) as the base has it", line).groups()
        voice += [flag, *theirs.strip("()").replace(",", "").split()]
    pytest.fail("its sizes are never those of the base")


@follows("models/voice/config.py: the attributes are: …")
def test_attributes_that_there_are() -> None:
    names = message(ConfigError, PriorConfig, attributes=("nope",)).partition("are: ")[2].split(", ")
    assert PriorConfig(attributes=tuple(names)).attributes == tuple(names)
