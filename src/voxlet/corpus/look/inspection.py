"""Statistics of a corpus: clips, lengths and levels; duplicates, outliers, doubtful and unusable files."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from voxlet import audio
from voxlet.corpus.attributes.noise import bandwidth_hz, narrow_clips
from voxlet.corpus.attributes.spectrum import clip_spectrum
from voxlet.corpus.catalog import CATALOG
from voxlet.corpus.corpus import Clip, Corpus
from voxlet.corpus.listing.sound_files import relative_name
from voxlet.corpus.look import likeness
from voxlet.corpus.look.advise import KINDS, VOICE_RATE, WIDE_RATE, Figures, advise
from voxlet.corpus.prepare import DEFAULT_PREPARATION, TRIM_MARGIN, kept, row_length
from voxlet.corpus.speakers import SpeakerMetadata, read_metadata
from voxlet.engines.threads import in_order
from voxlet.extras import import_extra
from voxlet.trimming.regions import find_speech
from voxlet.words.language import describe_language

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

PERCENTILES = (1, 3, 10, 50, 95, 97, 99)
SHOWN_LABELS = 20
SHOWN_OUTLIERS = 10
FULL_SCALE = 0.999
DOUBTFUL = 1.2  # unlikeness; exceeded by all 20 clips given wrong labels among 2,700 of FSDD, and by 2 others
NOISY_DB = 20.0  # level of the speech above the background
QUIET_DB = -50.0  # level of the speech re full scale
ABRUPT_DB = -10.0  # re the loudest speech: a file that begins or ends louder was cut
PAUSE_SECONDS = 0.3  # longer than any pause within a word


@dataclass(frozen=True)
class Measures:
    """Measures of each clip in the corpus's order, (B,) each, in seconds or dB re full scale."""

    seconds: NDArray[np.float64]
    leading: NDArray[np.float64]
    trailing: NDArray[np.float64]
    level: NDArray[np.float64]  # root mean square of the speech
    peak: NDArray[np.float64]  # full scale is 1
    contrast: NDArray[np.float64]  # dB of the speech above the background; NaN if no background was found
    abrupt: NDArray[np.float64]  # dB of the louder of the first and last 10 ms re the loudest speech
    pause: NDArray[np.float64]  # longest pause between stretches of speech
    bandwidth: NDArray[np.float64]  # Hz; NaN for rates up to 8 kHz, and for silent or very short clips
    pictures: NDArray[np.float32]  # features (B, D), see `likeness`

    @property
    def trimmed(self) -> NDArray[np.float64]:
        """Length of the words, including the margin that `prepare` keeps."""
        return self.seconds - self.leading - self.trailing


