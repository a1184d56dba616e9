from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tiny_corpus import FLAGS, write_corpus
from voxlet.cli.main import main
from voxlet.errors import TrainingError
from voxlet.training import distributed
from voxlet.training.distributed import Share, _WholeBatchRandomness
from voxlet.training.run import open_run

DRAWS = {
    "randn_like": torch.randn_like,
    "rand_like": torch.rand_like,
    "randn": lambda x: torch.randn(len(x), 3),
    "rand": lambda x: torch.rand(len(x)),
    "randint": lambda x: torch.randint(2, 9, (len(x),)),
    "normal": lambda x: torch.normal(1.0, 2.0, (len(x), 2)),
    "normal_": lambda x: torch.empty(len(x), 2).normal_(),
    "dropout": lambda x: F.dropout(x + 1, 0.5),
    "dropout1d": lambda x: F.dropout1d((x + 1)[:, :, None].expand(-1, -1, 4), 0.5),
    "native_dropout": lambda x: torch.native_dropout(x + 1, 0.5, True)[0],
    "shared by all rows": lambda x: torch.randn(7).expand(len(x), 7),
}


@pytest.mark.parametrize("name", DRAWS)
def test_shares_of_random_numbers_are_the_whole_batch_cut(name: str) -> None:
    draw, whole = DRAWS[name], torch.arange(15.0).reshape(5, 3)
    seeded = torch.Generator().manual_seed(3).get_state()

    def drawn(start: int, stop: int) -> tuple[torch.Tensor, torch.Tensor]:
        torch.set_rng_state(seeded)
        with _WholeBatchRandomness(Share(start, stop, 5, (stop - start) / 5)):
            return draw(whole[start:stop]), torch.get_rng_state()

    (all_rows, state), (first, state1), (second, state2) = drawn(0, 5), drawn(0, 2), drawn(2, 5)
    assert torch.equal(torch.cat([first, second]), all_rows)
    assert torch.equal(state, state1)
    assert torch.equal(state, state2)
    if name != "native_dropout":  # which is a GPU's and done otherwise there
        torch.set_rng_state(seeded)
        assert torch.equal(draw(whole), all_rows)


def test_dropout_has_its_gradient() -> None:
    x = torch.ones(2, 1000, requires_grad=True)
    with _WholeBatchRandomness(Share(0, 2, 4, 0.5)):
        y, kept = torch.native_dropout(x, 0.25, True)
        y.sum().backward()
    assert torch.equal(x.grad, kept / 0.75)
    assert float(kept.float().mean()) == pytest.approx(0.75, abs=0.05)


def test_what_cannot_be_shared_is_named() -> None:
    with (
        _WholeBatchRandomness(Share(0, 2, 4, 0.5)),
        pytest.raises(TrainingError, match="'multinomial' cannot be shared"),
    ):
        torch.multinomial(torch.ones(2, 3), 1)


def test_alone_nothing_happens() -> None:
    model = nn.Linear(2, 1)
    model(torch.ones(3, 2)).sum().backward()
    gradient = model.weight.grad.clone()
    distributed.setup()
    distributed.average_gradients(model.parameters())
    with distributed.sharing(5) as share:
        assert share == Share(0, 5, 5, 1.0)
    assert torch.equal(model.weight.grad, gradient)
    assert (distributed.rank(), distributed.size(), distributed.largest(2.0, 3)) == (0, 1, [2.0, 3])
    assert distributed.average({"loss": 2.0}) == {"loss": 2.0}


@pytest.mark.slow
def test_two_processes_train_what_one_would(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOXLET_CACHE", str(tmp_path / "cache"))
    corpus = write_corpus(tmp_path / "corpus")
    # 32 clips to train on and batches of 31: the second batch has one row, which leaves none for one process.
    settings = ["mlp-dropout", "--corpus", str(corpus), "--epochs", "3", *FLAGS, "--loop.batch-size", "31"]
    assert main(["train", *settings, "--run", str(tmp_path / "one")]) == 0
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [*launcher, "-m", "--", "voxlet", "train", *settings, "--run", str(tmp_path / "two")],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=False,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    one, two = open_run(tmp_path / "one"), open_run(tmp_path / "two")
    assert json.loads((one.path / "config.json").read_text()) == json.loads(
        (two.path / "config.json").read_text()
    )
    assert done.stderr.count("epoch 3/3") == 1
    for which in ("best", "last"):
        for name, tensor in one.weights("vae", which).items():
            # Adam divides by the gradient's own size: where that is nearly zero, its rounding becomes a share
            # of a step (1e-3). A fiftieth of one is allowed; six steps were made.
            assert torch.allclose(tensor, two.weights("vae", which)[name], rtol=1e-4, atol=2e-5), name
    for a, b in zip(one.metrics(), two.metrics(), strict=True):
        for key in (key for key in a if "loss" in key or "kl" in key):
            assert b[key] == pytest.approx(a[key], rel=1e-5)
