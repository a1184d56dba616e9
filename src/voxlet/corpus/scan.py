"""Decoding each file once: whether it can be a clip, its rate and length; kept in the cache."""

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
from voxlet.engines.engine import Stretch, stretches
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
MIN_SECONDS = 0.05  # shorter is no word
MAX_SECONDS = 30.0  # longer is no clip, and would fill the memory
SILENT_DB = -75.0  # re full scale: no word's loudest 10 ms are below this
QUIET_DB, QUIET_RANGE_DB = -58.0, 15.0  # nor below this where they hardly rise above the rest: noise alone
FEWEST_TAKES, COMPARED_TAKES = 4, 9  # of a label, for its rates to be doubted; that others are compared with
# How far a take lies from the usual one in length and pitch together, and in length alone, to be looked at.
STRANGE_OCTAVES, LEAST_OCTAVES = 1.2, 0.4
MISSED_SECONDS = 0.05  # of what a header promises, that codecs may add or leave out
UNREAD_KIND = "is of a kind that the extra `formats` reads"
AT_ONCE = 50  # files that a worker is given together
DECODERS = ("numpy", "soundfile", "av")  # packages that make samples of files
SCAN_VERSION = 6  # raise it when the same file gives another answer


@dataclass(frozen=True, slots=True)
class Scan:
    """What decoding a file has shown.

    Attributes:
        size: Bytes.
        time: Of modification, ns.
        digest: SHA-256 of its bytes; empty where it cannot be used.
        rate: In Hz.
        count: Samples.
        reason: Why it cannot be used, if it cannot.
        channel: Which of its channels is used, where that is not the mean of all.
        seconds: From the first loud 10 ms to the last: about as long as what is said.
        octave: Where its energy lies, in octaves above 1 Hz.
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
    """Decode each file once; files unchanged since the last scan are taken from the cache.

    Raises:
        VoxletError: Workers of the engine die, or have other versions.
    """
    kept = cache_folder("scans") / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:24]}.json"
    known = _load_scans(kept)
    formats = has_formats()  # it may have been installed since
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
    """The task of a worker: decode a stretch of files. One with other decoders refuses."""

    versions: Versions

    def __call__(self, paths: Stretch) -> tuple[int, list[Scan]]:
        """The number of the first file, and what each has shown.

        Raises:
            VoxletError: Other versions are installed here.
        """
        refuse_others(installed(*DECODERS), self.versions)
        return paths.first, [scan_file(path) for path in paths.items]


def _keep_scans(kept: Path, scans: dict[Path, Scan]) -> None:
    """Write the scans to the cache as JSON, line by line: dictionaries would take a kilobyte a file."""
    lines = (f"{json.dumps(os.fspath(path))}: {json.dumps(asdict(scan))}" for path, scan in scans.items())
    table = ",\n".join(lines)
    cache.write(kept, f'{{"version": {SCAN_VERSION}, "files": {{{table}}}}}'.encode())


def _load_scans(kept: Path) -> dict[str, Scan]:
    """The cached scans; none where the cache is missing, damaged or of another version."""
    try:
        stored = json.loads(kept.read_bytes(), object_hook=_scan_of)
        cache.touch(kept)
        files: dict[str, Scan] = stored["files"] if stored["version"] == SCAN_VERSION else {}
        return files if all(isinstance(scan, Scan) for scan in files.values()) else {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def _scan_of(fields: dict[str, Any]) -> Scan | dict[str, Any]:
    """What a JSON object of the cache stands for: a scan, or the table of them by whole paths."""
    return Scan(**fields) if "digest" in fields else fields


def scan_file(path: Path) -> Scan:
    """Decode a file and decide whether it can be a clip."""
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
    """The clip in a file.

    Raises:
        AudioError: The file cannot be a clip; `what` is the reason.
    """
    with audio.opened(path) as file:
        header = file.header
        if header.lacks:
            raise AudioError(f"is cut off: {header.lacks}")
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
    """Seconds from the first loud frame to the last, and where the energy lies, in octaves above 1 Hz.

    Raises:
        AudioError: There is nothing to hear.
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
    """Frequencies of a transform of so many points but the first, in octaves above 1 Hz."""
    return np.asarray(np.log2(np.arange(1, size // 2 + 1) * (rate / size)))


@dataclass(frozen=True)
class Doubt:
    """A file whose header's rate can hardly be true.

    Attributes:
        path: The file.
        rate: What its header says, in Hz.
        likely: What its rate rather is.
        times: How long it is beside other takes of its label.
    """

    path: Path
    rate: int
    likely: int
    times: float


def doubt_rates(takes: list[tuple[str, Path, Scan]]) -> list[Doubt]:
    """The clips, of label, path and scan, whose header's rate another explains much better.

    Only what is much longer and lower, or much shorter and higher, than the usual take is looked at again.
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
    """Seconds of a clip's speech, and its pattern."""
    sound = audio.read(path)
    start, stop = speech_bounds(sound.samples, sound.rate)
    return (stop - start) / sound.rate, pattern(sound.samples, sound.rate)
