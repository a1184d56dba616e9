"""A clip VAE as two ONNX files, for use without PyTorch: in a page that decodes points of a map, say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from voxlet.extras import import_extra
from voxlet.recipes.onnx_graph import graph_of, packed_graph, quantised

if TYPE_CHECKING:
    from voxlet.models.clip.vae import ClipVAE


@dataclass(frozen=True)
class Networks:
    """Decoder and encoder of a clip VAE as ONNX files; conditional ones also take a label number, (1,) int64.

    Attributes:
        decoder: `latent` (1, Z) to `spectrogram` (1, M, F), scaled to [0, 1].
        encoder: `spectrogram` (1, M, F) to the posterior's mean `latent` (1, Z).
    """

    decoder: bytes
    encoder: bytes


class DecoderGraph(nn.Module):
    """Decodes a latent (1, Z) to a spectrogram (1, M, F)."""

    def __init__(self, model: ClipVAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, latent: Tensor, label: Tensor) -> Tensor:
        """Decode the latent."""
        return self.model.decode(latent, label).sigmoid()


class EncoderGraph(nn.Module):
    """Encodes a spectrogram (1, M, F) as the mean (1, Z) of its posterior."""

    def __init__(self, model: ClipVAE) -> None:
        super().__init__()
        self.model = model

    def forward(self, spectrogram: Tensor, label: Tensor) -> Tensor:
        """Encode the spectrogram."""
        return self.model.encode(spectrogram, label).mean


def export_networks(model: ClipVAE, shape: tuple[int, int]) -> Networks:
    """Export a clip VAE for spectrograms of `shape` (M, F), with weights rounded to 8 bits."""
    import_extra("onnx", "train")
    latent, spectrogram = torch.randn(1, model.config.latent_size), torch.rand(1, *shape)
    decoder = exported(DecoderGraph(model.eval()), latent, "latent", "spectrogram")
    return Networks(decoder, exported(EncoderGraph(model.eval()), spectrogram, "spectrogram", "latent"))


def exported(module: nn.Module, example: Tensor, given: str, made: str) -> bytes:
    """The ONNX file of a network with the inputs `given` and `label` and the output `made`."""
    module, packed = quantised(module)
    graph = graph_of(module, (example, torch.tensor([0])), [given, "label"], [made], {})
    return bytes(packed_graph(graph, packed).SerializeToString())
