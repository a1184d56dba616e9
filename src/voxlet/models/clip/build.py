"""Build a clip VAE, ready to train, from a configuration."""

from __future__ import annotations

from typing import assert_never

from torch import nn

from voxlet.models.clip import cnn, mlp
from voxlet.models.clip.config import CNNConfig, CNNLightConfig, MLPConfig, ModelConfig
from voxlet.models.clip.vae import ClipVAE, Decoder, Encoder


def build_model(config: ModelConfig, shape: tuple[int, int], labels: int) -> ClipVAE:
    """A freshly initialised model for spectrograms of `shape` (M, F) and C `labels`.

    The weights come from PyTorch's global generator: seed it first.
    """
    condition_size = labels if config.conditional else 0
    encoder: Encoder
    decoder: Decoder
    match config:
        case MLPConfig():
            encoder = mlp.DenseEncoder(config, shape, condition_size)
            decoder = mlp.DenseDecoder(config, shape, condition_size)
        case CNNConfig():
            encoder = cnn.ConvEncoder(config, shape, condition_size)
            decoder = cnn.ConvDecoder(config, shape, condition_size)
        case CNNLightConfig():
            encoder = cnn.LightEncoder(config, shape, condition_size)
            decoder = cnn.LightDecoder(config, shape, condition_size)
        case _:
            assert_never(config)
    model = ClipVAE(config, encoder, decoder, shape=shape, labels=labels)
    model.apply(_initialise)
    return model


def _initialise(module: nn.Module) -> None:
    """Initialise weights with Glorot's uniform distribution and biases with 0, as in the study.

    PyTorch's default weights are smaller: a latent unit then has so little effect on the output that small
    models learn to ignore it (posterior collapse).
    """
    if isinstance(module, nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose1d | nn.ConvTranspose2d):
        nn.init.xavier_uniform_(module.weight)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
