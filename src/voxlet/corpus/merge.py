"""Several corpora as one: labels are kept apart by language, speakers by corpus."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxlet.corpus.corpus import Clip, Corpus, Rejected


def merge(name: str, corpora: Sequence[tuple[str, Corpus]], keep: Callable[[str, Clip], bool]) -> Corpus:
    """One corpus of many: the label `zero` of a corpus in English becomes `en:zero`, its speaker `01` of
    AudioMNIST becomes `audiomnist/01`.

    Args:
        name: Of the whole.
        corpora: Each with its language (BCP 47).
        keep: Whether a clip of the corpus of that name is taken.
    """
    clips: list[Clip] = []
    rejected: list[Rejected] = []
    digests: list[str] = []
    for language, corpus in corpora:
        mine = [clip for clip in corpus.clips if keep(corpus.name, clip)]
        clips += [
            replace(clip, label=f"{language}:{clip.label}", speaker=f"{corpus.name}/{clip.speaker}")
            for clip in mine
        ]
        rejected += corpus.rejected
        digests += [f"{corpus.name} {language} {clip.label} {clip.speaker} {clip.digest}" for clip in mine]
    digest = hashlib.sha256("\n".join(sorted(digests)).encode("utf-8", "surrogateescape")).hexdigest()
    return replace(
        corpora[0][1], name=name, root=Path(), clips=tuple(clips), rejected=tuple(rejected), digest=digest
    )
