"""Prepare clips: one sampling rate, length and level, stored as rows on disk.

The DC offset of each clip is removed; the clip is resampled, trimmed, and scaled by the level of its speech
alone, so that silence is not amplified. Clips whose length is unusual for their label are dropped; the others
are cut or zero-padded to one length. The result is cached under a key of the settings, the corpus's content
and the preparing code, and is rebuilt if one of these changes. Any engine can prepare the clips, in parts; an
interrupted run continues with the parts that exist.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from functools import cache as cached
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio
from voxlet.audio import Samples
from voxlet.cache import contents as cache
from voxlet.cache.code import code_digest
from voxlet.corpus.corpus import Clip, Corpus
from voxlet.corpus.rows import parts, stored
from voxlet.corpus.rows.parts import Part, joined, read_part
from voxlet.corpus.rows.stored import load_rows, to_steps
from voxlet.corpus.scan import DECODERS, MAX_RATE, MAX_SECONDS, MIN_RATE
from voxlet.engines.engine import ItemBatch, stretches
from voxlet.engines.threads import THREADS
from voxlet.engines.versions import installed, refuse_others
from voxlet.errors import AudioError, ConfigError, CorpusError, printable
from voxlet.extras import import_extra
from voxlet.files import atomic_folder, cache_folder, exclusive, writing_cache
from voxlet.trimming.code import CODE as TRIMMING
from voxlet.trimming.regions import find_speech
from voxlet.words.language import UNKNOWN_LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from voxlet.corpus.rows.stored import Rows
    from voxlet.engines.engine import Engine
    from voxlet.engines.versions import Versions

COMPARED_TAKES = 30  # labels with fewer takes have no outliers: percentiles of so few mean little
TRIM_MARGIN = 0.05  # seconds kept on each side of a trimmed word, for its faint onset and decay
TRIM_FADE = 0.005  # seconds of fade at the edges, so that the cut does not click
AT_ONCE = 50  # clips in a part


@dataclass(frozen=True)
class Preparation:
    """Settings that bring clips to one sampling rate, length and level.

    Attributes:
        rate: Sampling rate in Hz.
        length: Seconds to which each clip is padded or cut; None: the length of the longest clip kept.
        trim: Cut leading and trailing silence.
        outliers: Drop clips shorter or longer than these percentiles of their label's lengths, for labels
            with thirty takes or more; None keeps all.
        rms: Root mean square to which each clip's speech is scaled, or less if the clip would be distorted;
            None keeps its level.

    Raises:
        ConfigError: A value is out of range.
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
    """Prepared clips as rows on disk, with label, speaker and source of each.

    Attributes:
        rows: Samples and lengths of the clips, and the share of energy that was cut off.
        labels: (B,) int64, indices into `label_names`.
        speakers: (B,) int64, indices into `speaker_names`.
        label_names: Names of the labels, as in the corpus.
        speaker_names: Names of the speakers, as in the corpus.
        clips: The source of each row.
        dropped: Clips without a row, dropped because of their unusual length.
        rate: Sampling rate in Hz.
        preparation: The settings.
        digest: Cache key of code, corpus content and settings.
        name: Name of the corpus.
        language: BCP 47 tag of the words' language; `und` if unknown.
    """

    rows: Rows
    labels: NDArray[np.int64]
    speakers: NDArray[np.int64]
    label_names: tuple[str, ...]
    speaker_names: tuple[str, ...]
    clips: tuple[Clip, ...]
    dropped: tuple[Clip, ...]
    rate: int
    preparation: Preparation
    digest: str
    name: str = ""
    language: str = UNKNOWN_LANGUAGE

    def __len__(self) -> int:
        return len(self.clips)

    def clip(self, row: int) -> Samples:
        """A copy of the valid samples of one row, without padding, (T,)."""
        return self.rows.read(row)[: self.rows.lengths[row]]


DEFAULT_PREPARATION = Preparation()
AGAIN = "run the same command again"


