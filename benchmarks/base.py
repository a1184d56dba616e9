"""How well a base's wave VAE reconstructs real takes of speakers that it was not trained on.

    python benchmarks/base.py [base.safetensors] [--clips 120]

The first table has DNSMOS at 8 and at 16 kHz of takes of each corpus's held-out speakers, as recorded and
reconstructed (from posterior means). FSDD, which no base is trained on, is measured at 8 kHz alone.

The second table has the energy above 4 kHz as a share of all energy, in dB, a mean over clips: as recorded,
reconstructed, and reconstructed from takes low-passed at 4 and at 3.4 kHz. Beside each reconstruction is its
largest difference from takes recorded at 16 kHz in any third octave from 4 kHz on, where levels are means
over clips in dB: FSDD's from AudioMNIST's takes, those of other corpora from their own.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from voxlet.audio import Samples
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.held_out import use_of
from voxlet.corpus.prepare import Preparation, prepare
from voxlet.evaluation.metrics.band import TELEPHONE, above_telephone, edges, levels
from voxlet.evaluation.metrics.naturalness import dnsmos
from voxlet.models.voice.wave_vae import WaveVAE
from voxlet.recipes.voice.base_file import WAVE, find_base, read_base
from voxlet.recipes.voice.clips.band import EDGE, filtered, low_pass

CORPORA = ("audiomnist", "arabic_speech_commands", "speech_commands", "fsdd")
SCALES = ("overall", "signal", "p808")
UNHEARD = ("tests", "adapting")
STRINGS = 12
CUTS = (TELEPHONE, 3400.0)  # Hz


def above(sounds: list[Samples], rate: int) -> tuple[float, NDArray[np.float64]]:
    """The share of energy above 4 kHz and the level of each third octave above it; means over clips, dB."""
    borders = edges(rate)
    found = levels(sounds, rate, borders)[:, borders[1:] > TELEPHONE].mean(0)
    return float(np.mean([above_telephone(sound, rate) for sound in sounds])), found


def cut_off(clip: Samples, rate: int, hertz: float) -> Samples:
    """A clip (T,) without frequencies above `hertz`."""
    kernel = low_pass(EDGE * hertz / rate)[None]
    heard: Samples = filtered(torch.from_numpy(clip)[None], kernel)[0].numpy()
    return heard


def band_row(real: list[Samples], wide: list[Samples], wave: WaveVAE, rate: int) -> str:
    """Cells of the second table for takes and their reconstructions; `wide` are takes recorded at 16 kHz."""
    wanted = above(wide, rate)[1]
    heard = [real, *([cut_off(clip, rate, hertz) for clip in real] for hertz in CUTS)]
    found = [above([reconstructed(wave, clip) for clip in clips], rate) for clips in heard]
    told = [f"{share:.1f}, {np.abs(own - wanted).max():.1f}" for share, own in found]
    return f"{above(real, rate)[0]:.1f} | {' | '.join(told)}"


@torch.inference_mode()
def reconstructed(wave: WaveVAE, clip: Samples) -> Samples:
    """A clip (T,) as the wave VAE reconstructs it, (T,)."""
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
    bands: list[str] = []
    wide: list[Samples] = []  # takes of the first corpus
    for name in CORPORA:
        prepared = prepare(open_corpus(name), Preparation(rate=rate, outliers=None))
        unheard = [row for row, clip in enumerate(prepared.clips) if use_of(name, clip) in UNHEARD]
        rows = np.random.default_rng(0).permutation(unheard)[: asked.clips]
        real = [prepared.clip(int(row)) for row in rows]
        again = [reconstructed(wave, clip) for clip in real]
        wide = wide or real
        bands.append(f"| {name} | {band_row(real, wide if name == 'fsdd' else real, wave, rate)} |")
        for band_rate in (8000,) if name == "fsdd" else (8000, rate):
            told = []
            for sounds in (real, again):
                found = dnsmos(sounds, rate, band_rate=band_rate, count=STRINGS, seed=0)
                told.append(" / ".join(f"{found[scale].value:.2f}" for scale in SCALES))
            print(f"| {name} | {band_rate:,} Hz | {told[0]} | {told[1]} |", flush=True)
    print(
        "\n| takes | above 4 kHz | through the wave VAE | from 4 kHz | from 3.4 kHz |\n|---|---|---|---|---|"
    )
    print("\n".join(bands))


if __name__ == "__main__":
    main()
