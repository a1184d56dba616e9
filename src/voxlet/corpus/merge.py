"""Merging corpora: labels prefixed by language, speakers by corpus; the training data of a base."""

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
MANY_LANGUAGES = "mul"  # multiple languages, in ISO 639-2


def open_base(*, allow_rejected: bool = False, engine: Engine = THREADS) -> Corpus:
    """The training recordings of a base: three catalogued corpora without the held-out recordings.

    Raises:
        CorpusError: One of the corpora is not on this machine, or cannot be used.
    """
    corpora = [open_corpus(name, allow_rejected=allow_rejected, engine=engine) for name in BASE_CORPORA]
    return merge(BASE, corpora, lambda name, clip: use_of(name, clip) == "base")


def merge(name: str, corpora: Sequence[Corpus], keep: Callable[[str, Clip], bool]) -> Corpus:
    """Merge several corpora into one.

    The label `zero` of an English corpus becomes `en:zero`, the speaker `01` of AudioMNIST `audiomnist/01`.

    Args:
        name: Name of the merged corpus.
        corpora: The corpora to merge.
        keep: Called with a corpus's name and a clip; whether the clip is included.
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
            # A label of which `keep` takes no clip is excluded on purpose, so it must not count as lost.
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
    """Title, licence and credit of a catalogued corpus or of a base's corpora; empty for any other.

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