def prepare(
    corpus: Corpus,
    preparation: Preparation = DEFAULT_PREPARATION,
    *,
    progress: bool = True,
    engine: Engine = THREADS,
) -> Prepared:
    """Prepare the corpus's clips, in parallel at the first call; later calls load them from the cache.

    Args:
        corpus: The corpus of real clips.
        preparation: Sampling rate, length and level of the prepared clips.
        progress: Show a progress bar while clips are prepared.
        engine: Prepares the clips; its machines need access to the corpus, but not to the cache.

    Raises:
        CorpusError: A clip has changed since it was scanned.
        FileError: The cache cannot be written.
        VoxletError: Workers die, or have other package versions.

    >>> from voxlet.corpus.corpus import open_corpus
    >>> noise = np.random.default_rng(0).uniform(-0.1, 0.1, 8000).astype(np.float32)
    >>> for take in range(3):
    ...     audio.write(f"yes_ann_{take}.wav", np.roll(noise, take), rate=8000)
    >>> settings = Preparation(rate=4000, length=0.25, outliers=None)
    >>> prepared = prepare(open_corpus("."), settings, progress=False)
    >>> prepared.rows.shape, prepared.label_names, round(audio.rms(prepared.clip(0)), 2)
    ((3, 1000), ('yes',), 0.08)
    """
    settings = json.dumps([prepare_code(), corpus.digest, asdict(preparation)])
    key = hashlib.sha256(settings.encode()).hexdigest()
    folder = cache_folder("prepared") / key[:24]
    rows = load_rows(folder)
    if rows is None:
        with exclusive(folder.with_suffix(".lock")):
            rows = load_rows(folder)  # another process may have built it while this one waited
            if rows is None:
                with writing_cache(folder):
                    build_rows(folder, corpus, preparation, engine, progress)
                rows = load_rows(folder)
    if rows is None:
        raise CorpusError("the cache was damaged while it was built", where=folder, remedy=AGAIN)
    cache.shrink()
    clips = tuple(corpus.clips[index] for index in rows.indices)
    left = set(rows.indices.tolist())
    label_index = {label: index for index, label in enumerate(corpus.labels)}
    speaker_index = {speaker: index for index, speaker in enumerate(corpus.speakers)}
    return Prepared(
        rows=rows,
        labels=np.array([label_index[clip.label] for clip in clips], dtype=np.int64),
        speakers=np.array([speaker_index[clip.speaker] for clip in clips], dtype=np.int64),
        label_names=corpus.labels,
        speaker_names=corpus.speakers,
        clips=clips,
        dropped=tuple(clip for index, clip in enumerate(corpus.clips) if index not in left),
        rate=preparation.rate,
        preparation=preparation,
        digest=key,
        name=corpus.name,
        language=corpus.language,
    )


@cached
def prepare_code() -> str:
    """A digest of the code that turns clips into rows."""
    return code_digest(
        *(stored, parts, *TRIMMING, audio.resample, audio.level, audio.fade),
        *(prepare_clip, fit_clip, row_length, kept, PreparePart, prepare_parts, lay_out),
    )


def prepare_clip(path: Path, preparation: Preparation) -> Samples:
    """One clip at the preparation's rate and level, (T,), without DC offset and trimmed if `trim` is set.

    Raises:
        CorpusError: The file can no longer be read.
    """
    try:
        sound = audio.read(path)
    except AudioError as error:
        raise CorpusError(
            f"{error.what}: it has changed since it was scanned", where=path, remedy=AGAIN
        ) from error
    # Before resampling: an offset would be a step at either end, at which the resampler rings.
    samples = sound.samples - np.float32(sound.samples.mean(dtype=np.float64))
    samples = audio.resample(samples, sound.rate, preparation.rate)
    if not preparation.trim and preparation.rms is None:
        return samples
    found = find_speech(samples, preparation.rate)
    loudness = found.rms(samples)
    if preparation.trim:
        margin = round(TRIM_MARGIN * preparation.rate)
        samples = samples[max(0, found.start - margin) : found.stop + margin]
        samples = audio.fade(samples, preparation.rate, TRIM_FADE)
    return samples if preparation.rms is None else audio.level(samples, preparation.rms, loudness=loudness)


def fit_clip(samples: Samples, count: int, preparation: Preparation) -> tuple[Samples, float]:
    """The clip (T,) cut to at most `count` samples, and the share of its energy that was cut off."""
    if len(samples) <= count:
        return samples, 0.0
    whole = float(np.square(samples, dtype=np.float64).sum())
    behind = float(np.square(samples[count:], dtype=np.float64).sum())
    samples = samples[:count]
    if preparation.trim:
        samples = audio.fade(samples, preparation.rate, TRIM_FADE)
    return samples, behind / whole if whole else 0.0


def row_length(lengths: NDArray[np.int64], preparation: Preparation) -> int:
    """Samples in each row: the requested length, or that of the longest of the kept clips."""
    if preparation.length is not None:
        return max(1, round(preparation.length * preparation.rate))
    return int(lengths.max())


def kept(lengths: NDArray[np.int64], labels: Sequence[str], preparation: Preparation) -> NDArray[np.int64]:
    """Indices of the clips whose length (B,) is not an outlier among the takes of their label."""
    usual = np.ones(len(lengths), dtype=bool)
    if preparation.outliers is not None:
        names = np.array(labels)
        for label in set(labels):
            own = np.flatnonzero(names == label)
            if len(own) >= COMPARED_TAKES:
                low, high = np.percentile(lengths[own], preparation.outliers)
                usual[own] = (lengths[own] >= low) & (lengths[own] <= high)
    return np.flatnonzero(usual)