@dataclass(frozen=True)
class Inspection:
    """The results of `voxlet corpus inspect`; percentiles are keyed by their number."""

    name: str
    root: str
    digest: str
    coverage: str
    account: str
    layout: str
    language: str
    notes: tuple[str, ...]
    clips: int
    hours: float
    rates: dict[int, int]
    labels: dict[str, int]
    speakers: dict[str, int]
    seconds: dict[int, float]
    samples: dict[int, int]
    trimmed_seconds: dict[int, float]
    level: dict[int, float]
    leading: dict[int, float]
    trailing: dict[int, float]
    full_scale: int
    normalised_seconds: float
    dropped: int
    accents: dict[str, int]
    ages: dict[str, float]
    duplicates: list[list[str]]
    contradictions: list[list[str]]
    outliers: dict[str, float]
    outliers_by_label: dict[str, int]
    rejected: dict[str, str]
    found: dict[str, dict[str, float]]
    advice: list[str]

    def lines(self) -> list[str]:
        """The lines of the table for the terminal."""
        speakers = f"{len(self.speakers):,} speaker" + "s" * (len(self.speakers) != 1)
        rates = ", ".join(
            f"{rate:,} Hz" + (f" ({n:,})" if len(self.rates) > 1 else "") for rate, n in self.rates.items()
        )
        counts = self.labels.values()
        per_speaker = self.speakers.values()
        rows = [
            f"{self.name}: {self.clips:,} clips, {len(self.labels)} labels, {speakers}, "
            f"{self.hours * 60:.1f} minutes, {rates}",
            f"  {self.root}",
            f"  {self.coverage}",
            f"  {self.account}",
            f"  layout: {self.layout}",
            f"  {describe_language(self.language)}",
            *(f"  note: {note}" for note in self.notes),
            "",
            f"clips per label      {min(counts):,} to {max(counts):,}: "
            + ", ".join(f"{label} {n:,}" for label, n in list(self.labels.items())[:SHOWN_LABELS]),
            f"clips per speaker    {min(per_speaker):,} to {max(per_speaker):,}",
            "",
            "percentile           " + "".join(f"{p:>9}" for p in PERCENTILES),
            *(
                f"{title:<21}" + "".join(form.format(values[p]) for p in PERCENTILES)
                for title, values, form in (
                    ("length, samples", self.samples, "{:>9,}"),
                    ("length, s", self.seconds, "{:>9.3f}"),
                    ("length trimmed, s", self.trimmed_seconds, "{:>9.3f}"),
                    ("silence before, s", self.leading, "{:>9.3f}"),
                    ("silence after, s", self.trailing, "{:>9.3f}"),
                    ("level, dB", self.level, "{:>9.1f}"),
                )
            ),
            "",
            f"normalised           {self.normalised_seconds:.3f} s each, {self.dropped:,} outliers dropped",
            f"at full scale        {self.full_scale:,} clips",
            f"duplicates           {sum(len(group) - 1 for group in self.duplicates):,} clips"
            + (f", {len(self.contradictions)} under another label" if self.contradictions else ""),
        ]
        if self.accents:
            rows.append("accents (speakers)   " + ", ".join(f"{k} {n}" for k, n in self.accents.items()))
        if self.ages:
            rows.append("ages                 " + ", ".join(f"{k} {v:g}" for k, v in self.ages.items()))
        if self.outliers:
            rows += ["", "unusual lengths, s   "]
            rows += [f"  {seconds:7.3f}  {name}" for name, seconds in self.outliers.items()]
        if self.rejected:
            rows += ["", f"left out             {len(self.rejected):,}"]
            rows += [f"  {name}: {reason}" for name, reason in self.rejected.items()]
        return [*rows, "", "advice", *(f"  {sentence}" for sentence in self.advice)]


def measure(corpus: Corpus, progress: bool = True) -> Measures:
    """Decode and measure every clip, on all cores."""
    tqdm = import_extra("tqdm", "train").tqdm

    found = in_order(measure_clip, corpus.clips)
    quiet = None if progress else True
    rows = list(tqdm(found, "measuring", len(corpus.clips), unit="clip", leave=False, disable=quiet))
    figures = np.array([one for one, _ in rows], dtype=np.float64).T
    names = [field.name for field in fields(Measures)]
    pictures = np.array([picture for _, picture in rows])
    return Measures(**dict(zip(names, [*figures, pictures], strict=True)))


def measure_clip(clip: Clip) -> tuple[tuple[float, ...], NDArray[np.float32]]:
    """The values of `Measures` for one clip, in the order of its fields, and the clip's picture."""
    sound = audio.read(clip.path)
    samples = sound.samples - np.float32(sound.samples.mean(dtype=np.float64))
    rate, found = sound.rate, find_speech(samples, sound.rate)
    margin = round(TRIM_MARGIN * rate)
    start, stop = max(0, found.start - margin), min(len(samples), found.stop + margin)
    level = 20 * np.log10(max(found.rms(samples), 1e-6))
    spectrum = clip_spectrum(samples, rate, found) if rate > VOICE_RATE else None
    gaps = [later[0] - earlier[1] for earlier, later in pairwise(found.regions)]
    figures = (
        *(len(samples) / rate, start / rate, (len(samples) - stop) / rate, float(level)),
        float(np.abs(sound.samples).max()),
        found.contrast_db if found.silence_found else np.nan,
        max(found.ends_db) - found.level_db,
        max(gaps, default=0) / rate,
        np.nan if spectrum is None else bandwidth_hz(spectrum),
    )
    return figures, likeness.word_features(samples[found.start : found.stop], rate)


