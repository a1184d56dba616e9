"""How well a base's wave VAE gives back real takes of speakers that it never heard.

    python benchmarks/base.py [base.safetensors] [--clips 120]

Takes of the held-out speakers of each corpus, as recorded and through the wave VAE (posterior means), by
DNSMOS at 8 and at 16 kHz. FSDD, which no base hears, is at 8 kHz alone.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from voxlet.audio import Samples
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.held_out import use_of
from voxlet.corpus.prepare import Preparation, prepare
from voxlet.evaluation.metrics.naturalness import dnsmos
from voxlet.models.voice.wave_vae import WaveVAE
from voxlet.recipes.voice.base_file import WAVE, find_base, read_base

CORPORA = ("audiomnist", "arabic_speech_commands", "speech_commands", "fsdd")
SCALES = ("overall", "signal", "p808")
UNHEARD = ("tests", "adapting")
STRINGS = 12


@torch.inference_mode()
def reconstructed(wave: WaveVAE, clip: Samples) -> Samples:
    """A clip (T,) through the wave VAE, (T,)."""
    unit = wave.samples_per_latent
    padded = torch.zeros(1, -(-len(clip) // unit) * unit)
    padded[0, : len(clip)] = torch.from_numpy(clip)
    found: Samples = wave.decode(wave.encode(padded).mean).waveform[0, : len(clip)].numpy()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("base", nargs="?", type=Path, default=find_base())
    parser.add_argument("--clips", type=int, default=120, help="takes of each corpus (120)")
    asked = parser.parse_args()
    base = read_base(asked.base)
    rate = base.config.preparation.rate
    wave = WaveVAE(base.config.wave.model, rate)
    base.fill(WAVE, wave)
    wave.eval()
    print(f"| takes | rate | real, {' / '.join(SCALES)} | through the wave VAE |\n|---|---|---|---|")
    for name in CORPORA:
        prepared = prepare(open_corpus(name), Preparation(rate=rate, outliers=None))
        unheard = [row for row, clip in enumerate(prepared.clips) if use_of(name, clip) in UNHEARD]
        rows = np.random.default_rng(0).permutation(unheard)[: asked.clips]
        real = [prepared.clip(int(row)) for row in rows]
        again = [reconstructed(wave, clip) for clip in real]
        for band_rate in (8000,) if name == "fsdd" else (8000, rate):
            told = []
            for sounds in (real, again):
                found = dnsmos(sounds, rate, band_rate=band_rate, count=STRINGS, seed=0)
                told.append(" / ".join(f"{found[scale].value:.2f}" for scale in SCALES))
            print(f"| {name} | {band_rate:,} Hz | {told[0]} | {told[1]} |", flush=True)


if __name__ == "__main__":
    main()