@dataclass(frozen=True)
class PreparePart:
    """Worker task that prepares a stretch of files as one part.

    It fails on a worker whose package versions or code would give other samples.
    """

    preparation: Preparation
    versions: Versions

    def __call__(self, paths: ItemBatch) -> tuple[int, Part]:
        """The index of the first clip, and the part.

        Raises:
            CorpusError: A file can no longer be read.
            VoxletError: This worker has other versions.
        """
        refuse_others(prepare_versions(), self.versions)
        return paths.first, joined([to_steps(prepare_clip(path, self.preparation)) for path in paths.items])


def prepare_versions() -> dict[str, str]:
    """What the samples of a prepared clip depend on: package versions and the code."""
    return {**installed(*DECODERS, "soxr"), "code": prepare_code()}


def build_rows(
    folder: Path, corpus: Corpus, preparation: Preparation, engine: Engine, progress: bool
) -> None:
    """Write the files of `Rows`, with only a few parts in memory, however large the corpus.

    The row length and the outliers depend on all clips. Therefore the clips are first written at their own
    lengths, as parts in a folder beside `folder`, and then laid out as rows.
    """
    beside = folder.with_name(f".{folder.name}.parts")
    beside.mkdir(exist_ok=True)
    cache.touch(beside)  # parts of an earlier run are still valid, so keep the cache from removing them
    counts = prepare_parts(beside, corpus, preparation, engine, progress)
    with atomic_folder(folder) as building:
        lay_out(building, beside, corpus, preparation, counts)
    shutil.rmtree(beside, ignore_errors=True)


def prepare_parts(
    folder: Path, corpus: Corpus, preparation: Preparation, engine: Engine, progress: bool
) -> NDArray[np.int64]:
    """Write the parts that do not exist yet, and return the number of samples of each clip, (B,)."""
    tqdm = import_extra("tqdm", "train").tqdm

    counts = np.zeros(len(corpus.clips), dtype=np.int64)
    bar = tqdm(
        total=len(corpus.clips),
        desc=printable(f"preparing {corpus.name}"),
        unit="clip",
        leave=False,
        disable=None if progress else True,
    )

    def have(first: int, part: Part) -> None:
        counts[first : first + len(part.counts)] = part.counts
        bar.update(len(part.counts))

    def missing() -> Iterator[ItemBatch]:
        for clips in stretches(corpus.clips, AT_ONCE):
            part = read_part(part_path(folder, clips.first))
            if part is not None and len(part.counts) == len(clips.items):
                have(clips.first, part)
            else:
                yield ItemBatch(clips.first, tuple(clip.path for clip in clips.items))

    task = PreparePart(preparation, tuple(sorted(prepare_versions().items())))
    with bar:
        for first, part in engine.results(task, missing()):
            part.write(part_path(folder, first))
            have(first, part)
    return counts


def part_path(folder: Path, first: int) -> Path:
    """The file of the part that begins with clip number `first`."""
    return folder / f"{first:09}.npz"


def lay_out(
    folder: Path, beside: Path, corpus: Corpus, preparation: Preparation, counts: NDArray[np.int64]
) -> None:
    """Write the files of `Rows` from the parts in `beside`, whose clips have `counts` (B,) samples.

    Raises:
        CorpusError: A part is missing or damaged.
    """
    indices = kept(counts, [clip.label for clip in corpus.clips], preparation)
    length = row_length(counts[indices], preparation)
    rows = {int(index): number for number, index in enumerate(indices)}
    cut, scales = np.zeros(len(indices)), np.zeros(len(indices), dtype=np.float32)
    with (folder / stored.AUDIO).open("wb") as file:
        # Not memory-mapped: on a full disk, a mapped write kills the process, whereas this one raises.
        header = {"descr": "<i2", "fortran_order": False, "shape": (len(indices), length)}
        np.lib.format.write_array_header_1_0(file, header)
        row = np.zeros(length, dtype="<i2")
        for first in range(0, len(counts), AT_ONCE):
            part = read_part(part_path(beside, first))
            if part is None:
                raise CorpusError("the cache was damaged while it was built", where=folder, remedy=AGAIN)
            for index, (steps, scale) in enumerate(zip(part.clips(), part.scales, strict=True), first):
                number = rows.get(index)
                if number is None:
                    continue
                scales[number] = scale
                fitted, cut[number] = fit_clip(steps * scale, length, preparation)
                row[: len(fitted)] = to_steps(fitted, scale)[0]
                row[len(fitted) :] = 0
                file.write(row.tobytes())
    facts = (scales, np.minimum(counts[indices], length), cut, indices)
    for name, values in zip(stored.FACTS, facts, strict=True):
        np.save(folder / name, np.asarray(values))
    stored.seal(folder, {"corpus": corpus.name, "preparation": asdict(preparation)})
