"""Clips of one rate, length and level, in one memory-mapped array.

Each clip is resampled, freed of its offset and trimmed; clips of unusual length are dropped; the others are
cut or zero-padded to one length and brought to one level. The result is cached under a key of the preparation
and the corpus's content.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from voxlet import audio, speech_regions
from voxlet.audio import Samples
from voxlet.cache import contents as cache
from voxlet.corpus.corpus import Clip, Corpus
from voxlet.corpus.parallel import in_order
from voxlet.corpus.scan import MAX_RATE, MAX_SECONDS, MIN_RATE
from voxlet.errors import AudioError, ConfigError, CorpusError, printable
from voxlet.extras import import_extra
from voxlet.files import atomic_folder, cache_folder, exclusive, writing_cache
from voxlet.language import UNKNOWN_LANGUAGE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

PREPARE_VERSION = 7  # raise it when the same preparation gives other samples
DEFAULT_PERCENTILE = 97.0
TRIM_MARGIN = 0.05  # seconds kept on each side of a trimmed word: its faint beginning and its dying away
TRIM_FADE = 0.005  # seconds of fade at its edges, so that the cut does not click


@dataclass(frozen=True)
class Preparation:
    """How clips are brought to one rate, length and level.

    Attributes:
        rate: Hz.
        length: Seconds of each row; None takes the corpus's own 97th percentile after trimming.
        trim: Cut leading and trailing silence.
        outliers: Clips shorter or longer than these percentiles of length are dropped; None keeps all.
        rms: Root mean square each clip is scaled to, less where it would clip; None keeps its level.

    Raises:
        ConfigError: A value makes no sense.
    """

    rate: int = 22050
    length: float | None = None
    trim: bool = True
    outliers: tuple[float, float] | None = (1.0, 99.0)
    rms: float | None = audio.SPEECH_RMS

    def __post_init__(self) -> None:
        if not MIN_RATE <= self.rate <= MAX_RATE:
            raise ConfigError(f"{self.rate} Hz is outside {MIN_RATE} to {MAX_RATE}", where="rate")
        if self.length is not None and not 0 < self.length <= MAX_SECONDS:
            raise ConfigError(f"{self.length} s is outside 0 to {MAX_SECONDS:.0f}", where="length")
        if self.outliers is not None and not 0 <= self.outliers[0] < self.outliers[1] <= 100:
            raise ConfigError(
                f"{self.outliers} are not two rising percentiles between 0 and 100", where="outliers"
            )
        if self.rms is not None and not 0 < self.rms < 1:
            raise ConfigError(f"{self.rms} is outside 0 to 1 (full scale)", where="rms")


@dataclass(frozen=True)
class Prepared:
    """Clips as rows of one array, and what is known of each.

    Attributes:
        audio: (B, T) float32, zero after each clip's end; a read-only memory map.
        lengths: (B,) int64, the valid samples of each row, at most T.
        labels: (B,) int64, indices into `label_names`.
        speakers: (B,) int64, indices into `speaker_names`.
        label_names: Names of the labels, as in the corpus.
        speaker_names: Names of the speakers, as in the corpus.
        clips: The source of each row.
        rate: Hz.
        preparation: How it was made.
        digest: Key of content and preparation.
        name: Name of the corpus.
        language: Of the words, a tag of BCP 47; `und` where it is not known.
    """

    audio: NDArray[np.float32]
    lengths: NDArray[np.int64]
    labels: NDArray[np.int64]
    speakers: NDArray[np.int64]
    label_names: tuple[str, ...]
    speaker_names: tuple[str, ...]
    clips: tuple[Clip, ...]
    rate: int
    preparation: Preparation
    digest: str
    name: str = ""
    language: str = UNKNOWN_LANGUAGE

    def __len__(self) -> int:
        return len(self.clips)

    def clip(self, row: int) -> Samples:
        """The valid samples of one row, shape (T,), a copy."""
        return np.array(self.audio[row, : self.lengths[row]])


DEFAULT_PREPARATION = Preparation()
AGAIN = "give the same command again"


def prepare(
    corpus: Corpus, preparation: Preparation = DEFAULT_PREPARATION, *, progress: bool = True
) -> Prepared:
    """The corpus's clips, prepared; built in parallel at the first call, then taken from the cache.

    Raises:
        CorpusError: A clip has changed since it was scanned, or no clip is left.
        FileError: The cache cannot be written.

    >>> from voxlet.corpus.corpus import open_corpus
    >>> noise = np.random.default_rng(0).uniform(-0.1, 0.1, 8000).astype(np.float32)
    >>> for take in range(3):
    ...     audio.write(f"yes_ann_{take}.wav", np.roll(noise, take), rate=8000)
    >>> settings = Preparation(rate=4000, length=0.25, outliers=None)
    >>> prepared = prepare(open_corpus("."), settings, progress=False)
    >>> prepared.audio.shape, prepared.label_names, round(audio.rms(prepared.clip(0)), 3)
    ((3, 1000), ('yes',), 0.08)
    """
    settings = json.dumps([PREPARE_VERSION, corpus.digest, asdict(preparation)])
    key = hashlib.sha256(settings.encode()).hexdigest()
    folder = cache_folder("prepared") / key[:24]
    rows = load_rows(folder)
    if rows is None:
        with exclusive(folder.with_suffix(".lock")):
            rows = load_rows(folder)  # another process may have built it while this one waited
            if rows is None:
                with writing_cache(folder), atomic_folder(folder) as building:
                    build_rows(building, corpus, preparation, progress)
                rows = load_rows(folder)
    if rows is None:
        raise CorpusError("the cache was damaged while it was built", where=folder, remedy=AGAIN)
    cache.shrink()
    clips = tuple(corpus.clips[index] for index in rows.indices)
    label_index = {label: index for index, label in enumerate(corpus.labels)}
    speaker_index = {speaker: index for index, speaker in enumerate(corpus.speakers)}
    return Prepared(
        audio=rows.audio,
        lengths=rows.lengths,
        labels=np.array([label_index[clip.label] for clip in clips], dtype=np.int64),
        speakers=np.array([speaker_index[clip.speaker] for clip in clips], dtype=np.int64),
        label_names=corpus.labels,
        speaker_names=corpus.speakers,
        clips=clips,
        rate=preparation.rate,
        preparation=preparation,
        digest=key,
        name=corpus.name,
        language=corpus.language,
    )


def prepare_clip(path: Path, preparation: Preparation) -> Samples:
    """One clip at the preparation's rate, without offset and, if asked, without silence around it, (T,).

    Raises:
        CorpusError: The file cannot be read any more.
    """
    try:
        sound = audio.read(path)
    except AudioError as error:
        raise CorpusError(
            f"{error.what}: it has changed since it was scanned", where=path, remedy=AGAIN
        ) from error
    # The offset goes first: to the resampler it would be a step at either end, which rings.
    samples = sound.samples - np.float32(sound.samples.mean(dtype=np.float64))
    samples = audio.resample(samples, sound.rate, preparation.rate)
    if preparation.trim:
        samples = speech_regions.trim(samples, preparation.rate, margin=TRIM_MARGIN)
        samples = audio.fade(samples, preparation.rate, TRIM_FADE)
    return samples


def fit_clip(samples: Samples, count: int, preparation: Preparation) -> Samples:
    """The clip cut to at most `count` samples and brought to the preparation's level, (T,)."""
    if len(samples) > count:
        samples = samples[:count]
        if preparation.trim:
            samples = audio.fade(samples, preparation.rate, TRIM_FADE)
    return samples if preparation.rms is None else audio.level(samples, preparation.rms)


