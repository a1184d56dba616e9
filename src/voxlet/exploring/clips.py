"""The clips on a map: real and generated clips, their latents, and measurements of them.

Shapes: N clips, T samples, Z latent size. For a clip VAE, the latents are its own; for a voice, they are the
styles that its style encoder infers from the clips.
"""

from __future__ import annotations

import contextlib
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio
from voxlet.corpus.attributes.pitch import median_pitch
from voxlet.corpus.catalog import CATALOG
from voxlet.corpus.dataset import open_dataset
from voxlet.corpus.listing.sound_files import common_folder, relative_name
from voxlet.corpus.prepare import Preparation
from voxlet.corpus.speakers import SpeakerMetadata, read_metadata
from voxlet.errors import AudioError, ConfigError, CorpusError, RunError
from voxlet.recipes.opened import ClipRun, Opened, VoiceRun
from voxlet.speak.styles import RANDOM
from voxlet.training.progress import Progress
from voxlet.trimming.regions import find_speech

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from voxlet.audio import Samples
    from voxlet.corpus.corpus import Clip
    from voxlet.corpus.dataset import Dataset
    from voxlet.speak.voice import Voice

GENERATED_SHARE = 0.2  # of a map's clips, if it has real ones
AT_ONCE = 50  # clips generated together: Griffin-Lim holds several spectrograms of each
QUIETEST_DB = -100.0


@dataclass(frozen=True)
class Measured:
    """Measurements of N clips, (N,) each.

    Attributes:
        seconds: Length of the speech in seconds.
        pitch_hz: Median pitch in Hz; NaN for clips without a pitch.
        level_db: Level of the speech in dB re full scale; for real clips, that of the original recording.
    """

    seconds: NDArray[np.float64]
    pitch_hz: NDArray[np.float64]
    level_db: NDArray[np.float64]


@dataclass(frozen=True)
class Clips:
    """N clips of a map, the real ones first.

    Attributes:
        name: Name of the model.
        rate: Sampling rate in Hz.
        sounds: Samples of each clip, (T,).
        latents: (N, Z).
        labels: (N,), indices into `label_names`.
        label_names: The words of the model and of its recordings.
        speakers: (N,), indices into `speaker_names`; -1 for clips of no particular speaker.
        speaker_names: The speakers of the recordings and of the model.
        generated: (N,), whether the model generated the clip.
        sources: Path of a recording within the corpus, or a name for a generated clip; all different.
        digests: SHA-256 of each recording's file; empty for generated clips.
        rows: (N,), row in the model's dataset; -1 for generated clips.
        measured: Measurements of each clip.
        credit: Whose recordings the model was trained on.
        doubt: (N,), from 0 to 1, how likely the label is wrong; NaN where unknown.
        metadata: What the corpus says about its speakers, by name.
    """

    name: str
    rate: int
    sounds: tuple[Samples, ...]
    latents: NDArray[np.float64]
    labels: NDArray[np.int64]
    label_names: tuple[str, ...]
    speakers: NDArray[np.int64]
    speaker_names: tuple[str, ...]
    generated: NDArray[np.bool_]
    sources: tuple[str, ...]
    digests: tuple[str, ...]
    rows: NDArray[np.int64]
    measured: Measured
    credit: str
    doubt: NDArray[np.float64]
    metadata: Mapping[str, SpeakerMetadata] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.sounds)


def gather(
    opened: Opened,
    count: int = 3000,
    *,
    corpus: str | None = None,
    seed: int = 0,
    progress: bool = True,
) -> Clips:
    """The clips of a model's map: real ones, spread evenly over the corpus, and generated ones.

    Args:
        opened: The model, from `load`.
        count: Most clips in all; a fifth of `count` are generated, or all if there are no recordings.
        corpus: Recordings to show with a voice, which contains none; a run has its own.
        seed: Seed of the generated clips.
        progress: Show a progress bar.

    Raises:
        ConfigError: `count` is less than ten, or `corpus` is given for a run.
        CorpusError: The corpus cannot be used.
        VoxletError: The model cannot make clips.
    """
    if count < 10:
        raise ConfigError(f"{count} clips are too few for a map", where="clips", remedy="ask for ten or more")
    dataset = dataset_of(opened, corpus)
    kept = min(0 if dataset is None else len(dataset.prepared), round((1 - GENERATED_SHARE) * count))
    made = round(GENERATED_SHARE * count) if kept else count
    with Progress(f"clips of {opened.name}", silent=not progress) as shown:
        generated = generated_clips(opened, made, seed, shown)
        return joined(real_clips(opened, dataset, kept, shown), generated) if dataset else generated


