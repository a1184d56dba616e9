"""Several corpora as one: labels are kept apart by language, speakers by corpus; what a base learns from."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from voxlet.corpus.catalog import BASE, CATALOG
from voxlet.corpus.corpus import Corpus, open_corpus
from voxlet.corpus.held_out import use_of
from voxlet.corpus.listing.sound_files import common_folder
from voxlet.engines.threads import THREADS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from voxlet.corpus.corpus import Clip, Rejected
    from voxlet.engines.engine import Engine


BASE_CORPORA = ("audiomnist", "speech_commands", "arabic_speech_commands")
MANY_LANGUAGES = "mul"  # ISO 639-2's


def open_base(*, allow_rejected: bool = False, engine: Engine = THREADS) -> Corpus:
    """The recordings that a base learns from: of three known corpora, less what the held-out lists keep.

    Raises:
        CorpusError: One of them is not on this machine, or cannot be used.
    """
    corpora = [open_corpus(name, allow_rejected=allow_rejected, engine=engine) for name in BASE_CORPORA]
    return merge(BASE, corpora, lambda name, clip: use_of(name, clip) == "base")


def merge(name: str, corpora: Sequence[Corpus], keep: Callable[[str, Clip], bool]) -> Corpus:
    """One corpus of many: the label `zero` of a corpus in English becomes `en:zero`, its speaker `01` of
    AudioMNIST becomes `audiomnist/01`.

    Args:
        name: Of the whole.
        corpora: Its parts.
        keep: Whether a clip of the corpus of that name is taken.
    """
    clips: list[Clip] = []
    rejected: list[Rejected] = []
    digests: list[str] = []
    for corpus in corpora:
        taken = set(corpus.lost_labels)
        for clip in corpus.clips:
            if keep(corpus.name, clip):
                label, speaker = f"{corpus.language}:{clip.label}", f"{corpus.name}/{clip.speaker}"
                clips.append(replace(clip, label=label, speaker=speaker, part=""))
                digests.append(f"{label} {speaker} {clip.digest}")
                taken.add(clip.label)
        for item in corpus.rejected:
            # Of a label that is kept back as a whole, nothing is lost.
            label = f"{corpus.language}:{item.label}" if item.label in taken else ""
            rejected.append(replace(item, label=label))
    digest = hashlib.sha256("\n".join(sorted(digests)).encode("utf-8", "surrogateescape")).hexdigest()
    return Corpus(
        name,
        common_folder(corpus.root for corpus in corpora),
        tuple(clips),
        tuple(rejected),
        digest,
        " + ".join(f"{corpus.name}: {corpus.layout}" for corpus in corpora),
        tuple(f"{corpus.name}: {note}" for corpus in corpora for note in corpus.notes),
        MANY_LANGUAGES,
        tuple(passed for corpus in corpora for passed in corpus.passed),
    )


def credit_of(name: str) -> dict[str, str]:
    """Title, licence and credit of a known corpus, or of all that a base learns from; empty for another.

    >>> credit_of("fsdd")["licence"]
    'CC BY-SA 4.0'
    """
    known = [CATALOG[each] for each in (BASE_CORPORA if name == BASE else (name,)) if each in CATALOG]
    if not known:
        return {}
    return {
        "data": "; ".join(each.title for each in known),
        "licence": "CC BY 4.0" if name == BASE else known[0].licence,
        "credit": "; ".join(each.credit for each in known),
    }
