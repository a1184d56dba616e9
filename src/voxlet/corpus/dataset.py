"""A corpus ready to learn from: clips made alike, and which are for training, validation and testing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.prepare import prepare
from voxlet.corpus.splits import make_split

if TYPE_CHECKING:
    from pathlib import Path

    from voxlet.corpus.corpus import Corpus
    from voxlet.corpus.prepare import Preparation, Prepared
    from voxlet.corpus.splits import Split, SplitKind


@dataclass(frozen=True)
class Dataset:
    """Prepared clips and how their rows are divided."""

    prepared: Prepared
    split: Split


def make_dataset(
    corpus: Corpus,
    preparation: Preparation,
    *,
    split: SplitKind = "auto",
    seed: int = 0,
    progress: bool = True,
) -> Dataset:
    """Prepare a corpus that is open, or take it from the cache, and divide it.

    Args:
        corpus: Of real clips.
        preparation: How they are made alike.
        split: How they are divided; see `make_split`.
        seed: Decides who goes where.
        progress: Show a bar while clips are prepared.

    Raises:
        CorpusError: A clip has changed since it was scanned, or the cache cannot be written.
        ConfigError: The corpus cannot be divided so.
    """
    prepared = prepare(corpus, preparation, progress=progress)
    return Dataset(prepared, make_split(prepared, split, seed=seed))


def open_dataset(
    source: str | Path,
    preparation: Preparation,
    *,
    split: SplitKind = "auto",
    seed: int = 0,
    allow_rejected: bool = False,
    layout: str | None = None,
    progress: bool = True,
) -> Dataset:
    """Open a corpus by its name or place, prepare and divide it; see `open_corpus` and `make_dataset`.

    Raises:
        CorpusError: The corpus is not there or cannot be used.
        ConfigError: It cannot be divided so.
    """
    corpus = open_corpus(source, allow_rejected=allow_rejected, layout=layout)
    return make_dataset(corpus, preparation, split=split, seed=seed, progress=progress)