def dataset_of(opened: Opened, corpus: str | None) -> Dataset | None:
    """The recordings of a model; None if it has none or they are no longer available.

    Raises:
        ConfigError: `corpus` is given for a run.
        CorpusError: `corpus` cannot be used.
    """
    if isinstance(opened, ClipRun | VoiceRun):
        if corpus is not None:
            raise ConfigError("a run has its own recordings", where="corpus", remedy="leave it out")
        try:
            return opened.dataset
        except (CorpusError, RunError):  # recordings removed or changed: the model still works
            return None
    if corpus is None:
        return None
    return open_dataset(corpus, Preparation(rate=opened.rate, outliers=None), allow_rejected=True)


def real_clips(opened: Opened, dataset: Dataset, count: int, shown: Progress) -> Clips:
    """`count` recordings, spread evenly over the corpus."""
    prepared = dataset.prepared
    rows = np.linspace(0, len(prepared) - 1, count).round().astype(np.int64)
    sounds = tuple(prepared.clip(row) for row in rows)
    shown.note(f"{count:,} recordings")
    known = CATALOG.get(prepared.name)
    root = common_root(prepared.clips)
    found = measure(sounds, prepared.rate)
    return Clips(
        name=opened.name,
        rate=prepared.rate,
        sounds=sounds,
        latents=opened.encode(rows).mean if isinstance(opened, ClipRun) else styles(opened, sounds),
        labels=prepared.labels[rows],
        label_names=prepared.label_names,
        speakers=prepared.speakers[rows],
        speaker_names=prepared.speaker_names,
        generated=np.zeros(count, bool),
        sources=tuple(relative_name(prepared.clips[row].path, root) for row in rows),
        digests=tuple(prepared.clips[row].digest for row in rows),
        rows=rows,
        measured=replace(found, level_db=recorded_levels([prepared.clips[row].path for row in rows])),
        credit=f"{known.credit}; {known.licence}" if known else f"recordings of {prepared.name}",
        doubt=np.full(count, np.nan),
        metadata=read_metadata(root),
    )


