"""A corpus: the usable clips of a folder, and the rejected files with the reason for each."""

from __future__ import annotations

import os
import re
import sys
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.cache import contents as cache
from voxlet.corpus.catalog import BASE, CATALOG, CatalogEntry, content_digest, find_known, home, known_names
from voxlet.corpus.listing.entry import Listing, Part
from voxlet.corpus.listing.labels import sort_labels
from voxlet.corpus.listing.layouts import READ_KINDS, check_layout, list_entries
from voxlet.corpus.listing.sound_files import (
    OTHER_KIND,
    OTHER_LABELS,
    UNREAD,
    Passed,
    count_kinds,
    relative_name,
)
from voxlet.corpus.scan import UNREAD_KIND, Scan, doubt_rates, scan_files
from voxlet.decoding.decoders import file_argument
from voxlet.decoding.kinds import LIBSNDFILE_SUFFIXES, LOSSY_SUFFIXES
from voxlet.engines.threads import THREADS
from voxlet.errors import ConfigError, CorpusError, printable
from voxlet.files import is_there
from voxlet.words.language import UNKNOWN_LANGUAGE, check_language, describe_language, same_language
from voxlet.words.spelling import find

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from voxlet.engines.engine import Engine

REJECTED_SHARE = 0.1
SHOWN_DOUBTS = 10  # files with a doubtful rate that are listed by name


@dataclass(frozen=True, slots=True)  # slots: large corpora have very many
class Clip:
    """One usable recording: `count` samples at `rate` Hz; `digest` is the SHA-256 of the file's bytes.

    `part` says whether the corpus's own tables or folders assign the clip to training, validation or test
    (empty: they do not). `channel` names the channel that is used (empty: the mean of all channels).
    """

    path: Path
    label: str
    speaker: str
    take: str
    rate: int
    count: int
    digest: str
    part: Part = ""
    channel: str = ""

    @property
    def seconds(self) -> float:
        """Duration in seconds."""
        return self.count / self.rate


@dataclass(frozen=True)
class Rejected:
    """A recording that is left out, with the reason; `label` is its label, or empty if unknown."""

    path: Path
    reason: str
    label: str = ""


@dataclass(frozen=True)
class Corpus:
    """Clips sorted by path under `root`; `digest` identifies their content, labels and speakers.

    `layout` says how labels and speakers were found and why, and `notes` lists remarks and doubts about that.
    `passed` counts the other files under `root`. `language` is the BCP 47 tag of the words' language, or
    `und` if it was not given.
    """

    name: str
    root: Path
    clips: tuple[Clip, ...]
    rejected: tuple[Rejected, ...]
    digest: str
    layout: str = ""
    notes: tuple[str, ...] = ()
    language: str = UNKNOWN_LANGUAGE
    passed: tuple[Passed, ...] = ()

    @property
    def account(self) -> str:
        """One line that accounts for every file under the root: used, left out (with reasons), or ignored."""
        total = len(self.clips) + len(self.rejected) + sum(passed.count for passed in self.passed)
        chosen = Counter(clip.channel for clip in self.clips if clip.channel)
        by_channel = ", ".join(f"{count:,} by {channel}" for channel, count in chosen.most_common())
        parts = [f"{len(self.clips):,} used" + (f" ({by_channel})" if chosen else "")]
        if self.rejected:
            reasons = Counter(short_reason(item.reason) for item in self.rejected)
            counted = ", ".join(f"{count:,} {reason}" for reason, count in reasons.most_common())
            parts.append(f"{len(self.rejected):,} left out ({counted})")
        if self.passed:
            count = sum(passed.count for passed in self.passed)
            parts.append(f"{count:,} passed over ({'; '.join(passed.describe() for passed in self.passed)})")
        return f"{total:,} file{'s' * (total != 1)}: {'; '.join(parts)}"

    @property
    def reading(self) -> tuple[str, ...]:
        """How the corpus was read, in lines: account of the files, layout, language and notes."""
        return (
            self.account,
            f"layout: {self.layout}",
            describe_language(self.language),
            *(f"note: {note}" for note in self.notes),
        )

    def print_account(self) -> None:
        """Print to standard error how the corpus was read."""
        for line in self.reading:
            sys.stderr.write(f"{printable(f'{self.name}: {line}')}\n")

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """The distinct labels, in numerical order if all are numbers, otherwise in alphabetical order."""
        return sort_labels(clip.label for clip in self.clips)

    @cached_property
    def lost_labels(self) -> dict[str, Rejected]:
        """Labels without any usable recording, each with its first rejected recording."""
        lost: dict[str, Rejected] = {}
        for item in self.rejected:
            if item.label and item.label not in self.labels:
                lost.setdefault(item.label, item)
        return lost

    @cached_property
    def speakers(self) -> tuple[str, ...]:
        """The distinct speakers, in alphabetical order."""
        return tuple(sorted({clip.speaker for clip in self.clips}))


