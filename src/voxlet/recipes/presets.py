"""The presets of `voxlet train`: plain constants.

`mlp`, `mlp-dropout`, `cnn` and `cnn-regularised` are the study's models with its settings (Adam, batches of
128, the Bernoulli likelihood, two latent units); `cnn-light`, `voice` and `base` are ours. All trim their
clips. The study itself did not, and `voxlet study` trains its models on the first 0.8 s of each clip
(`study/plan.py`).
"""

from __future__ import annotations

from voxlet.corpus.prepare import Preparation
from voxlet.errors import ConfigError
from voxlet.models.clip.config import CNNConfig, CNNLightConfig, MLPConfig
from voxlet.models.voice.config import ATTRIBUTES, PriorConfig
from voxlet.recipes.clip.config import ClipTraining
from voxlet.recipes.voice.config import PriorTraining, VoiceTraining, WaveTraining
from voxlet.training.config import LoopConfig

Training = ClipTraining | VoiceTraining

PRESETS: dict[str, Training] = {
    "mlp": ClipTraining(MLPConfig()),
    "mlp-dropout": ClipTraining(MLPConfig(dropout=0.3)),
    "cnn": ClipTraining(CNNConfig()),
    "cnn-regularised": ClipTraining(CNNConfig(l2=0.001, dropout=0.2)),
    # Clipped: at this rate one bad step can make a network without normalisation diverge. Usual: 200 to 500.
    "cnn-light": ClipTraining(
        CNNLightConfig(),
        loop=LoopConfig(batch_size=64, decay="cosine", warmup=0.1),
        learning_rate=2e-3,
        clip_norm=300.0,
    ),
    "voice": VoiceTraining(),
    # Shorter crops, and one discriminator of each kind per step: three times as many steps in the same time.
    "base": VoiceTraining(
        preparation=Preparation(rate=16000, outliers=(0.5, 99.5)),
        split="untested",
        wave=WaveTraining(
            crop=0.32,
            discriminators_from=0.2,
            discriminators_per_step=1,
            ema_decay=0.9995,
            narrow_share=0.4,
        ),
        prior=PriorTraining(model=PriorConfig(attributes=ATTRIBUTES)),
    ),
}

SUMMARIES: dict[str, str] = {
    "mlp": "the study's dense layers, 1024-512-256 (38 million parameters)",
    "mlp-dropout": "the same with 30 % dropout",
    "cnn": "the study's convolutions at full resolution (295 million parameters)",
    "cnn-regularised": "the same with L2 0.001 on the convolutions and 20 % dropout",
    "cnn-light": "convolutions along time, under 3 million parameters",
    "base": "a voice of many speakers and words, from which others are adapted",
    "voice": "wave VAE, then prior, then a voice file that speaks",
}


def find_preset(name: str) -> Training:
    """The preset of that name.

    Raises:
        ConfigError: There is no such preset.
    """
    if name not in PRESETS:
        raise ConfigError(f"unknown preset {name!r}", remedy=f"the presets are: {', '.join(PRESETS)}")
    return PRESETS[name]
