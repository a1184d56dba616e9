"""Settings of a voice that is trained in seconds, on clips such as those of `tiny_corpus`.

torchrun --nproc-per-node 2 tests/tiny_training.py CORPUS RUN
"""

from __future__ import annotations

import sys
from dataclasses import replace

from voxlet.corpus.prepare import Preparation
from voxlet.models.voice.config import DiscriminatorConfig, PriorConfig, WaveConfig
from voxlet.recipes.voice.config import DistillationTraining, PriorTraining, VoiceTraining, WaveTraining
from voxlet.training.config import LoopConfig

LOOP = LoopConfig(batch_size=4, validate_every=2)
TINY_VOICE = VoiceTraining(
    preparation=Preparation(rate=8000, length=1.0, outliers=None),
    split="stratified",
    precision="float32",
    wave=WaveTraining(
        model=WaveConfig(latent_size=4, encoder_width=8, encoder_blocks=1, decoder_width=8, decoder_blocks=1),
        discriminators=DiscriminatorConfig(windows=(0.016,), periods=(2, 3), width=4),
        loop=LOOP,
        crop=0.128,
        discriminators_from=0.0,
    ),
    prior=PriorTraining(
        model=PriorConfig(width=16, blocks=1, heads=2, condition_width=8, style_size=3, style_width=8),
        loop=LOOP,
        shifts=2,
    ),
    distillation=DistillationTraining(loop=LOOP, steps=2, substeps=2),
)

# Of 32 clips, the second batch has one row, so that one of two processes gets none.
UNEVEN = LoopConfig(batch_size=31)
UNEVEN_VOICE = replace(
    TINY_VOICE,
    wave=replace(TINY_VOICE.wave, loop=UNEVEN),
    prior=replace(TINY_VOICE.prior, loop=UNEVEN),
    distillation=replace(TINY_VOICE.distillation, loop=UNEVEN),
)

if __name__ == "__main__":
    from voxlet.recipes.train import train

    train("voice", sys.argv[1], sys.argv[2], epochs=4, config=UNEVEN_VOICE)
