"""The parts of dependencies that voxlet uses send nothing, look up no host and leave no file at home."""

from __future__ import annotations

from pathlib import Path

import pytest

from offline import files, in_its_own_network
from tiny_corpus import FLAGS, write_corpus

pytestmark = pytest.mark.slow
TONE = "import numpy as np; tone = (0.1 * np.sin(np.arange(8000) / 5)).astype(np.float32)\n"
STAY = "\nimport time; time.sleep(3)"  # packages with telemetry send it later, in a thread
VOXLET = "import sys; from voxlet.cli.main import main; status = main(sys.argv[1:])"
# Each as voxlet uses it.
USES = {
    "optuna": """import optuna
study = optuna.create_study(storage="sqlite:///trials.db", sampler=optuna.samplers.TPESampler(seed=0))
study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=12)""",
    "librosa": "import librosa; librosa.feature.melspectrogram(y=tone, sr=8000, n_mels=40)",
    "pocketsphinx": """from voxlet.evaluation.classifiers.pocketsphinx import PocketSphinx
PocketSphinx(("one", "two")).predict([tone], 8000)""",
    "speechmos": """from voxlet.evaluation.metrics.naturalness import dnsmos
dnsmos([tone], 8000, count=2)""",
    "torch": """import torch; from torch import nn
model = nn.Linear(8, 8); torch.optim.Adam(model.parameters()).step(); torch.save(model, "model.pt")
torch.nn.utils.parametrizations.weight_norm(nn.Conv1d(1, 1, 3))(torch.zeros(1, 1, 8)).sum().backward()""",
    "tyro": """from voxlet.cli.runs.train import read_settings
read_settings("voice", ["--split", "stratified"])""",
    "pystoi": "import pystoi; pystoi.stoi(np.tile(tone, 3), np.tile(tone, 3) + 0.01, 8000)",
    "huggingface_hub": """from voxlet.hub.pull import import_hub
import_hub().HfApi()""",
    "fastapi": """import voxlet; from voxlet.serving.app import create_app
create_app([voxlet.load_voice("digits")]).openapi()""",
    "pyroomacoustics": """import pyroomacoustics
room = pyroomacoustics.ShoeBox([3, 4, 2.5], fs=8000, max_order=2)
room.add_source([1, 1, 1], signal=tone); room.add_microphone([2, 2, 1]); room.simulate()""",
    "miniaudio": "import miniaudio; miniaudio.Devices([miniaudio.Backend.NULL]).get_captures()",
    "onnx": """import onnx
onnx.checker.check_model(onnx.helper.make_model(onnx.helper.make_graph([], "g", [], [])))""",
}


@pytest.mark.parametrize("package", USES)
def test_a_package_sends_nothing(package: str, home: Path) -> None:
    pytest.importorskip(package)
    assert in_its_own_network(home, "-c", TONE + USES[package] + STAY) == []
    assert files(home) == []


def test_commands_that_train_and_look_send_nothing(home: Path) -> None:
    corpus = write_corpus(home.parent / "tones")
    train = ["train", "mlp", "--corpus", corpus, "--run", "run", "--epochs", "1", *FLAGS]
    for command in (
        train,
        ["generate", "run", "01", "--out", "clips"],
        ["corpus", "inspect", corpus, "--out", "page"],
        ["corpus", "list"],
        ["doctor"],
    ):
        assert in_its_own_network(home, "-c", VOXLET + STAY + "; sys.exit(status)", *command) == []
        assert files(home) == []
