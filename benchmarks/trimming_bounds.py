"""How accurately the ends of a word in noise could be found at all: three bounds to compare trimming with.

    VOXLET_DATA=... python benchmarks/trimming_bounds.py [--clips 100] [--kinds white,pink] [--learn]

The scenes are those of `trimming.py`. Prints percentages of clips with both ends within 30 ms of the word's:

`ours`      ends as trimming finds them.
`heard`     ends at the first and last 10 ms in which the word has as much power as the noise in any quarter
            octave: beyond them, nobody can hear the word.
`known`     ends found by an observer who knows the word's spectrogram and the noise's spectrum exactly, and
            only has to tell the word from the same word without its first or last 60 ms (no estimate is
            within 30 ms of both), by the likelihood ratio of band powers in 400 draws. Knowing less makes
            this harder.
`learned`   with `--learn`: ends found by a recurrent network trained on scenes of two other corpora. The last
            two columns are percentages of its clips: with the whole word, with over 50 ms of anything else.
"""

from __future__ import annotations

import argparse
import os
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trimming import CORPORA, FRAME, NEAR, Scene, coloured, embed, kinds, noisy, words_of
from voxlet.trimming.frames import Frames
from voxlet.trimming.regions import speech_bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import torch
    from numpy.typing import NDArray

BANDS, LOWEST_HZ = 24, 60.0
WINDOW = 3  # frames that a window spans
CUT, DRAWS = 0.060, 400  # seconds that the shortened word lacks; draws of the likelihood ratio
FOLDS = (("audiomnist", "speech_commands"), ("fsdd", "arabic_speech_commands"))
LEARNED_CLIPS, LEARNED_SEED, SCENES_EACH, EPOCHS, BATCH, WIDTH = 250, 5, 5, 9, 48, 48
MOST_BANDS, NARROW_BANDS, NARROW_SHARE = 24, 20, 0.4  # this share of scenes has no bands above 4 kHz
Bounds = tuple[float, float]


def scenes(name: str, clips: int, chosen: tuple[str, ...]) -> Iterator[tuple[str, int, Scene]]:
    """Kind, rate and scene of each scene that `trimming.py` draws."""
    rate, pool = words_of(Path(os.environ["VOXLET_DATA"]), name, clips, 0)
    for number, (kind, make) in enumerate(kinds().items()):
        if kind.startswith(chosen):
            for index, word in enumerate(pool):
                rng = np.random.default_rng([0, number, index])
                yield kind, rate, make(rng, embed(rng, [word], rate), rate)


def band_powers(samples: NDArray[np.float64], rate: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Powers in quarter octaves every 10 ms (F, M), and the degrees of freedom of each band's power (M,)."""
    size = round(FRAME * rate)
    window = np.hanning(WINDOW * size + 2)[1:-1]
    frequencies = np.fft.rfftfreq(WINDOW * size, 1 / rate)
    edges = np.geomspace(LOWEST_HZ, min(rate / 2, 8000), BANDS + 1)
    rows = np.array([(frequencies >= low) & (frequencies < high) for low, high in pairwise(edges)], float)
    rows = rows[rows.any(axis=1)]
    padded = np.pad(samples, size)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW * size)[::size]
    # A band of width B has 2 B T of them in T = 10 ms; overlapping windows count for half as much again.
    freedom = (
        1.5 * 2 * rows.sum(axis=1) / WINDOW * np.sum(window**2) ** 2 / np.sum(window**4) / (WINDOW * size)
    )
    return np.abs(np.fft.rfft(frames * window)) ** 2 @ rows.T, freedom


def heard(scene: Scene, rate: int) -> Bounds:
    """The bounds, in samples, between which the word is no weaker than the noise in some band."""
    noise = band_powers(scene.samples - scene.word, rate)[0].mean(axis=0) + 1e-12
    frames = np.flatnonzero((band_powers(scene.word, rate)[0] >= noise).any(axis=1))
    size = round(FRAME * rate)
    return (frames[0] * size, (frames[-1] + 1) * size) if len(frames) else (np.inf, 0)


def known(scene: Scene, rate: int, rng: np.random.Generator) -> float:
    """The chance of telling both ends from those of a shorter word, knowing all but the noise's samples."""
    powers, freedom = band_powers(scene.samples - scene.word, rate)
    noise, count = powers.mean(axis=0) + 1e-12, round(CUT * rate)
    chance = 1.0
    for first in (scene.start, scene.stop - count):
        end = np.zeros_like(scene.word)
        end[first : first + count] = scene.word[first : first + count]
        ratio = 1 + band_powers(end, rate)[0] / noise
        n = np.broadcast_to(freedom, ratio.shape)[ratio > 1.0001]
        ratio = ratio[ratio > 1.0001]
        draws = rng.gamma(n / 2, 2 / n, size=(DRAWS, len(n)))
        without, whole = (
            (n / 2 * ((1 - 1 / ratio) * draws * power - np.log(ratio))).sum(axis=1) for power in (1, ratio)
        )
        chance *= ((without <= 0).mean() + (whole > 0).mean()) / 2
    return chance


