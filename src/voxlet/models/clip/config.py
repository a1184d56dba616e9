"""Settings of clip VAEs: frozen dataclasses, saved as JSON in the run, importable without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from voxlet.errors import ConfigError

Likelihood = Literal["bernoulli", "gaussian"]
MOST_HALVINGS = 16  # of the frames: no clip has more than 2**16 frames


@dataclass(frozen=True)
class VAEConfig:
    """Settings that every clip VAE has.

    Args:
        latent_size: Latent size, Z.
        likelihood: Likelihood of a spectrogram value in [0, 1], given its logit: `bernoulli` is the study's
            binary cross-entropy, `gaussian` has one learned standard deviation for all values.
        conditional: Whether encoder and decoder are given the label.
        dropout: Share of the hidden values dropped after each dense layer during training.
        free_bits: Nats per latent unit that cost nothing (Kingma et al. 2016, https://arxiv.org/abs/1606.04934).
        prior_components: Components of a Gaussian mixture prior, learned with the model; 0: standard normal.
    """

    latent_size: int = 2
    likelihood: Likelihood = "bernoulli"
    conditional: bool = False
    dropout: float = 0.0
    free_bits: float = 0.0
    prior_components: int = 0

    def __post_init__(self) -> None:
        if self.latent_size < 1:
            raise ConfigError(f"latent_size {self.latent_size} is less than 1", where=type(self).__name__)
        if self.likelihood not in ("bernoulli", "gaussian"):
            raise ConfigError(f"there is no likelihood {self.likelihood!r}", where=type(self).__name__)
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout {self.dropout} is not in [0, 1)", where=type(self).__name__)
        if self.free_bits < 0:
            raise ConfigError(f"free_bits {self.free_bits} is negative", where=type(self).__name__)
        if self.prior_components < 0:
            raise ConfigError(
                f"prior_components {self.prior_components} is negative", where=type(self).__name__
            )


@dataclass(frozen=True)
class MLPConfig(VAEConfig):
    """Dense layers of these widths on the flattened spectrogram, mirrored in the decoder."""

    kind: Literal["mlp"] = "mlp"
    widths: tuple[int, ...] = (1024, 512, 256)


@dataclass(frozen=True)
class CNNConfig(VAEConfig):
    """The study's convolutions: full resolution, no strides, a dense layer on the flattened result.

    Args:
        kind: Identifies this configuration in JSON.
        channels: Channels of the 3x3 convolutions, from the spectrogram inwards; the decoder mirrors them.
        width: Width of the dense layer on either side of the latent.
        seed_channels: Output channels of the decoder's dense layer. 64, as in the encoder, is the full
            mirror with 582 million parameters; 1 halves that.
        l2: Weight of the L2 penalty (sum of squares) on the convolution kernels.
    """

    kind: Literal["cnn"] = "cnn"
    channels: tuple[int, ...] = (32, 64)
    width: int = 256
    seed_channels: int = 1
    l2: float = 0.0


@dataclass(frozen=True)
class CNNLightConfig(VAEConfig):
    """Convolutions along time with the bands as channels; strided ones halve the frames.

    Args:
        kind: Identifies this configuration in JSON.
        width: Channels of the convolutions.
        halvings: How often the frames are halved.
        dense: Width of the dense layer on either side of the latent.
    """

    kind: Literal["cnn-light"] = "cnn-light"
    width: int = 192
    halvings: int = 3
    dense: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 <= self.halvings <= MOST_HALVINGS:
            raise ConfigError(f"halvings {self.halvings} is not 0 to {MOST_HALVINGS}", where="CNNLightConfig")


ModelConfig = MLPConfig | CNNConfig | CNNLightConfig
