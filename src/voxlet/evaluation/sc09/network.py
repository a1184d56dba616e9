"""The classifier of SC09's protocol: a ResNeXt-29 8x64d on 32 x 32 log-mel spectrograms.

The user supplies the weights: the file of Kong et al. 2021 and Goel et al. 2022, which comes from
pytorch-speech-commands. Layers have the names in that file. Architecture: Xie et al. 2017, arXiv:1611.05431.
Shapes: B clips, M bands, F frames, C labels.
"""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from voxlet.errors import FileError
from voxlet.files import is_special
from voxlet.words.digits import DIGIT_WORDS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LABELS = DIGIT_WORDS  # in this order
CARDINALITY, BASE_WIDTH, WIDEN = 8, 64, 4
STAGES = (64, 256, 512, 1024)  # channels
BLOCKS = 3  # in a stage: 9 * 3 + 2 layers
FEATURES = STAGES[-1]
PREFIXES = ("module.", "model.")  # of weight names in files of a wrapped network
NESTED = ("state_dict", "model_state_dict", "model")  # where a checkpoint keeps the weights
REMEDY = (
    "save the weights alone, where you trust the file: "
    "torch.save(torch.load(FILE, weights_only=False, map_location='cpu').state_dict(), 'weights.pt')"
)


class Bottleneck(nn.Module):
    """1 x 1, grouped 3 x 3 and 1 x 1 convolutions with a shortcut; `stride` is that of both axes."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        width = CARDINALITY * (BASE_WIDTH * outputs // (WIDEN * 64))
        self.conv_reduce = nn.Conv2d(inputs, width, 1, bias=False)
        self.bn_reduce = nn.BatchNorm2d(width)
        self.conv_conv = nn.Conv2d(width, width, 3, stride, 1, groups=CARDINALITY, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.conv_expand = nn.Conv2d(width, outputs, 1, bias=False)
        self.bn_expand = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if inputs != outputs:
            self.shortcut.add_module("shortcut_conv", nn.Conv2d(inputs, outputs, 1, stride, bias=False))
            self.shortcut.add_module("shortcut_bn", nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        """(B, inputs, M, F) to (B, outputs, M / stride, F / stride)."""
        y = F.relu(self.bn_reduce(self.conv_reduce(x)))
        y = F.relu(self.bn(self.conv_conv(y)))
        return F.relu(self.shortcut(x) + self.bn_expand(self.conv_expand(y)))


class ResNeXt(nn.Module):
    """Log-mel spectrograms (B, 32, 32) in dB to label logits (B, C) and features (B, 1024)."""

    def __init__(self, labels: int = len(LABELS)) -> None:
        super().__init__()
        self.conv_1_3x3 = nn.Conv2d(1, STAGES[0], 3, 1, 1, bias=False)
        self.bn_1 = nn.BatchNorm2d(STAGES[0])
        self.stage_1 = stage(1, 1)
        self.stage_2 = stage(2, 2)
        self.stage_3 = stage(3, 2)
        self.classifier = nn.Linear(FEATURES, labels)

    def forward(self, log_mel: Tensor) -> tuple[Tensor, Tensor]:
        """Both outputs; the features are the input of the last layer."""
        x = F.relu(self.bn_1(self.conv_1_3x3(log_mel[:, None])))
        x = self.stage_3(self.stage_2(self.stage_1(x)))
        features = F.avg_pool2d(x, 8, 1).flatten(1)
        return self.classifier(features), features


def stage(number: int, stride: int) -> nn.Sequential:
    """The bottlenecks of a stage; the first has the stage's stride."""
    inputs, outputs = STAGES[number - 1], STAGES[number]
    found = nn.Sequential()
    for block in range(BLOCKS):
        one = Bottleneck(outputs if block else inputs, outputs, 1 if block else stride)
        found.add_module(f"stage_{number}_bottleneck_{block}", one)
    return found


def open_network(path: Path) -> ResNeXt:
    """The network with weights from a file: safetensors, or a state dict that `torch.save` wrote.

    No code in the file is executed: a pickle of a whole network is refused.

    Raises:
        FileError: There is no such file, or it holds more than weights, or those of another network.
    """
    network = ResNeXt()
    try:
        network.load_state_dict(renamed(read_weights(path)))
    except (RuntimeError, TypeError, AttributeError) as error:
        reason = str(error).splitlines()[-1].strip()
        raise FileError(
            f"holds other weights than a ResNeXt-29 8x64d with ten labels ({reason})",
            where=path,
            remedy="give the weights file of the published SC09 classifier",
        ) from error
    return network.eval()


def read_weights(path: Path) -> Mapping[str, Tensor]:
    """Weights by name, as stored in the file.

    Raises:
        FileError: The file cannot be read, or holds more than weights.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    if is_special(path):  # reading a pipe or a device may never end
        raise FileError("is a pipe or a device, not a file", where=path, remedy="check its path")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        held = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError) as error:
        raise FileError(f"cannot be read ({error})", where=path, remedy="check its path") from error
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise FileError("holds more than weights, or is damaged", where=path, remedy=REMEDY) from error
    for name in NESTED:
        if isinstance(held, dict) and isinstance(held.get(name), dict):
            held = held[name]
    return held  # type: ignore[no-any-return]


def renamed(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights by their names in `ResNeXt`, without the prefixes that a wrapper added."""
    found = dict(weights)
    for prefix in PREFIXES:
        if found and all(name.startswith(prefix) for name in found):
            found = {name.removeprefix(prefix): value for name, value in found.items()}
    return found
