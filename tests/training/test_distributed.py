from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from tiny_corpus import FLAGS, write_corpus
from tiny_training import UNEVEN_VOICE
from voxlet.batch_random import Rows
from voxlet.cli.main import main
from voxlet.recipes.train import train
from voxlet.training import checkpoints, distributed
from voxlet.training.run import Run, open_run


def test_alone_nothing_happens() -> None:
    model = nn.Linear(2, 1)
    model(torch.ones(3, 2)).sum().backward()
    gradient = model.weight.grad.clone()
    distributed.setup()
    distributed.average_gradients(model.parameters())
    with distributed.local_rows(5) as share:
        assert share == Rows(0, 5, 5)
    assert torch.equal(model.weight.grad, gradient)
    assert (distributed.rank(), distributed.size(), distributed.largest(2.0, 3)) == (0, 1, [2.0, 3])
    assert distributed.average({"loss": 2.0}) == {"loss": 2.0}


LAUNCHER = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node"]


def in_processes(count: int, *arguments: str) -> str:
    """Start a program several times, as one training; return the output of all."""
    done = subprocess.run(
        [*LAUNCHER, str(count), *arguments],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


def assert_same_losses(one: Run, two: Run, rel: float) -> None:
    for a, b in zip(one.metrics(), two.metrics(), strict=True):
        assert (a["stage"], a["step"]) == (b["stage"], b["step"])
        for key in (key for key in a if key.startswith(("train_", "validation_"))):
            assert b[key] == pytest.approx(a[key], rel=rel), (a["stage"], a["step"], key)


LEFT = """
import atexit
from pathlib import Path
import torch
def told():
    names = {path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")}
    print(*sorted(names), flush=True)
atexit.register(told)
from voxlet.training import distributed
distributed.setup()
assert distributed.largest(float(distributed.rank())) == [1.0]
torch.optim.AdamW([torch.ones(2)])  # which imports much of PyTorch
told()
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are not told here")
def test_a_process_leaves_the_others_before_it_ends(tmp_path: Path) -> None:
    """Otherwise its threads abort it with SIGABRT, in two of three runs when both cores are busy."""
    (tmp_path / "program.py").write_text(LEFT)
    said = in_processes(2, str(tmp_path / "program.py")).splitlines()
    assert ["gloo" in line for line in said].count(True) == 2
    assert sum("python" in line for line in said) == 4


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_processes_train_the_clip_vae_that_one_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    monkeypatch.setenv("VOXLET_CACHE", str(tmp_path / "cache"))
    corpus = write_corpus(tmp_path / "corpus")
    # 32 clips to train on and batches of 31: the second batch has one row, which leaves none for the others.
    settings = ["mlp-dropout", "--corpus", str(corpus), "--epochs", "3", *FLAGS, "--loop.batch-size", "31"]
    settings += ["--augmentation.shift", "0.01", "--augmentation.moved", "0.5"]
    assert main(["train", *settings, "--run", str(tmp_path / "one")]) == 0
    said = in_processes(count, "-m", "--", "voxlet", "train", *settings, "--run", str(tmp_path / "two"))
    assert said.count("epoch 3/3") == 1
    one, two = open_run(tmp_path / "one"), open_run(tmp_path / "two")
    assert one.record == two.record
    for which in ("best", "last"):
        for name, tensor in one.weights("vae", which).items():
            # Adam divides by the gradient's magnitude: if that is nearly zero, rounding errors become a share
            # of a step (1e-3). A fiftieth of one is allowed; six steps were made.
            assert torch.allclose(tensor, two.weights("vae", which)[name], rtol=1e-4, atol=2e-5), name
    assert_same_losses(one, two, 1e-5)


@pytest.mark.slow
def test_two_processes_train_the_voice_that_one_would(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Crops, speeds, styles, dropout, discriminators and targets of each stage are the same for each clip."""
    monkeypatch.setenv("VOXLET_CACHE", str(tmp_path / "cache"))
    corpus = write_corpus(tmp_path / "corpus")
    train("voice", corpus, tmp_path / "one", epochs=4, config=UNEVEN_VOICE)
    program = Path(__file__).parent.parent / "tiny_training.py"
    in_processes(2, str(program), str(corpus), str(tmp_path / "two"))
    one, two = open_run(tmp_path / "one"), open_run(tmp_path / "two")
    assert one.record == two.record
    assert_same_losses(one, two, 1e-3)
    for stage in ("wave", "prior", "distillation"):
        states = [checkpoints.newest(run.stage(stage)).tensors(checkpoints.STATE) for run in (one, two)]
        assert torch.equal(states[0]["random.cpu"], states[1]["random.cpu"])
        for name in (name for name in states[0] if name.endswith("exp_avg")):  # the gradients' running mean
            error = (states[0][name] - states[1][name]).abs().max()
            assert error <= 1e-3 * states[0][name].abs().max() + 1e-7, (stage, name)


def children(process: int) -> list[int]:
    """Return the ids of a process's child processes."""
    listed = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False
    )
    return [int(line) for line in listed.stdout.split()]


@pytest.mark.slow
@pytest.mark.trains  # gloo's ports may make it wait for minutes: `make test-all` runs it
def test_after_a_worker_is_killed_all_go_on_from_the_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VOXLET_CACHE", str(tmp_path / "cache"))
    corpus = write_corpus(tmp_path / "corpus")
    settings = ["mlp", "--corpus", str(corpus), "--epochs", "60", *FLAGS]
    assert main(["train", *settings, "--run", str(tmp_path / "one")]) == 0
    train_again = ["-m", "--", "voxlet", "train", *settings, "--run", str(tmp_path / "two")]
    with (
        (tmp_path / "said").open("w") as said,
        subprocess.Popen(
            [*LAUNCHER, "2", "--max-restarts", "3", *train_again], stdout=said, stderr=said
        ) as launcher,
    ):
        while launcher.poll() is None and not list(tmp_path.glob("two/vae/checkpoint-*")):
            time.sleep(0.02)
        os.kill(children(launcher.pid)[-1], signal.SIGKILL)
        assert launcher.wait(120) == 0, (tmp_path / "said").read_text()
    text = (tmp_path / "said").read_text()
    assert "continues from step" in text
    assert_same_losses(open_run(tmp_path / "one"), open_run(tmp_path / "two"), 1e-3)