def summarise(corpus: Corpus, measures: Measures) -> Inspection:
    """Compute an inspection from the measures of all clips."""
    metadata = read_metadata(corpus.root)
    rates = Counter(clip.rate for clip in corpus.clips)
    usual = rates.most_common(1)[0][0]
    counts = np.round(measures.trimmed * usual).astype(np.int64)
    usable = kept(counts, [clip.label for clip in corpus.clips], DEFAULT_PREPARATION)
    findings = find(corpus, measures)
    figures = figures_of(corpus, measures, findings)
    labels = Counter(clip.label for clip in corpus.clips)
    speakers = Counter(clip.speaker for clip in corpus.clips)
    known = [metadata.get(name, SpeakerMetadata()) for name in corpus.speakers] if metadata else []
    ages = [speaker.age for speaker in known if speaker.age is not None]
    groups = duplicates(corpus)
    seconds = percentiles(measures.seconds)
    return Inspection(
        name=corpus.name,
        root=str(corpus.root),
        digest=corpus.digest,
        coverage=coverage(corpus),
        account=corpus.account,
        layout=corpus.layout,
        language=corpus.language,
        notes=corpus.notes,
        clips=len(corpus.clips),
        hours=float(measures.seconds.sum() / 3600),
        rates=dict(rates.most_common()),
        labels={label: labels[label] for label in corpus.labels},
        speakers={speaker: speakers[speaker] for speaker in corpus.speakers},
        seconds=seconds,
        samples={p: round(value * usual) for p, value in seconds.items()},
        trimmed_seconds=percentiles(measures.trimmed),
        level=percentiles(measures.level),
        leading=percentiles(measures.leading),
        trailing=percentiles(measures.trailing),
        full_scale=int((measures.peak >= FULL_SCALE).sum()),
        normalised_seconds=row_length(counts[usable], DEFAULT_PREPARATION) / usual,
        dropped=len(counts) - len(usable),
        accents=dict(Counter(speaker.accent or "unknown" for speaker in known).most_common()),
        ages=(
            {
                "youngest": min(ages),
                "median": float(np.median(ages)),
                "oldest": max(ages),
                "unknown": len(known) - len(ages),
            }
            if ages
            else {}
        ),
        duplicates=[[relative_name(clip.path, corpus.root) for clip in group] for group in groups],
        contradictions=[
            [relative_name(clip.path, corpus.root) for clip in group]
            for group in groups
            if len({clip.label for clip in group}) > 1
        ],
        outliers=unusual(corpus, measures),
        outliers_by_label=dict(figures.outliers),
        rejected={relative_name(item.path, corpus.root): item.reason for item in corpus.rejected},
        found=findings,
        advice=advise(figures),
    )


def figures_of(
    corpus: Corpus, measures: Measures, found: Mapping[str, Mapping[str, float]] | None = None
) -> Figures:
    """The statistics for `advise`; `found` is the result of `find`, if already computed."""
    labels = Counter(clip.label for clip in corpus.clips)
    usual = Counter(clip.rate for clip in corpus.clips).most_common(1)[0][0]
    counts = np.round(measures.trimmed * usual).astype(np.int64)
    usable = kept(counts, [clip.label for clip in corpus.clips], DEFAULT_PREPARATION)
    left_out = Counter(
        corpus.clips[row].label for row in set(range(len(counts))) - {int(row) for row in usable}
    )
    return Figures(
        takes={label: labels[label] for label in corpus.labels},
        pairs=tuple(Counter((clip.label, clip.speaker) for clip in corpus.clips).values()),
        speakers=len(corpus.speakers),
        rate=usual,
        contrast=middle(measures.contrast),
        found={kind: tuple(names) for kind, names in (found or find(corpus, measures)).items()},
        narrow=narrow_speakers(corpus, measures),
        lost=tuple(corpus.lost_labels),
        outliers={label: left_out[label] for label in corpus.labels if left_out[label]},
    )


