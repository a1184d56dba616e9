"""A corpus: the clips of a folder that can be used, and those that cannot, each with its reason."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from voxlet import audio
from voxlet.corpus.cache import cache_folder
from voxlet.corpus.catalog import CATALOG, content_digest, find_known
from voxlet.corpus.layouts import Entry, Layout, list_entries, sort_labels
from voxlet.corpus.parallel import in_order
from voxlet.errors import AudioError, CorpusError, import_extra

MIN_SECONDS = 0.05  # shorter is no word
MAX_SECONDS = 30.0  # longer is no clip, and would fill the memory
MIN_RATE, MAX_RATE = 4000, 384_000  # Hz
SILENT_DB = -75.0  # re full scale: no word's loudest 10 ms are below this
QUIET_DB, QUIET_RANGE_DB = -58.0, 15.0  # nor below this where they hardly rise above the rest: noise alone
REJECTED_SHARE = 0.1
SCAN_VERSION = 4


@dataclass(frozen=True)
class Clip:
    """One usable recording: `count` samples at `rate` Hz; `digest` is the SHA-256 of the file's bytes."""

    path: Path
    label: str
    speaker: str
    take: str
    rate: int
    count: int
    digest: str

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.count / self.rate


@dataclass(frozen=True)
class Rejected:
    """A recording that is left out, and why."""

    path: Path
    reason: str


@dataclass(frozen=True)
class Corpus:
    """Clips sorted by their path under `root`; `digest` names their content, labels and speakers."""

    name: str
    root: Path
    clips: tuple[Clip, ...]
    rejected: tuple[Rejected, ...]
    digest: str

    @cached_property
    def labels(self) -> tuple[str, ...]:
        """Each label once: in numerical order where all are number words, otherwise in alphabetical order."""
        return sort_labels(clip.label for clip in self.clips)

    @cached_property
    def speakers(self) -> tuple[str, ...]:
        """Each speaker once, in alphabetical order."""
        return tuple(sorted({clip.speaker for clip in self.clips}))


@dataclass(frozen=True)
class Scan:
    """What decoding a file told; `reason` says why it cannot be used. Cached by path, size and time."""

    size: int
    time: int  # of modification, ns
    digest: str
    rate: int
    count: int
    reason: str | None


def open_corpus(
    name_or_path: str | Path, *, allow_rejected: bool = False, layout: Layout | None = None
) -> Corpus:
    """Open a corpus by its catalogued name, its folder or its manifest, and check that each file decodes.

    Args:
        name_or_path: A name of the catalog (as a `str`), or a path.
        allow_rejected: Go on even where more than a tenth of the recordings cannot be used.
        layout: How files are named; found out unless given.

    Raises:
        CorpusError: Nothing is there, nothing in it is usable, or more than a tenth is not.
    """
    known = CATALOG.get(name_or_path) if isinstance(name_or_path, str) else None
    if known is not None:
        found = find_known(known.name)
        if found is None:
            raise CorpusError(
                "this corpus is not on this machine",
                where=known.name,
                remedy=f"fetch it with: voxlet corpus get {known.name}",
            )
        root, name, layout = found.resolve(), known.name, known.layout
    else:
        root = Path(name_or_path).expanduser().resolve()
        name = root.stem if root.is_file() else root.name
        if not root.exists():
            raise CorpusError(
                "no such folder, manifest or known corpus",
                where=name_or_path,
                remedy=f"the known ones are {', '.join(CATALOG)}",
            )
    entries = list_entries(root, layout)
    if known is not None:
        entries = [entry for entry in entries if entry.problem or entry.label in known.labels]
    base = root.parent if root.is_file() else root
    return check_share(build_corpus(name, base, entries), allow_rejected)


def build_corpus(name: str, root: Path, entries: list[Entry]) -> Corpus:
    """Scan the entries' files and divide them into clips and rejected ones."""
    scans = scan_files(root, [entry.path for entry in entries if entry.problem is None])
    clips, rejected = [], []
    for entry in entries:
        scan = scans.get(entry.path)
        reason = entry.problem or (scan.reason if scan else None)
        if reason is not None or scan is None:
            rejected.append(Rejected(entry.path, reason or "was not scanned"))
        else:
            clips.append(
                Clip(entry.path, entry.label, entry.speaker, entry.take, scan.rate, scan.count, scan.digest)
            )
    digest = content_digest(
        (relative_name(clip.path, root), clip.label, clip.speaker, clip.take, clip.digest) for clip in clips
    )
    return Corpus(name, root, tuple(clips), tuple(rejected), digest)


def check_share(corpus: Corpus, allow_rejected: bool) -> Corpus:
    """The corpus itself, if enough of it can be used.

    Raises:
        CorpusError: Nothing is usable, or more than a tenth is not and that was not allowed.
    """
    total = len(corpus.clips) + len(corpus.rejected)
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
        remedy="`voxlet corpus inspect` lists all; --allow-rejected leaves them out and goes on",
    )


