"""Tiny trained runs, each made once: nobody may change them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiny_corpus import DATA_FLAGS, write_corpus
from tiny_training import TINY_VOICE
from voxlet.cli.main import main
from voxlet.recipes.train import train


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two trained clip VAEs: `plain`, and `conditional`, which is given the label."""
    folder = tmp_path_factory.mktemp("runs")
    corpus = write_corpus(folder / "tones")
    for name, more in (("plain", []), ("conditional", ["--model.conditional"])):
        asked = ["train", "mlp", "--corpus", str(corpus), "--run", str(folder / name), *DATA_FLAGS]
        asked += ["--epochs", "40", "--learning-rate", "0.01", "--model.widths", "16"]
        assert main([*asked, "--model.latent-size", "3", *more]) == 0
    return folder


@pytest.fixture(scope="session")
def voice_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run of a tiny voice, `tiny`, beside the `clips` that it was trained on."""
    folder = tmp_path_factory.mktemp("voice")
    write_corpus(folder / "clips")
    return train("voice", folder / "clips", folder / "tiny", epochs=4, config=TINY_VOICE).path
