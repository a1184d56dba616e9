"""Settings of a voice that is trained in seconds, on clips such as those of `tiny_corpus`."""

from __future__ import annotations

from voxlet.corpus.prepare import Preparation
from voxlet.models.voice.config import CriticConfig, PriorConfig, WaveConfig
from voxlet.recipes.voice.config import DistilTraining, PriorTraining, VoiceTraining, WaveTraining
from voxlet.training.config import LoopConfig

LOOP = LoopConfig(batch_size=4, validate_every=2)
TINY_VOICE = VoiceTraining(
    preparation=Preparation(rate=8000, length=1.0, outliers=None),
    split="stratified",
    precision="float32",
    wave=WaveTraining(
        model=WaveConfig(latent_size=4, encoder_width=8, encoder_blocks=1, decoder_width=8, decoder_blocks=1),
        critics=CriticConfig(windows=(0.016,), periods=(2, 3), width=4),
        loop=LOOP,
        crop=0.128,
        critics_from=0.0,
    ),
    prior=PriorTraining(
        model=PriorConfig(width=16, blocks=1, heads=2, condition_width=8, style_size=3, style_width=8),
        loop=LOOP,
        shifts=2,
    ),
    distil=DistilTraining(loop=LOOP, steps=2, substeps=2),
)