def relative_name(path: Path, root: Path) -> str:
    """The path under `root` with forward slashes, or the whole path where it lies elsewhere."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()


def scan_files(root: Path, paths: list[Path]) -> dict[Path, Scan]:
    """Decode each file once; files unchanged since the last scan are taken from the cache."""
    cache = cache_folder("scans") / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:24]}.json"
    known = _load_scans(cache)
    scans: dict[Path, Scan] = {}
    fresh: list[Path] = []
    for path in paths:
        old = known.get(os.fspath(path))
        try:
            status = path.stat()
            unchanged = old is not None and (old.size, old.time) == (status.st_size, status.st_mtime_ns)
        except OSError:
            unchanged = False
        if unchanged and old is not None:
            scans[path] = old
        else:
            fresh.append(path)
    if fresh:
        tqdm = import_extra("tqdm", "train").tqdm

        found = in_order(scan_file, fresh)
        bar = tqdm(found, "scanning", len(fresh), unit="clip", leave=False, disable=None, delay=1)
        scans.update(zip(fresh, bar, strict=True))
        table = {os.fspath(path): asdict(scan) for path, scan in scans.items()}
        try:
            audio.write_atomically(cache, json.dumps({"version": SCAN_VERSION, "files": table}).encode())
        except AudioError as error:
            raise CorpusError(str(error)) from error
    return scans


def _load_scans(cache: Path) -> dict[str, Scan]:
    """The cached scans; none where the cache is missing, damaged or of another version."""
    try:
        stored = json.loads(cache.read_bytes())
        if stored["version"] != SCAN_VERSION:
            return {}
        return {path: Scan(**fields) for path, fields in stored["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def scan_file(path: Path) -> Scan:
    """Decode a file and judge whether it can be a clip."""
    try:
        status = path.stat()
        if not path.is_file():
            return Scan(0, 0, "", 0, 0, "is not a file")
        if status.st_size == 0:
            return Scan(0, status.st_mtime_ns, "", 0, 0, "is empty")
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        return Scan(0, 0, "", 0, 0, f"cannot be read ({error.strerror})")
    rate = count = 0
    try:
        rate, count = _decode(path, status.st_size)
        reason = None
    except AudioError as error:
        reason = error.what
    return Scan(status.st_size, status.st_mtime_ns, digest, rate, count, reason)


def _decode(path: Path, size: int) -> tuple[int, int]:
    """Rate and number of samples.

    Raises:
        AudioError: The file cannot be a clip; `what` is the reason.
    """
    import soundfile

    promised = promised_wav_size(path)
    if promised is not None and promised > size:
        raise AudioError(f"is cut off: its header promises {promised:,} bytes, it has {size:,}")
    try:
        info = soundfile.info(path)
    except (soundfile.SoundFileError, RuntimeError, TypeError, ValueError) as error:
        told = str(getattr(error, "error_string", error)).rstrip(".")
        # libsndfile's word for what its MP3 decoder cannot open.
        raise AudioError(f"cannot be decoded ({'not MP3' if 'regular file' in told else told})") from error
    if not MIN_RATE <= info.samplerate <= MAX_RATE:
        raise AudioError(f"has a rate of {info.samplerate:,} Hz, outside {MIN_RATE:,} to {MAX_RATE:,}")
    if info.frames > MAX_SECONDS * info.samplerate:
        raise AudioError(f"is too long: {info.duration:.0f} s, and a clip lasts at most {MAX_SECONDS:.0f} s")
    sound = audio.read(path)
    if info.format == "FLAC" and len(sound.samples) != info.frames:
        raise AudioError(f"is cut off: {len(sound.samples):,} samples of {info.frames:,}")
    if len(sound.samples) < MIN_SECONDS * sound.rate:
        raise AudioError(f"is too short: {1000 * len(sound.samples) / sound.rate:.0f} ms")
    if is_silent(sound):
        raise AudioError("is silent")
    return sound.rate, len(sound.samples)


def is_silent(sound: audio.Sound) -> bool:
    """Whether there is nothing to hear, or only a faint even noise."""
    levels = audio.frame_levels(audio.emphasise_speech(sound.samples, sound.rate), sound.rate)
    loudest, usual = levels.max(), np.percentile(levels, 10)
    return bool(loudest < SILENT_DB or (loudest < QUIET_DB and loudest - usual < QUIET_RANGE_DB))


def promised_wav_size(path: Path) -> int | None:
    """Bytes that a WAV file's header claims; None where it claims nothing (other kinds, streams)."""
    with path.open("rb") as file:
        head = file.read(12)
    if len(head) < 12 or head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    size: int = struct.unpack("<I", head[4:8])[0]
    # A writer that could not seek back leaves a placeholder.
    return size + 8 if 0 < size < 0x7FFF_0000 else None
