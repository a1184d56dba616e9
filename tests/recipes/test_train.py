from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tiny_corpus import DATA_FLAGS, FLAGS, write_corpus
from voxlet.cli.main import main
from voxlet.corpus.corpus import open_corpus
from voxlet.errors import RunError
from voxlet.recipes.clip import data
from voxlet.recipes.opened import load_run
from voxlet.recipes.presets import PRESETS
from voxlet.recipes.train import train
from voxlet.training import checkpoints, hardware
from voxlet.training.run import open_run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("sketches")]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_corpus(tmp_path_factory.mktemp("corpus") / "tones")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXLET_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def command(corpus: Path, run: Path, *more: str, preset: str = "mlp-dropout") -> list[str]:
    return ["train", preset, "--corpus", str(corpus), "--run", str(run), *FLAGS, *more]


def test_a_layout_that_is_told_is_kept(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    layout = ["--layout", "{speaker}_{label}_{take}", "--language", "AR"]
    assert main(command(corpus, run, "--epochs", "1", *layout)) == 0
    opened = load_run(run)
    assert opened.run.record["corpus"]["layout"] == layout[1]
    assert opened.dataset.prepared.label_names == ("ann", "bob")
    assert opened.run.record["corpus"]["language"] == opened.language == "ar"
    assert opened.dataset.prepared.language == "ar"
    account = open_corpus(corpus, layout=layout[1]).account
    assert f"{corpus.name}: {account}\n" in capsys.readouterr().err
    kept = json.loads((run / "corpus.json").read_text())
    assert kept["account"] == account
    assert kept["layout"] == f"{layout[1]}, as given"


def test_clips_that_do_not_fit_into_memory_give_the_same_weights(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Spectrograms are computed from the rows on disk, batch by batch, in training and after it."""
    runs = {}
    for name, most in (("held", data.HELD_BYTES), ("made", 0)):
        monkeypatch.setattr(data, "HELD_BYTES", most)
        assert main(command(corpus, tmp_path / name, "--epochs", "2", preset="mlp")) == 0
        runs[name] = load_run(tmp_path / name)
    assert isinstance(runs["held"].spectrograms, data.Computed)  # asked for after the bound was set
    weights = [run.run.weights("vae") for run in runs.values()]
    assert weights[0].keys() == weights[1].keys()
    assert all(torch.equal(weights[0][key], weights[1][key]) for key in weights[0])
    for name in ("test.json", "sampler.safetensors"):
        assert (tmp_path / "held" / name).read_bytes() == (tmp_path / "made" / name).read_bytes()


def test_it_learns_and_says_where(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    flags = ["--epochs", "30", "--learning-rate", "0.02", "--model.latent-size", "3"]
    asked = ["train", "mlp", "--corpus", str(corpus), "--run", str(run), *DATA_FLAGS]
    asked += ["--model.widths", "16", *flags]
    assert main(asked) == 0
    out, err = capsys.readouterr()
    assert out == f"{run}\n"
    assert "epoch 30/30" in err
    opened = load_run(run)
    config = opened.config
    assert config.model.latent_size == 3
    assert config.learning_rate == 0.02
    losses = [line["validation_loss"] for line in opened.metrics()]
    assert len(losses) == 30
    assert losses[-1] < losses[0] - 10
    assert opened.metrics()[-1]["validation_active_units"] <= 3
    assert {name.partition(".")[0] for name in opened.run.weights("vae")} == {"vae"}
    # The same command again has nothing to do.
    before = (checkpoints.newest(run / "vae").path / "last.safetensors").stat().st_mtime
    assert main(asked) == 0
    assert (checkpoints.newest(run / "vae").path / "last.safetensors").stat().st_mtime == before


def test_lines_of_metrics_without_some_figures_cost_themselves_alone(corpus: Path, tmp_path: Path) -> None:
    asked = command(corpus, tmp_path / "run", "--epochs", "3")
    assert main(asked) == 0
    metrics = tmp_path / "run" / "metrics.jsonl"
    first, second, last = metrics.read_text().splitlines()
    damaged = [first.replace("epoch", "epocj"), second.replace("validation_kl", "validation_kk")]
    for lines in ([*damaged, last], [*damaged, last.replace("train_kl", "train_kk")]):
        metrics.write_text("".join(f"{line}\n" for line in lines))
        (tmp_path / "run" / "test.json").unlink()
        assert main(asked) == 0
        assert (tmp_path / "run" / "test.json").exists()


def test_killed_for_good_and_resumed_to_the_same_bytes(corpus: Path, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    flags = ["--epochs", "80", "--loop.checkpoint-seconds", "0", "--kl-warmup", "0.5"]
    process = subprocess.Popen(
        [sys.executable, "-m", "voxlet", *command(corpus, tmp_path / "killed", *flags)],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 300
        while not list((tmp_path / "killed" / "vae").glob("checkpoint-00000[2-9]")):
            assert time.monotonic() < deadline
            assert process.poll() is None
            time.sleep(0.002)
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        assert checkpoints.is_finished(tmp_path / "killed" / "vae") is False
        assert main(command(corpus, tmp_path / "killed", *flags)) == 0
        assert main(command(corpus, tmp_path / "whole", *flags)) == 0
    finally:
        process.kill()
        torch.set_num_threads(threads)
    killed, whole = (checkpoints.newest(tmp_path / name / "vae").path for name in ("killed", "whole"))
    for name in (checkpoints.LAST, checkpoints.BEST, checkpoints.STATE):
        assert (killed / name).read_bytes() == (whole / name).read_bytes()
    steps = [line["step"] for line in open_run(tmp_path / "killed").metrics()]
    assert steps == [line["step"] for line in open_run(tmp_path / "whole").metrics()]


def test_half_precision_learns_nearly_the_same_in_float32_weights(corpus: Path, tmp_path: Path) -> None:
    flags = ["--epochs", "2", "--model.conditional", "--clip-norm", "1"]
    found = {}
    for precision in ("float32", "bfloat16"):
        asked = command(corpus, tmp_path / precision, *flags, "--precision", precision)
        assert main(asked) == 0
        run = open_run(tmp_path / precision)
        found[precision] = run.metrics()[-1]["validation_loss"], run.weights("vae")
    (exact, weights), (half, other) = found["float32"], found["bfloat16"]
    assert half == pytest.approx(exact, rel=0.01)
    assert half != exact
    assert {tensor.dtype for tensor in other.values()} == {torch.float32}
    assert all(torch.allclose(other[name], weights[name], atol=0.01) for name in weights)


def test_the_penalty_on_convolutions(corpus: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    arguments = ["train", "cnn-regularised", "--corpus", str(corpus), "--run", str(run), *DATA_FLAGS]
    model = ["--model.channels", "2", "3", "--model.width", "4", "--model.l2", "1000"]
    assert main([*arguments, *model, "--epochs", "1"]) == 0
    (line,) = open_run(run).metrics()
    assert line["train_loss"] > line["train_reconstruction"] + line["train_kl"] + 100
    assert line["validation_loss"] == pytest.approx(line["validation_reconstruction"] + line["validation_kl"])


def test_the_library_trains_too(corpus: Path, tmp_path: Path) -> None:
    config = PRESETS["mlp"]
    config = replace(
        config,
        model=replace(config.model, widths=(4,)),
        preparation=replace(config.preparation, rate=8000, length=0.1),
        spectrogram=replace(config.spectrogram, rate=8000, n_fft=32, hop=16),
    )
    run = train("mlp", corpus, tmp_path / "run", minutes=0.001, config=config)
    assert open_run(run.path).metrics()
    assert run.config == config


def other_learning_rate(corpus: Path, path: Path) -> list[str]:
    main(command(corpus, path / "run", "--epochs", "1"))
    return command(corpus, path / "run", "--epochs", "1", "--learning-rate", "0.5")


def other_budget(corpus: Path, path: Path) -> list[str]:
    main(command(corpus, path / "run", "--epochs", "1"))
    return command(corpus, path / "run", "--epochs", "2")


def other_corpus(corpus: Path, path: Path) -> list[str]:
    main(command(corpus, path / "run", "--epochs", "1"))
    return command(write_corpus(path / "other", takes=8), path / "run", "--epochs", "1")


def a_file(corpus: Path, path: Path) -> list[str]:
    (path / "run").write_text("x")
    return command(corpus, path / "run", "--epochs", "1")


def a_full_folder(corpus: Path, path: Path) -> list[str]:
    (path / "run").mkdir()
    (path / "run" / "thesis.txt").write_text("x")
    return command(corpus, path / "run", "--epochs", "1")


def a_damaged_config(corpus: Path, path: Path) -> list[str]:
    (path / "run").mkdir()
    (path / "run" / "config.json").write_text('{"format": 2, "kind"')
    return command(corpus, path / "run", "--epochs", "1")


def an_empty_corpus(corpus: Path, path: Path) -> list[str]:
    (path / "empty").mkdir()
    return command(path / "empty", path / "run", "--epochs", "1")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda c, p: ["train", "mpl", "--epochs", "1"], "unknown preset 'mpl'; the presets are: mlp, "),
        (lambda c, p: command(c, p / "run"), "give either --epochs or --minutes (neither given)"),
        (lambda c, p: command(c, p / "run", "--epochs", "1", "--minutes", "1"), "(both given)"),
        (lambda c, p: command(c, p / "run", "--epochs", "-3"), "--epochs -3 is less than 1"),
        (lambda c, p: command(c, p / "run", "--minutes", "-3"), "--minutes -3.0 is not a positive number"),
        (lambda c, p: command(c, p / "run", "--epochs", "1", "--learning-rate", "-1"), "learning_rate -1.0"),
        (lambda c, p: command(c, p / "run", "--epochs", "1", "--learning-rate", "nan"), "learning_rate nan"),
        (lambda c, p: command(c, p / "run", "--epochs", "1", "--beta", "-1"), "beta -1.0 is negative"),
        (lambda c, p: command(c, p / "run", "--epochs", "1", "--clip-norm", "0"), "clip_norm 0.0"),
        (lambda c, p: command(c, p / "run", "--epochs", "1", "--loop.batch-size", "0"), "batch_size 0"),
        (lambda c, p: command(c, p / "run", "--epochs", "1", "--loop.seed", "-1"), "seed -1 is negative"),
        (lambda c, p: command(c, p / "run", "--epochs", "1", "--model.latent-size", "0"), "latent_size 0"),
        (lambda c, p: command(c, p / "run", "--epochs", "1", "--kl-warmup", "2"), "kl_warmup 2.0"),
        (
            lambda c, p: command(c, p / "run", "--epochs", "1", "--spectrogram.rate", "16000"),
            "preparation.rate 8000 differs from spectrogram.rate 16000",
        ),
        (lambda c, p: command(p / "nowhere", p / "run", "--epochs", "1"), "no such folder"),
        (an_empty_corpus, "empty"),
        (lambda c, p: command(c, Path("/proc/run"), "--epochs", "1"), "/proc/run: cannot be written"),
        (a_file, "is a file, not a folder"),
        (a_full_folder, "holds files but is not a run"),
        (a_damaged_config, "config.json: cannot be read"),
        (other_learning_rate, "config.learning_rate is 0.001 in the run and 0.5 now"),
        (other_budget, "budget.epochs is 1 in the run and 2 now"),
        (other_corpus, "corpus.digest is"),
    ],
)
def test_what_a_user_gets_wrong(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], make, message: str
) -> None:
    arguments = make(corpus, tmp_path)
    capsys.readouterr()
    before = sorted(path for path in tmp_path.rglob("*") if "checkpoint-" not in str(path))
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    after = sorted(path for path in tmp_path.rglob("*") if "checkpoint-" not in str(path))
    assert after == before  # a refused start leaves nothing, and takes nothing away
    assert out == ""
    *account, error = err.splitlines()  # what the corpus holds is told before it is refused
    told = (" used", ": layout: ", ": language: ", ": note: ", ": training takes ")
    assert all(any(part in line for part in told) for line in account)
    assert message in error
    assert error.startswith("voxlet: ")


@pytest.mark.parametrize("arguments", [["mlp", "--epochs", "x"], ["mlp", "--nonsense", "1"], ["mlp"]])
def test_what_the_parser_refuses(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", *arguments]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)


def test_a_run_that_is_in_use(corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = command(corpus, tmp_path / "run", "--epochs", "1")
    assert main(arguments) == 0
    with open_run(tmp_path / "run").locked():
        assert main(arguments) == 2
    assert f"is being trained by process {os.getpid()}" in capsys.readouterr().err


def test_a_run_of_an_unknown_kind(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"format": 2, "kind": "poem"}')
    with pytest.raises(RunError, match="unknown kind 'poem'"):
        load_run(tmp_path)


def test_memory_that_is_full_is_said(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*arguments: object, **named: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 99 bytes")

    monkeypatch.setattr("voxlet.training.stages.fit", full)
    assert main(command(corpus, tmp_path / "run", "--epochs", "1")) == 2
    assert "the memory is full; use a smaller model" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_tensorboard_that_is_missing_is_named(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    assert main(command(corpus, tmp_path / "run", "--epochs", "1", "--tensorboard")) == 2
    assert "pip install -c constraints.txt '.[tensorboard]'" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_help_needs_no_pytorch() -> None:
    script = (
        "import sys; from voxlet.cli.main import main; main(['train', '--help'])\n"
        "import voxlet.recipes.presets\n"
        "sys.exit(any(m in sys.modules for m in ('torch', 'scipy', 'matplotlib')))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, timeout=60
    )
    for name in PRESETS:
        assert f"  {name} " in done.stdout


def test_precision_follows_the_hardware(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu = torch.device("cpu")
    slow = {"cpu_name": "Intel Xeon", "avx512_bf16": True}
    for capabilities, dtype in (
        ({"amx_bf16": True}, torch.bfloat16),
        ({**slow, "cpu_name": "AMD EPYC"}, torch.bfloat16),
        (slow, torch.float32),
        ({"avx2": True}, torch.float32),
    ):
        monkeypatch.setattr(torch.cpu, "get_capabilities", lambda found=capabilities: found)
        with hardware.autocast(cpu, "auto"):
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
    with hardware.autocast(cpu, "float32"):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_a_corpus_of_which_too_much_is_broken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = write_corpus(tmp_path / "tones", takes=4)
    for take in range(4, 8):
        (corpus / f"zero_ann_{take}.wav").write_bytes(b"no sound")
    asked = command(corpus, tmp_path / "run", "--epochs", "1")
    assert main(asked) == 2
    error = capsys.readouterr().err
    assert "4 of 20 recordings cannot be used, more than a tenth" in error
    assert "--allow-rejected" in error
    assert main([*asked, "--allow-rejected"]) == 0


def test_names_of_files_do_not_steer_the_terminal(
    corpus: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = tmp_path / "w\x1b[2Jords"
    for path in corpus.iterdir():
        place = odd / f"\x1b[31m{path.name}"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(path.read_bytes())
    assert main(command(odd, tmp_path / "run", "--epochs", "1")) == 0
    told = capsys.readouterr().err
    assert r"\u001b[2J" in told
    assert r"\u001b[31m" in told
    assert "\x1b" not in told
    assert "Warning" not in told
