"""What real recordings score on the metrics of band, speaker and naturalness against other real recordings.

    python benchmarks/real_takes.py [--corpora fsdd,audiomnist,...]

Each corpus's clips are drawn, speaker by speaker, into two halves of at most 300 clips; one half is measured
against the other. DNSMOS is the mean over twelve strings.
"""

from __future__ import annotations

import argparse

import numpy as np

from voxlet.corpus.catalog import CATALOG, find_known
from voxlet.corpus.corpus import open_corpus
from voxlet.evaluation.clipset import ClipSet, read_clips
from voxlet.evaluation.metric import CATALOGUE, Value, show
from voxlet.evaluation.metrics import band, naturalness, speaker

MOST_CLIPS = 300  # in each half
MOST_SPEAKERS = 10


def halves(name: str) -> tuple[ClipSet, ClipSet]:
    """Two sets of clips by the same speakers, which are those with the most clips."""
    corpus = open_corpus(name)
    rng = np.random.default_rng(0)
    counts = {who: sum(clip.speaker == who for clip in corpus.clips) for who in corpus.speakers}
    chosen = sorted(counts, key=lambda who: -counts[who])[:MOST_SPEAKERS]
    parts: list[list[int]] = [[], []]
    for who in chosen:
        own = rng.permutation([row for row, clip in enumerate(corpus.clips) if clip.speaker == who])
        own = own[: 2 * MOST_CLIPS // len(chosen)]
        for part, rows in zip(parts, np.array_split(own, 2), strict=True):
            part.extend(int(row) for row in rows)
    first, second = (
        read_clips(name, [corpus.clips[row] for row in sorted(part)], corpus.labels, corpus.speakers)
        for part in parts
    )
    return first, second


def line(key: str, name: str, value: Value) -> str:
    return f"  {CATALOGUE[key].title + (f': {name}' if name else ''):<46} {show(CATALOGUE[key], value)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    here = ",".join(name for name in CATALOG if find_known(name) is not None)
    parser.add_argument("--corpora", default=here, help="names with commas between")
    for name in parser.parse_args().corpora.split(","):
        clips, others = halves(name)
        print(f"{name}: {len(clips)} clips at {clips.rate:,} Hz against {len(others)}")
        found = band.evaluate(clips, others) | speaker.similarity(clips, others)
        for band_rate in sorted({8000, min(clips.rate, 16_000)}):
            told = naturalness.dnsmos(clips.sounds, clips.rate, band_rate=band_rate, count=12)
            key = "dnsmos" if band_rate == 8000 else "dnsmos_own_rate"
            found |= {f"naturalness.{key}.{scale}": value for scale, value in told.items()}
        for key, value in found.items():
            for part, one in value.items() if isinstance(value, dict) else [("", value)]:
                print(line(key, part, one), flush=True)


if __name__ == "__main__":
    main()