def narrow_speakers(corpus: Corpus, measures: Measures) -> dict[str, float]:
    """Speakers whose bandwidth is clearly below what their rate allows, with the bandwidth in Hz."""
    speakers = np.array([clip.speaker for clip in corpus.clips])
    allowed = np.array([min(clip.rate, WIDE_RATE) / 2 for clip in corpus.clips])
    found = {}
    for speaker in corpus.speakers:
        own = speakers == speaker
        reached, narrow = narrow_clips(measures.bandwidth[own], allowed[own])
        if narrow.any():
            found[speaker] = reached
    return found


def find(corpus: Corpus, measures: Measures) -> dict[str, dict[str, float]]:
    """Faulty clips: kind of fault -> name -> measured value, the worst first."""
    numbers = {label: number for number, label in enumerate(corpus.labels)}
    labels = np.array([numbers[clip.label] for clip in corpus.clips], dtype=np.int64)
    # Signs are chosen so that higher is worse.
    badness: dict[str, tuple[NDArray[np.float64], float]] = {
        "doubtful": (likeness.unlikeness(measures.pictures, labels), DOUBTFUL),
        "noisy": (-measures.contrast, -NOISY_DB),
        "cut": (measures.abrupt, ABRUPT_DB),
        "pauses": (measures.pause, PAUSE_SECONDS),
        "quiet": (-measures.level, -QUIET_DB),
        "full_scale": (measures.peak, FULL_SCALE),
    }
    found = {}
    for kind in KINDS:
        values, least = badness[kind]
        order = np.argsort(-values, kind="stable")
        rows = [row for row in order.tolist() if values[row] >= least]
        found[kind] = {
            relative_name(corpus.clips[row].path, corpus.root): round(float(abs(values[row])), 3)
            for row in rows
        }
    return found


def middle(values: NDArray[np.float64]) -> float:
    """The median of the finite values; infinite if there are none."""
    known = values[np.isfinite(values)]
    return float(np.median(known)) if len(known) else np.inf


def percentiles(values: NDArray[np.float64]) -> dict[int, float]:
    """The values of `PERCENTILES`, keyed by their number."""
    return {p: float(value) for p, value in zip(PERCENTILES, np.percentile(values, PERCENTILES), strict=True)}


def duplicates(corpus: Corpus) -> list[list[Clip]]:
    """Groups of clips whose files are identical."""
    groups: dict[str, list[Clip]] = {}
    for clip in corpus.clips:
        groups.setdefault(clip.digest, []).append(clip)
    return [group for group in groups.values() if len(group) > 1]


def unusual(corpus: Corpus, measures: Measures) -> dict[str, float]:
    """The shortest and longest words outside the default percentiles: name -> trimmed length in seconds."""
    lengths = measures.trimmed
    low, high = np.percentile(lengths, DEFAULT_PREPARATION.outliers or (0, 100))
    order = np.argsort(lengths, kind="stable")
    shortest = [row for row in order[:SHOWN_OUTLIERS] if lengths[row] < low]
    longest = [row for row in order[::-1][:SHOWN_OUTLIERS] if lengths[row] > high]
    return {
        relative_name(corpus.clips[row].path, corpus.root): float(lengths[row])
        for row in (*shortest, *longest)
    }


def coverage(corpus: Corpus) -> str:
    """How much of the catalogued corpus is present, in words."""
    known = CATALOG.get(corpus.name)
    if known is None:
        return "not in the catalog"
    count = len(corpus.clips) + len(corpus.rejected)
    which = f"{known.title}; {known.licence}, {known.credit}"
    if count == known.clips:
        return f"whole: {which}"
    if count < known.clips:
        return f"part of (here {count:,} of {known.clips:,} clips): {which}"
    return f"more than (here {count:,} of {known.clips:,} clips): {which}"
