"""Decoding each file once: whether it can be a clip, its rate and length; kept in the cache."""

from __future__ import annotations

import hashlib
import json
import os
import struct
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from voxlet import audio, speech_regions
from voxlet.cache import contents as cache
from voxlet.corpus.parallel import in_order
from voxlet.errors import AudioError
from voxlet.extras import import_extra
from voxlet.files import cache_folder

MIN_RATE, MAX_RATE = 4000, 384_000  # Hz
MIN_SECONDS = 0.05  # shorter is no word
MAX_SECONDS = 30.0  # longer is no clip, and would fill the memory
SILENT_DB = -75.0  # re full scale: no word's loudest 10 ms are below this
QUIET_DB, QUIET_RANGE_DB = -58.0, 15.0  # nor below this where they hardly rise above the rest: noise alone
SCAN_VERSION = 5  # raise it when the same file gives another answer


@dataclass(frozen=True)
class Scan:
    """What decoding a file has shown; `reason` says why it cannot be used, and then it has no digest."""

    size: int
    time: int  # of modification, ns
    digest: str
    rate: int
    count: int
    reason: str | None


def scan_files(root: Path, paths: list[Path]) -> dict[Path, Scan]:
    """Decode each file once; files unchanged since the last scan are taken from the cache."""
    kept = cache_folder("scans") / f"{hashlib.sha256(os.fsencode(root)).hexdigest()[:24]}.json"
    known = _load_scans(kept)
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
        cache.write(kept, json.dumps({"version": SCAN_VERSION, "files": table}).encode())
    return scans


def _load_scans(kept: Path) -> dict[str, Scan]:
    """The cached scans; none where the cache is missing, damaged or of another version."""
    try:
        stored = json.loads(kept.read_bytes())
        cache.touch(kept)
        if stored["version"] != SCAN_VERSION:
            return {}
        return {path: Scan(**fields) for path, fields in stored["files"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


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
    digest, rate, count, reason = "", 0, 0, None
    try:
        rate, count = _decode(path, status.st_size)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except AudioError as error:
        reason = error.what
    except OSError as error:
        return Scan(0, 0, "", 0, 0, f"cannot be read ({error.strerror})")
    return Scan(status.st_size, status.st_mtime_ns, digest, rate, count, reason)


def _decode(path: Path, size: int) -> tuple[int, int]:
    """Rate and number of samples.

    Raises:
        AudioError: The file cannot be a clip; `what` is the reason.
    """
    promised = promised_wav_size(path)
    if promised is not None and promised > size:
        raise AudioError(f"is cut off: its header promises {promised:,} bytes, it has {size:,}")
    header = audio.read_header(path)
    if not MIN_RATE <= header.rate <= MAX_RATE:
        raise AudioError(f"has a rate of {header.rate:,} Hz, outside {MIN_RATE:,} to {MAX_RATE:,}")
    if header.frames > MAX_SECONDS * header.rate:
        seconds = header.frames / header.rate
        raise AudioError(f"is too long: {seconds:,.0f} s, and a clip lasts at most {MAX_SECONDS:.0f} s")
    sound = audio.read(path)
    if header.format == "FLAC" and len(sound.samples) != header.frames:
        raise AudioError(f"is cut off: {len(sound.samples):,} samples of {header.frames:,}")
    if len(sound.samples) < MIN_SECONDS * sound.rate:
        raise AudioError(f"is too short: {1000 * len(sound.samples) / sound.rate:.0f} ms")
    if is_silent(sound):
        raise AudioError("is silent")
    return sound.rate, len(sound.samples)


def is_silent(sound: audio.Sound) -> bool:
    """Whether there is nothing to hear, or only a faint even noise."""
    levels = speech_regions.frame_levels(
        speech_regions.emphasise_speech(sound.samples, sound.rate), sound.rate
    )
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
