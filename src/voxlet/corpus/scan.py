"""Decode each file once, decide whether it is usable as a clip, and cache its rate and length."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet import audio
from voxlet.cache import contents as cache
from voxlet.decoding.decoders import UnreadKindError, has_formats
from voxlet.decoding.rates import likely_rate, loud_part, pattern
from voxlet.engines.engine import ItemBatch, stretches
from voxlet.engines.threads import THREADS
from voxlet.engines.versions import installed, refuse_others
from voxlet.errors import AudioError
from voxlet.extras import import_extra
from voxlet.files import cache_folder
from voxlet.trimming.frames import emphasise_speech, frame_levels
from voxlet.trimming.regions import speech_bounds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from voxlet.engines.engine import Engine
    from voxlet.engines.versions import Versions

MIN_RATE, MAX_RATE = 4000, 384_000  # Hz
MIN_SECONDS = 0.05  # anything shorter is not a word
MAX_SECONDS = 30.0  # anything longer is not a single word, and would fill the memory
SILENT_DB = -75.0  # re full scale: the loudest 10 ms of any word exceed this
QUIET_DB, QUIET_RANGE_DB = -58.0, 15.0  # a clip below the first level and with a smaller range is only noise
FEWEST_TAKES, COMPARED_TAKES = 4, 9  # takes of a label: to check its rates at all; to compare each with
# A take is checked if it differs this much from the label's median in length and pitch, and in length alone.
STRANGE_OCTAVES, LEAST_OCTAVES = 1.2, 0.4
MISSED_SECONDS = 0.05  # tolerance for samples that codecs add or omit, compared with the header
UNREAD_KIND = "is of a kind that the extra `formats` reads"
AT_ONCE = 50  # files per work item
DECODERS = ("numpy", "soundfile", "av")  # packages whose versions affect the decoded samples
SCAN_VERSION = 6  # increase when the same file gives another result


@dataclass(frozen=True, slots=True)
class Scan:
    """The result of decoding a file.

    Attributes:
        size: File size in bytes.
        time: Modification time in ns.
        digest: SHA-256 of the file's bytes; empty if the file is unusable.
        rate: Sampling rate in Hz.
        count: Number of samples.
        reason: Why the file is unusable; None if it is usable.
        channel: Name of the channel that is used; empty for the mean of all channels.
        seconds: Time from the first loud 10 ms to the last, roughly the length of the word.
        octave: Mean frequency of the energy, in octaves above 1 Hz.
    """

    size: int
    time: int
    digest: str
    rate: int
    count: int
    reason: str | None
    channel: str = ""
    seconds: float = 0.0
    octave: float = 0.0


def scan_files(root: Path, paths: list[Path], engine: Engine = THREADS) -> dict[Path, Scan]:
    """Scan files; those unchanged since the last scan are taken from the cache.

    Raises:
        VoxletError: Workers of the engine die, or have other package versions.
    """
    kept = cache_folder("scans") / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:24]}.json"
    known = _load_scans(kept)
    formats = has_formats()  # may have been installed since the last scan
    scans: dict[Path, Scan] = {}
    fresh: list[Path] = []
    for path in paths:
        old = known.get(os.fspath(path))
        try:
            status = path.stat()
            unchanged = old is not None and (old.size, old.time) == (status.st_size, status.st_mtime_ns)
            unchanged = unchanged and not (old and old.reason == UNREAD_KIND and formats)
        except OSError:
            unchanged = False
        if unchanged and old is not None:
            scans[path] = old
        else:
            fresh.append(path)
    if fresh:
        tqdm = import_extra("tqdm", "train").tqdm

        task = ScanFiles(tuple(sorted(installed(*DECODERS).items())))
        found: list[Scan | None] = [None] * len(fresh)
        with tqdm(desc="scanning", total=len(fresh), unit="clip", leave=False, disable=None, delay=1) as bar:
            for first, stretch in engine.results(task, stretches(fresh, AT_ONCE)):
                found[first : first + len(stretch)] = stretch
                bar.update(len(stretch))
        scans.update((path, scan) for path, scan in zip(fresh, found, strict=True) if scan is not None)
        _keep_scans(kept, scans)
    return scans


@dataclass(frozen=True)
class ScanFiles:
    """Worker task that scans a stretch of files; it fails on a worker with other decoder versions."""

    versions: Versions

    def __call__(self, paths: ItemBatch) -> tuple[int, list[Scan]]:
        """The index of the first file, and the scans.

        Raises:
            VoxletError: This worker has other package versions.
        """
        refuse_others(installed(*DECODERS), self.versions)
        return paths.first, [scan_file(path) for path in paths.items]


def _keep_scans(kept: Path, scans: dict[Path, Scan]) -> None:
    """Write the scans to the cache as JSON, entry by entry: dictionaries would need 1 kB for each file."""
    lines = (f"{json.dumps(os.fspath(path))}: {json.dumps(asdict(scan))}" for path, scan in scans.items())
    table = ",\n".join(lines)
    cache.write(kept, f'{{"version": {SCAN_VERSION}, "files": {{{table}}}}}'.encode())


def _load_scans(kept: Path) -> dict[str, Scan]:
    """The cached scans by path; empty if the cache is missing, damaged or of another version."""
    try:
        stored = json.loads(kept.read_bytes(), object_hook=_scan_of)
        cache.touch(kept)
        files: dict[str, Scan] = stored["files"] if stored["version"] == SCAN_VERSION else {}
        return files if all(isinstance(scan, Scan) for scan in files.values()) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _scan_of(fields: dict[str, Any]) -> Scan | dict[str, Any]:
    """Convert a JSON object of the cache to a scan, if it is one; the enclosing tables stay as they are."""
    return Scan(**fields) if "digest" in fields else fields


def scan_file(path: Path) -> Scan:
    """Decode a file and decide whether it is usable as a clip."""
    try:
        status = path.stat()
        if not path.is_file():
            return Scan(0, 0, "", 0, 0, "is not a file")
        if status.st_size == 0:
            return Scan(0, status.st_mtime_ns, "", 0, 0, "is empty")
    except OSError as error:
        return Scan(0, 0, "", 0, 0, f"cannot be read ({error.strerror})")
    found = (status.st_size, status.st_mtime_ns)
    try:
        sound = _decode(path)
        loud = measure(sound)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except UnreadKindError:
        return Scan(*found, "", 0, 0, UNREAD_KIND)
    except AudioError as error:
        return Scan(*found, "", 0, 0, error.what)
    except OSError as error:
        return Scan(0, 0, "", 0, 0, f"cannot be read ({error.strerror})")
    return Scan(*found, digest, sound.rate, len(sound.samples), None, sound.channel, *loud)


def _decode(path: Path) -> audio.Sound:
    """Decode a clip.

    Raises:
        AudioError: The file is unusable as a clip; `what` is the reason.
    """
    with audio.opened(path) as file:
        header = file.header
        if header.missing:
            raise AudioError(f"is cut off: {header.missing}")
        if not MIN_RATE <= header.rate <= MAX_RATE:
            raise AudioError(f"has a rate of {header.rate:,} Hz, outside {MIN_RATE:,} to {MAX_RATE:,}")
        _check_length(header.frames or 0, header.rate)
        sound = file.read(MAX_SECONDS + 1)
    count, rate = len(sound.samples), sound.rate
    _check_length(count, rate)
    if header.frames is not None and header.frames - count > MISSED_SECONDS * rate:
        raise AudioError(f"is cut off: {count:,} samples of {header.frames:,}")
    if count < MIN_SECONDS * rate:
        raise AudioError(f"is too short: {1000 * count / rate:.0f} ms")
    return sound


def _check_length(count: int, rate: int) -> None:
    if count > MAX_SECONDS * rate:
        raise AudioError(f"is too long: {count / rate:,.0f} s, and a clip lasts at most {MAX_SECONDS:.0f} s")


def measure(sound: audio.Sound) -> tuple[float, float]:
    """Seconds from the first loud frame to the last, and the mean frequency in octaves above 1 Hz.

    Raises:
        AudioError: The clip is silent.
    """
    emphasised = emphasise_speech(sound.samples, sound.rate)
    levels = frame_levels(emphasised, sound.rate)
    loudest, usual = levels.max(), np.percentile(levels, 10)
    if loudest < SILENT_DB or (loudest < QUIET_DB and loudest - usual < QUIET_RANGE_DB):
        raise AudioError("is silent")
    spoken = loud_part(emphasised, levels, sound.rate)
    size = 1 << (len(spoken) - 1).bit_length()
    powers = np.square(np.abs(np.fft.rfft(spoken, size)[1:]))
    return len(spoken) / sound.rate, float(powers @ _octaves(size, sound.rate) / powers.sum())


@lru_cache(maxsize=16)
def _octaves(size: int, rate: int) -> NDArray[np.float64]:
    """Bin frequencies of an FFT of `size` points, without bin 0, in octaves above 1 Hz."""
    return np.asarray(np.log2(np.arange(1, size // 2 + 1) * (rate / size)))


@dataclass(frozen=True)
class Doubt:
    """A file whose header states an implausible sampling rate.

    Attributes:
        path: The file.
        rate: Sampling rate in the header, in Hz.
        likely: Probable sampling rate, in Hz.
        times: Length of the word, as a multiple of the usual length of its label.
    """

    path: Path
    rate: int
    likely: int
    times: float


def doubt_rates(takes: list[tuple[str, Path, Scan]]) -> list[Doubt]:
    """Find takes, given as (label, path, scan), that another sampling rate explains much better.

    Only takes much longer and lower, or much shorter and higher, than their label's median are decoded again.
    """
    by_label: dict[str, list[tuple[Path, Scan]]] = {}
    for label, path, scan in takes:
        by_label.setdefault(label, []).append((path, scan))
    doubts = []
    for group in by_label.values():
        if len(group) < FEWEST_TAKES:
            continue
        seconds = np.log2([scan.seconds for _, scan in group])
        octaves = np.array([scan.octave for _, scan in group])
        longer, higher = seconds - np.median(seconds), octaves - np.median(octaves)
        strange = (np.abs(longer - higher) > STRANGE_OCTAVES) & (longer * higher < 0)
        strange &= np.abs(longer) > LEAST_OCTAVES
        if not strange.any():
            continue
        usual = [row for row in np.argsort(np.abs(longer), kind="stable") if not strange[row]][
            :COMPARED_TAKES
        ]
        if not usual:
            continue
        words, patterns = zip(*(_word(group[row][0]) for row in usual), strict=True)
        for row in np.flatnonzero(strange):
            path, scan = group[row]
            word, own = _word(path)
            times = word / float(np.median(words))
            likely = likely_rate(own, patterns, float(np.log2(times)), scan.rate)
            if likely is not None:
                doubts.append(Doubt(path, scan.rate, likely, times))
    return sorted(doubts, key=lambda doubt: doubt.path)


def _word(path: Path) -> tuple[float, NDArray[np.float64]]:
    """Length of a clip's speech in seconds, and its `pattern`."""
    sound = audio.read(path)
    start, stop = speech_bounds(sound.samples, sound.rate)
    return (stop - start) / sound.rate, pattern(sound.samples, sound.rate)