def features(scene: Scene, rate: int) -> NDArray[np.float32]:
    """Log band powers relative to a low percentile of each band, (F, 24)."""
    samples = (scene.samples - scene.samples.mean()).astype(np.float32)
    levels = np.log(np.maximum(Frames(samples, rate).band_powers()[:, :-1], 1e-14))[:, :MOST_BANDS]
    found = np.zeros((len(levels), MOST_BANDS), np.float32)
    found[:, : levels.shape[1]] = np.clip(levels - np.percentile(levels, 20, axis=0), -3, 12)
    return found


def learn(names: tuple[str, ...]) -> Callable[[Scene, int], Bounds]:
    """A function that finds both ends, trained on words of these corpora in noise of any colour and level."""
    import torch
    from torch import nn

    rng, items = np.random.default_rng(77), []
    for name in names:
        rate, pool = words_of(Path(os.environ["VOXLET_DATA"]), name, LEARNED_CLIPS, LEARNED_SEED)
        for word in pool * SCENES_EACH:
            scene = embed(rng, [word], rate)
            noise = coloured(rng, len(scene.samples), rate, rng.uniform(0, 2))
            table = features(noisy(scene, noise, rng.uniform(-27, -5)), rate)
            table[:, NARROW_BANDS if rng.uniform() < NARROW_SHARE else MOST_BANDS :] = 0
            ends = np.rint(np.array([scene.start, scene.stop]) / round(FRAME * rate)).astype(int)
            items.append((torch.from_numpy(table), torch.from_numpy(np.minimum(ends, len(table) - 1))))
    torch.manual_seed(0)
    inner, outer = nn.GRU(MOST_BANDS, WIDTH, batch_first=True, bidirectional=True), nn.Linear(2 * WIDTH, 2)
    weights = [*inner.parameters(), *outer.parameters()]
    steps = EPOCHS * (len(items) // BATCH)
    optimizer = torch.optim.AdamW(weights, weight_decay=0.01)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps)

    def answers(tables: torch.Tensor) -> torch.Tensor:
        return outer(inner(tables)[0])

    for _ in range(EPOCHS):
        order = rng.permutation(len(items))
        for batch in np.split(order[: len(order) // BATCH * BATCH], len(order) // BATCH):
            tables = nn.utils.rnn.pad_sequence([items[one][0] for one in batch], batch_first=True)
            loss = nn.functional.cross_entropy(answers(tables), torch.stack([items[one][1] for one in batch]))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            pace.step()

    def find(scene: Scene, rate: int) -> Bounds:
        with torch.no_grad():
            chances = torch.softmax(answers(torch.from_numpy(features(scene, rate))[None])[0], 0).numpy()
        near = np.ones(2 * round(NEAR / FRAME) + 1)  # picks the most probable place within 30 ms
        first, last = (int(np.convolve(column, near, "same").argmax()) for column in chances.T)
        return first * round(FRAME * rate), last * round(FRAME * rate)

    return find


def compare(scene: Scene, bounds: Bounds, rate: int) -> tuple[bool, bool, bool]:
    """Whether both ends are near, the word is whole, and more than 50 ms of anything else are kept."""
    near = NEAR * rate + 1
    early, late = scene.start - bounds[0], bounds[1] - scene.stop
    return (
        max(abs(early), abs(late)) <= near,
        min(early, late) >= -near,
        max(early, 0) + max(late, 0) > 0.05 * rate,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--clips", type=int, default=100)
    parser.add_argument("--kinds", default="white,pink,brown", help="only kinds that begin so")
    parser.add_argument("--learn", action="store_true")
    asked = parser.parse_args()
    rng, rows = np.random.default_rng(0), {}
    for names, others in zip(FOLDS, reversed(FOLDS), strict=True):
        find = learn(others) if asked.learn else None
        for name in names:
            for kind, rate, scene in scenes(name, asked.clips, tuple(asked.kinds.split(","))):
                sound = (scene.samples - scene.samples.mean()).astype(np.float32)
                row = [compare(scene, speech_bounds(sound, rate), rate)[0]]
                row += [compare(scene, heard(scene, rate), rate)[1], known(scene, rate, rng)]
                row += compare(scene, find(scene, rate), rate) if find else ()
                rows.setdefault((kind, name), []).append(row)
                rows.setdefault((kind, "all"), []).append(row)
    print(f"{'kind':<12}{'corpus':<24}    ours   heard   known" + " learned   whole   extra" * asked.learn)
    for kind in dict.fromkeys(kind for kind, _ in rows):
        for name in (*CORPORA, "all"):
            figures = 100 * np.mean(rows[kind, name], axis=0)
            print(f"{kind:<12}{name:<24}" + "".join(f"{figure:8.1f}" for figure in figures))


if __name__ == "__main__":
    main()
