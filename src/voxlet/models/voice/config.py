"""Settings of the models behind a voice: frozen dataclasses, importable without PyTorch."""

from __future__ import annotations

from dataclasses import dataclass

from voxlet.errors import ConfigError

SPEED, PITCH, CLARITY = "speed", "pitch", "clarity"
ATTRIBUTES = (SPEED, PITCH, CLARITY)  # measured on clips, and settable when a voice speaks


@dataclass(frozen=True)
class WaveConfig:
    """The wave VAE.

    Args:
        latent_size: Latent size, Z.
        encoder_width: Features per frame in the encoder.
        encoder_blocks: ConvNeXt blocks at each of the encoder's three resolutions.
        decoder_width: Features per frame in the decoder.
        decoder_blocks: ConvNeXt blocks at each of the decoder's resolutions; twice as many at the finest.
    """

    latent_size: int = 32
    encoder_width: int = 192
    encoder_blocks: int = 2
    decoder_width: int = 256
    decoder_blocks: int = 2


@dataclass(frozen=True)
class PriorConfig:
    """The prior and the style encoder.

    Args:
        width: Features per latent frame.
        blocks: Transformer blocks.
        heads: Attention heads; `width` must be a multiple of their number.
        expansion: Hidden width of the feed-forward layers, as a multiple of `width`.
        condition_width: Features of the joint embedding of time, label and style.
        dropout: Dropout rate in the feed-forward layers during training.
        style_size: Style size, S.
        style_width: Features of the style encoder.
        attributes: Names of the A attributes that can be set.
    """

    width: int = 256
    blocks: int = 6
    heads: int = 4
    expansion: int = 2
    condition_width: int = 128
    dropout: float = 0.1
    style_size: int = 16
    style_width: int = 128
    attributes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ConfigError(f"width {self.width} is not a multiple of heads {self.heads}", where="prior")
        for name in self.attributes:
            if name not in ATTRIBUTES:
                raise ConfigError(
                    f"no attribute is called {name!r}",
                    where="prior",
                    remedy=f"the attributes are: {', '.join(ATTRIBUTES)}",
                )


@dataclass(frozen=True)
class DiscriminatorConfig:
    """The discriminators that the wave VAE is trained against.

    Args:
        windows: STFT window of each spectrogram discriminator, in seconds.
        periods: Period at which each period discriminator folds the waveform, in samples.
        width: Channels of the first layers.
    """

    windows: tuple[float, ...] = (0.016, 0.032, 0.064)
    periods: tuple[int, ...] = (2, 3, 5, 7, 11)
    width: int = 32