def open_corpus(
    name_or_path: str | Path,
    *,
    allow_rejected: bool = False,
    layout: str | None = None,
    language: str | None = None,
    engine: Engine = THREADS,
) -> Corpus:
    """Open a corpus by catalog name, folder or manifest, and check that every file decodes.

    Args:
        name_or_path: A catalog name (as a `str`) or a path.
        allow_rejected: Continue even if more than a tenth of the recordings cannot be used.
        layout: How files are named: `names`, `folders`, `manifest` or a pattern such as
            `{label}/{speaker}_NO_{take}`; detected if None.
        language: BCP 47 tag of the words; if None, that of a catalogued corpus, and `und` for any other.
        engine: Decodes the files that are not in the cache of earlier scans.

    Raises:
        CorpusError: The path does not exist, no recording is usable, or more than a tenth is not.
        ConfigError: The layout is unknown, or the language is not a valid tag or not that of the corpus.

    A folder of your own recordings, with one subfolder for each word:

    >>> import numpy as np
    >>> from voxlet import audio, files
    >>> noise = np.random.default_rng(0).uniform(-0.1, 0.1, 4000).astype(np.float32)
    >>> for word in ("yes", "no"):
    ...     for take in range(3):
    ...         path = files.make_folder(f"my_words/{word}") / f"ann_nohash_{take}.wav"
    ...         audio.write(path, np.roll(noise, take), rate=8000)
    >>> corpus = open_corpus("my_words")
    >>> corpus.labels, corpus.speakers, len(corpus.clips), corpus.clips[0].seconds
    (('no', 'yes'), ('ann',), 6, 0.5)
    """
    if name_or_path == BASE:
        if layout is not None or language is not None:
            raise ConfigError(
                "belongs to each of its corpora and cannot be set",
                where=f"{'layout' if language is None else 'language'} of {BASE!r}",
                remedy=f"leave it out, or give ./{BASE} for a folder of that name",
            )
        from voxlet.corpus.merge import open_base  # imported here because `merge` imports this module

        return open_base(allow_rejected=allow_rejected, engine=engine)
    if layout is not None:
        check_layout(layout)
    if language is not None:
        language = check_language(language)
    known = CATALOG.get(name_or_path) if isinstance(name_or_path, str) else None
    if known is not None:
        found = find_known(known.name)
        if found is None:
            raise CorpusError(
                "this corpus is not on this machine",
                where=known.name,
                remedy=f"fetch it with: voxlet corpus get {known.name}",
            )
        if found == home(known.name):
            cache.hold(found)
        root, name, layout = found.resolve(), known.name, layout or known.layout
    else:
        root = place_of(name_or_path)
        name = own_name(root)
    listing = list_entries(root, layout)
    if known is not None:
        listing = restricted_to_labels(listing, known, root)
    base = root.parent if root.is_file() else root
    spoken = language_of(name, language)
    return check_share(replace(build_corpus(name, base, listing, engine), language=spoken), allow_rejected)


def place_of(path: str | os.PathLike[str]) -> Path:
    """The resolved path of an existing folder or manifest.

    Raises:
        CorpusError: It does not exist, or the path is empty (which would mean the current folder).
    """
    root = Path(os.path.expanduser(path))  # noqa: PTH111 - leaves an unknown `~user` as it is
    if not str(path) or not is_there(root):
        raise CorpusError(
            "no such folder, manifest or known corpus", where=path or repr(path), remedy=known_names()
        )
    return root.resolve()


def own_name(root: Path) -> str:
    """The name of the corpus at `root`: a catalog name only if `root` is where that corpus lies."""
    name = root.stem if root.is_file() else root.name
    place = find_known(name) if name in CATALOG else None
    if name not in (*CATALOG, BASE) or (place is not None and place.resolve() == root):
        return name
    return f"{root.parent.name}/{name}"


def language_of(name: str, told: str | None) -> str:
    """The language of a corpus: its own if catalogued, otherwise `told`, or `und`.

    Raises:
        ConfigError: `told` differs from the language of a catalogued corpus.
    """
    if name not in CATALOG:
        return told or UNKNOWN_LANGUAGE
    own = CATALOG[name].language
    if told is not None and not same_language(told, own):
        raise ConfigError(
            f"is {told!r}, but {name} is in {own!r}", where="language", remedy="leave the language out"
        )
    return own


def restricted_to_labels(listing: Listing, known: CatalogEntry, root: Path) -> Listing:
    """The listing restricted to the labels of a catalogued corpus; the other files count as ignored."""
    ours = {
        entry.path
        for entry in listing.entries
        if entry.problem or find(entry.label, known.labels) is not None
    }
    others = [(entry.path, OTHER_LABELS) for entry in listing.entries if entry.path not in ours]
    return replace(
        listing,
        entries=tuple(entry for entry in listing.entries if entry.path in ours),
        passed=(*listing.passed, *count_kinds(root, others)),
    )