def generated_clips(opened: Opened, count: int, seed: int, shown: Progress) -> Clips:
    """`count` generated clips, equally many of each word; half of a voice's clips are by new speakers."""
    names = opened.labels
    labels = np.arange(count) % len(names)
    asked = [names[label] for label in labels]
    speakers = np.full(count, -1, np.int64)
    sounds: list[Samples] = []
    latents = np.zeros((0, 0))
    shown.note(f"{count:,} generated clips")
    if isinstance(opened, ClipRun):
        drawn = opened.draw(asked, seed=seed)
        for first in range(0, count, AT_ONCE):
            part = slice(first, first + AT_ONCE)
            sounds += opened.decode(drawn[part], asked[part])
            shown.share(min(count, first + AT_ONCE) / count, f"{len(sounds):,} of {count:,} clips")
        latents = drawn.double().numpy()
    else:
        turns = np.arange(count) // len(names)
        if opened.speakers:
            speakers = np.where(turns % 2 == 0, turns // 2 % len(opened.speakers), -1)
        for place, label in enumerate(asked):
            who = opened.speakers[speakers[place]] if speakers[place] >= 0 else RANDOM
            sounds += opened.sample([label], speaker=who, seed=seed + place)
        latents = styles(opened, sounds)
    return Clips(
        name=opened.name,
        rate=opened.rate,
        sounds=tuple(sounds),
        latents=latents,
        labels=labels.astype(np.int64),
        label_names=names,
        speakers=speakers,
        speaker_names=opened.speakers,
        generated=np.ones(count, bool),
        sources=tuple(f"generated {place + 1}" for place in range(count)),
        digests=("",) * count,
        rows=np.full(count, -1, np.int64),
        measured=measure(sounds, opened.rate),
        credit=credit_of(opened),
        doubt=np.full(count, np.nan),
    )


def common_root(clips: Sequence[Clip]) -> Path:
    """The deepest folder that contains all clips."""
    return common_folder(clip.path.parent for clip in clips)


def credit_of(opened: Opened) -> str:
    """Whose recordings a model was trained on."""
    if isinstance(opened, ClipRun | VoiceRun):
        known = CATALOG.get(opened.source)
        return f"{known.credit}; {known.licence}" if known else f"recordings of {Path(opened.source).name}"
    said = [str(opened.card[key]) for key in ("credit", "licence") if opened.card.get(key)]
    return "; ".join(said) or "its voice file does not say whose recordings it learned from"


def joined(real: Clips, made: Clips) -> Clips:
    """Real and generated clips of one model together; label and speaker names are the union of both."""
    labels = tuple(dict.fromkeys((*real.label_names, *made.label_names)))
    speakers = tuple(dict.fromkeys((*real.speaker_names, *made.speaker_names)))
    sounds = [audio.resample(sound, real.rate, made.rate) for sound in real.sounds]
    measured = zip(astuple(real.measured), astuple(made.measured), strict=True)
    return replace(
        made,
        sounds=(*sounds, *made.sounds),
        latents=np.concatenate([real.latents, made.latents]),
        labels=np.concatenate([reindexed(part.labels, part.label_names, labels) for part in (real, made)]),
        label_names=labels,
        speakers=np.concatenate(
            [reindexed(part.speakers, part.speaker_names, speakers) for part in (real, made)]
        ),
        speaker_names=speakers,
        generated=np.concatenate([real.generated, made.generated]),
        sources=real.sources + made.sources,
        digests=real.digests + made.digests,
        rows=np.concatenate([real.rows, made.rows]),
        measured=Measured(*(np.concatenate(both) for both in measured)),
        credit=made.credit if real.credit == made.credit else f"{made.credit}; shown: {real.credit}",
        doubt=np.concatenate([real.doubt, made.doubt]),
        metadata=real.metadata,
    )


def reindexed(
    numbers: NDArray[np.int64], names: tuple[str, ...], others: tuple[str, ...]
) -> NDArray[np.int64]:
    """Indices (N,) into `names`, translated to indices into `others`; -1 stays -1."""
    table = np.array([*(others.index(name) for name in names), -1], dtype=np.int64)
    return table[numbers]


def styles(opened: Voice | VoiceRun, sounds: Sequence[Samples]) -> NDArray[np.float64]:
    """Styles (N, S) of clips, each (T,) at the voice's rate; zero, the prior's mean, without speech."""
    voice = opened.voice if isinstance(opened, VoiceRun) else opened
    found = np.zeros((len(sounds), voice.info.style_size))
    for row, sound in enumerate(sounds):
        with contextlib.suppress(AudioError):  # silent, or too short
            found[row] = voice.like(audio.Sound(sound, voice.rate))
    return found


def measure(sounds: Sequence[Samples], rate: int) -> Measured:
    """Measure clips, each (T,)."""
    regions = [find_speech(sound, rate) for sound in sounds]
    words = [sound[found.start : found.stop] for sound, found in zip(sounds, regions, strict=True)]
    return Measured(
        np.array([len(word) / rate for word in words]),
        median_pitch(words, rate),
        np.array([decibels(found.rms(sound)) for sound, found in zip(sounds, regions, strict=True)]),
    )


def recorded_levels(paths: Sequence[Path]) -> NDArray[np.float64]:
    """Levels (N,) of the speech in recordings, in dB re full scale.

    Raises:
        AudioError: A recording can no longer be read.
    """
    found = np.zeros(len(paths))
    for row, path in enumerate(paths):
        sound = audio.read(path)
        found[row] = decibels(find_speech(sound.samples, sound.rate).rms(sound.samples))
    return found


def decibels(amplitude: float) -> float:
    """An amplitude in dB re full scale, at least -100."""
    return max(QUIETEST_DB, 20 * float(np.log10(max(amplitude, 1e-9))))