def row_length(lengths: NDArray[np.int64], preparation: Preparation) -> int:
    """Samples of each row: the length asked for, or the 97th percentile of the clips' own, rounded up."""
    if preparation.length is not None:
        return max(1, round(preparation.length * preparation.rate))
    return int(np.ceil(np.percentile(lengths, DEFAULT_PERCENTILE)))


def kept(lengths: NDArray[np.int64], preparation: Preparation) -> NDArray[np.int64]:
    """Indices of the clips whose length is no outlier."""
    if preparation.outliers is None:
        return np.arange(len(lengths))
    low, high = np.percentile(lengths, preparation.outliers)
    return np.flatnonzero((lengths >= low) & (lengths <= high))


@dataclass(frozen=True)
class Rows:
    """What the cache holds of a prepared corpus: arrays, and the index of each row's clip in the corpus."""

    audio: NDArray[np.float32]
    lengths: NDArray[np.int64]
    indices: NDArray[np.int64]


def build_rows(folder: Path, corpus: Corpus, preparation: Preparation, progress: bool) -> None:
    """Write audio.npy, lengths.npy, indices.npy and meta.json; memory stays small whatever the corpus.

    The row length and the outliers depend on all clips, so these are first written as they are, one after the
    other, then laid out as rows.
    """
    tqdm = import_extra("tqdm", "train").tqdm

    loose = folder / "loose.f32"
    counts = np.zeros(len(corpus.clips), dtype=np.int64)
    with loose.open("wb") as file:
        bar = tqdm(
            in_order(lambda clip: prepare_clip(clip.path, preparation), corpus.clips),
            total=len(corpus.clips),
            desc=printable(f"preparing {corpus.name}"),
            unit="clip",
            leave=False,
            disable=None if progress else True,
        )
        for index, samples in enumerate(bar):
            counts[index] = len(samples)
            file.write(samples.tobytes())
    indices = kept(counts, preparation)
    if len(indices) == 0:
        raise CorpusError(
            "no clip is left within the percentiles of length",
            where=corpus.root,
            remedy="widen them: --preparation.outliers 0 100",
        )
    length = row_length(counts, preparation)
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    with loose.open("rb") as source, (folder / "audio.npy").open("wb") as file:
        # Written, not mapped: on a full disk a mapped write kills the process, this one raises.
        header = {"descr": "<f4", "fortran_order": False, "shape": (len(indices), length)}
        np.lib.format.write_array_header_1_0(file, header)
        row = np.zeros(length, dtype="<f4")
        for index in indices:
            source.seek(int(starts[index]) * 4)
            samples = np.frombuffer(source.read(int(counts[index]) * 4), dtype=np.float32)
            samples = fit_clip(samples, length, preparation)
            row[: len(samples)] = samples
            row[len(samples) :] = 0
            file.write(row.tobytes())
    loose.unlink()
    np.save(folder / "lengths.npy", np.minimum(counts[indices], length))
    np.save(folder / "indices.npy", indices)
    names = ("audio.npy", "lengths.npy", "indices.npy")
    meta = {"files": {name: _seal(folder / name) for name in names}, "corpus": corpus.name}
    (folder / "meta.json").write_text(json.dumps({**meta, "preparation": asdict(preparation)}, indent=1))


def load_rows(folder: Path) -> Rows | None:
    """The cached rows; None where they are missing or damaged.

    Size and time of each file are looked at; only where they are not as sealed is its content compared.
    """
    try:
        files: dict[str, dict[str, Any]] = json.loads((folder / "meta.json").read_bytes())["files"]
        for name in ("audio.npy", "lengths.npy", "indices.npy"):
            status, seal = (folder / name).stat(), files[name]
            if (status.st_size, status.st_mtime_ns) == (seal["size"], seal["time"]):
                continue
            if status.st_size != seal["size"] or _file_digest(folder / name) != seal["sha256"]:
                return None
        mapped = np.load(folder / "audio.npy", mmap_mode="r")
        cache.hold(folder, mapped)
        cache.touch(folder)
        return Rows(mapped, np.load(folder / "lengths.npy"), np.load(folder / "indices.npy"))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _seal(path: Path) -> dict[str, Any]:
    status = path.stat()
    return {"size": status.st_size, "time": status.st_mtime_ns, "sha256": _file_digest(path)}


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
