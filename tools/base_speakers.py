"""Add to a base's file the styles of speakers that it was trained on; the weights stay unchanged.

    python tools/base_speakers.py BASE.safetensors

For bases that were written before bases held such styles. Needs the recordings of the base's training.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import torch

from voxlet.corpus.catalog import BASE
from voxlet.corpus.dataset import open_dataset
from voxlet.models.voice.style_encoder import StyleEncoder
from voxlet.recipes.voice.base_file import SPEAKERS, STYLE, read_base, write_base
from voxlet.recipes.voice.clips.data import voice_data
from voxlet.recipes.voice.clips.speakers import FEWEST_CLIPS, speakers_of

CPU = torch.device("cpu")


def main() -> None:
    """Read the base, encode the speakers' styles from their recordings, and write the base again."""
    path = Path(sys.argv[1])
    base = read_base(path)
    config = base.config
    dataset = open_dataset(BASE, config.preparation, split=config.split, seed=config.split_seed)
    encoder = StyleEncoder(config.prior.model, config.preparation.rate).eval()
    base.fill(STYLE, encoder)
    clips = voice_data(dataset, CPU, config.prior.model.attributes)
    found = speakers_of(encoder, clips, dataset.prepared.speaker_names, FEWEST_CLIPS)
    parts = {**base.parts, SPEAKERS: found.state_dict()}
    write_base(path, replace(base, parts=parts, speakers=found.names))
    sys.stdout.write(f"{path}: {len(found.names)} speakers\n")


if __name__ == "__main__":
    main()