def short_reason(reason: str) -> str:
    """A reason without its figures, so that files rejected for the same reason are counted together.

    >>> short_reason("longer than 1,800 s, cut it"), short_reason("is silent (0 of 3)")
    ('longer than 1,800 s', 'is silent')
    """
    return re.split(r"[:(;]|,(?!\d)", reason)[0].strip()


def build_corpus(name: str, root: Path, listing: Listing, engine: Engine = THREADS) -> Corpus:
    """Scan the listed files and sort them into clips, rejected recordings and ignored files."""
    entries = listing.entries
    scans = scan_files(root, [entry.path for entry in entries if entry.problem is None], engine)
    clips: list[Clip] = []
    rejected, unread = [], []
    for entry in entries:
        scan = scans.get(entry.path)
        reason = entry.problem or (scan.reason if scan else None)
        if reason == UNREAD_KIND:
            unread.append((entry.path, UNREAD))
        elif reason is not None or scan is None:
            rejected.append(Rejected(entry.path, reason or "was not scanned", entry.label))
        else:
            said = (entry.label, entry.speaker, entry.take)
            clips.append(
                Clip(entry.path, *said, scan.rate, scan.count, scan.digest, entry.part, scan.channel)
            )
    clips, twice = without_duplicate_formats(clips)
    unread += [(path, OTHER_KIND) for path in twice]
    digest = content_digest(
        (
            *(relative_name(clip.path, root), clip.label, clip.speaker, clip.take, clip.digest),
            *((clip.part,) if clip.part else ()),
        )
        for clip in clips
    )
    passed = (*count_kinds(root, unread), *listing.passed)
    notes = (*listing.notes, *doubtful_rates(clips, scans, root))
    return Corpus(name, root, tuple(clips), tuple(rejected), digest, listing.layout, notes, passed=passed)


def without_duplicate_formats(clips: list[Clip]) -> tuple[list[Clip], list[Path]]:
    """Keep one of the clips that differ only in file extension, preferring lossless formats.

    Returns the kept clips, and the files of the others.
    """
    best: dict[tuple[object, ...], Clip] = {}
    for clip in sorted(clips, key=_lossless_first):
        best.setdefault((clip.path.with_suffix(""), clip.label, clip.speaker), clip)
    kept = {clip.path for clip in best.values()}
    return [c for c in clips if c.path in kept], [c.path for c in clips if c.path not in kept]


def _lossless_first(clip: Clip) -> tuple[bool, Path]:
    return clip.path.suffix.lower() not in LIBSNDFILE_SUFFIXES - LOSSY_SUFFIXES, clip.path


def doubtful_rates(clips: Sequence[Clip], scans: Mapping[Path, Scan], root: Path) -> list[str]:
    """Notes on files whose header rate is implausible beside other takes of the label, one line each."""
    doubts = doubt_rates([(clip.label, clip.path, scans[clip.path]) for clip in clips])
    notes = []
    for doubt in doubts[:SHOWN_DOUBTS]:
        name = relative_name(doubt.path, root)
        how = "long and low" if doubt.times > 1 else "short and high"
        times = max(doubt.times, 1 / doubt.times)
        notes.append(
            f"{name} is {times:.1f} times as {how} as other takes of its label: its rate is probably "
            f"{doubt.likely:,}, not {doubt.rate:,} Hz; if so, replace it with what this makes: "
            f"ffmpeg -i {file_argument(name)} -af asetrate={doubt.likely} NEW.wav"
        )
    if len(doubts) > SHOWN_DOUBTS:
        notes.append(f"{len(doubts) - SHOWN_DOUBTS:,} more files have such a doubtful rate")
    return notes


def check_share(corpus: Corpus, allow_rejected: bool) -> Corpus:
    """The corpus itself, if enough of its recordings are usable.

    Raises:
        CorpusError: No recording is usable, or more than a tenth is not and `allow_rejected` is false.
    """
    total = len(corpus.clips) + len(corpus.rejected)
    if total == 0:
        raise CorpusError(
            f"none of its recordings can be read: {corpus.account}", where=corpus.root, remedy=READ_KINDS
        )
    if not corpus.rejected or (corpus.clips and len(corpus.rejected) <= REJECTED_SHARE * total):
        return corpus
    if corpus.clips and allow_rejected:
        return corpus
    first = corpus.rejected[0]
    what = f"{len(corpus.rejected)} of {total} recordings cannot be used"
    example = f"the first is {relative_name(first.path, corpus.root)}: {first.reason}"
    if not corpus.clips:
        raise CorpusError(f"{what}; {example}", where=corpus.root)
    raise CorpusError(
        f"{what}, more than a tenth; {example}",
        where=corpus.root,
        remedy="`voxlet corpus inspect` lists them all; --allow-rejected goes on without them",
    )
