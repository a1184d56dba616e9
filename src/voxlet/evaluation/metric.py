"""The catalogue of metrics: key, title and unit of everything that can be measured, defined only here.

A key is dotted: first the part of the scorecard, then what the metric is measured with, then the metric.
JSON, tables, pages, model cards and documents refer to metrics by key; titles are for people and may change.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from voxlet.evaluation.intervals import Interval

Unit = Literal[
    "share", "ratio", "MOS", "nepers", "dB", "nats", "units", "score", "Hz", "seconds", "semitones"
]
Better = Literal["higher", "lower", "real"]  # "real": nearer to the figure of real clips is better
ClassifierKind = Literal[
    "in_corpus",
    "in_corpus_narrow",
    "cross_corpus",
    "cross_corpus_wide",
    "off_the_shelf",
    "off_the_shelf_wide",
    "cross_fitted",
]

KINDS: tuple[ClassifierKind, ...] = get_args(ClassifierKind)
CLASSIFIERS: dict[ClassifierKind, str] = {
    "in_corpus": "in-corpus classifier",
    "in_corpus_narrow": "in-corpus classifier, 8 kHz",
    "cross_corpus": "cross-corpus classifier",
    "cross_corpus_wide": "cross-corpus classifier, 16 kHz",
    "off_the_shelf": "off-the-shelf classifier",
    "off_the_shelf_wide": "off-the-shelf classifier, 16 kHz",
    "cross_fitted": "cross-fitted classifier",
}
SCALES = {"overall": "overall", "signal": "signal", "background": "background", "p808": "P.808"}  # of DNSMOS
PERCENTILES = (1, 5, 50)  # of the distances to the nearest training clips
FEWEST_TAKES = 5  # of a label: with fewer, no accuracy is given
ONE_LABEL = "there is one label only, which cannot be taken for another"
FEW = (5, 10, 20, 50)  # real clips of each label to which generated ones are added, to measure utility
PART_TITLES = {  # of a scorecard, in order
    "recognition": "Recognition",
    "naturalness": "Naturalness",
    "distribution": "Distribution",
    "band": "Bandwidth",
    "speaker": "Speaker",
    "memorisation": "Memorisation",
    "attributes": "Attributes",
    "detection": "Real or generated: told apart by a classifier",
    "utility": "Utility: train on generated, test on real takes of known speakers",
    "reconstruction": "Reconstruction of real test clips",
    "latents": "Latent space",
    "styles": "Fresh styles",
    "sc09": "SC09's protocol",
}

Value = Interval | str  # a string says why there is no figure
ByName = dict[str, Value]  # a metric's values by label, by number of latent unit, or by band
Figures = dict[str, Value | ByName]  # by key
Table = list[list[float | str]]


@dataclass(frozen=True)
class Measurement:
    """Figures and tables that a part of the scorecard gives for one set of clips, both by key."""

    figures: Figures = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """A measure of a set of clips.

    Attributes:
        key: Identifier, for programs.
        title: Title, for people.
        unit: Unit of the values; a share is shown in percent.
        better: Which direction is better.
        needs: The fewest clips for which the metric makes sense.
        by: What the values are broken down by, if the metric has several.
    """

    key: str
    title: str
    unit: Unit
    better: Better
    needs: int = 10
    by: Literal["label", "unit", "band"] | None = None

    @property
    def part(self) -> str:
        """The metric's part of the scorecard: the first word of its key."""
        return self.key.split(".", 1)[0]


def recognition() -> list[Metric]:
    """Accuracy of each classifier, overall and by label."""
    found = []
    for kind, name in CLASSIFIERS.items():
        key = f"recognition.{kind}.accuracy"
        found.append(Metric(key, f"accuracy, {name}", "share", "higher"))
        found.append(Metric(f"{key}.by_label", f"by label, {name}", "share", "higher", by="label"))
    title = f"within strings, {CLASSIFIERS['off_the_shelf']}"  # at the widest band available
    return [*found, Metric("recognition.off_the_shelf.string_accuracy", title, "share", "higher")]


def naturalness() -> list[Metric]:
    """DNSMOS (Reddy et al. 2021, 2022), by the protocol of `metrics.naturalness`."""
    return [
        Metric(f"naturalness.{key}.{scale}", f"DNSMOS {name}{where}", "MOS", "higher", needs=20)
        for key, where in (("dnsmos", ""), ("dnsmos_own_rate", ", at its own rate"))
        for scale, name in SCALES.items()
    ]


def distribution() -> list[Metric]:
    """Distances between sets of clips, and the certainty and diversity of their labels."""
    distances = [
        metric
        for kind, name in (("in_corpus", "in-corpus"), ("cross_corpus", "cross-corpus"))
        for metric in (
            Metric(
                f"distribution.{kind}.frechet_distance",
                f"Fréchet distance, {name}",
                "score", "lower", needs=100,  # a Gaussian in 64 dimensions
            ),
            Metric(
                f"distribution.{kind}.frechet_extrapolated",
                f"Fréchet extrapolated, {name}",
                "score", "lower", needs=250,  # about four clips for each dimension
            ),
        )
    ]  # fmt: skip
    own = "distribution.in_corpus"
    return [
        *distances,
        Metric(f"{own}.precision", "precision", "ratio", "higher", needs=100),
        Metric(f"{own}.recall", "recall", "ratio", "higher", needs=100),
        Metric(f"{own}.density", "density", "ratio", "higher", needs=100),
        Metric(f"{own}.coverage", "coverage", "ratio", "higher", needs=100),
        Metric(f"{own}.inception_score", "inception score", "score", "higher", needs=100),
        Metric(f"{own}.modified_inception_score", "modified inception score", "score", "higher", needs=100),
        Metric(f"{own}.am_score", "AM score", "score", "lower", needs=100),
    ]


def band() -> list[Metric]:
    """Levels across the spectrum, and their distance to those of real clips."""
    distance, title = "band.log_spectral_distance.by_band", "log-spectral distance, dB"
    return [
        Metric("band.above_4k", "energy above 4 kHz, dB of all", "dB", "real"),
        Metric("band.level.by_band", "third octave, dB of all", "dB", "real", by="band"),
        Metric(distance, title, "dB", "lower", by="band"),
    ]


def speaker() -> list[Metric]:
    """Whether clips sound like the speaker who was asked for."""
    return [
        Metric("speaker.accuracy", "speaker accuracy", "share", "higher"),
        Metric("speaker.similarity", "similarity to the speaker's own takes", "ratio", "higher"),
        Metric("speaker.similarity.others", "similarity to other speakers' takes", "ratio", "real"),
    ]


def sc09() -> list[Metric]:
    """Metrics of the SC09 protocol, whose classifier has features of 1,024 dimensions."""
    return [
        Metric("sc09.accuracy", "accuracy, SC09's classifier", "share", "higher"),
        Metric("sc09.frechet_distance", "Fréchet distance, SC09", "score", "lower", needs=1025),
        Metric("sc09.inception_score", "inception score, SC09", "score", "higher", needs=100),
        Metric(
            "sc09.modified_inception_score", "modified inception score, SC09", "score", "higher", needs=100
        ),
        Metric("sc09.am_score", "AM score, SC09", "score", "lower", needs=100),
    ]


def memorisation() -> list[Metric]:
    """Distances to the nearest training clip; those of a generator that copies are below real test clips'."""
    return [
        Metric(
            f"memorisation.nearest.p{percentile}",
            f"nearest training clip, percentile {percentile}",
            "nepers", "real", needs=100,  # for a first percentile
        )
        for percentile in PERCENTILES
    ]  # fmt: skip


def attributes() -> list[Metric]:
    """Attributes of clips cut to their speech, as `voxlet.corpus.attributes` defines them."""
    return [
        Metric("attributes.speed", "speed, times the usual", "ratio", "real"),
        Metric("attributes.speed.spread", "speed, standard deviation of its logarithm", "ratio", "real"),
        Metric("attributes.pitch", "pitch, Hz", "Hz", "real"),
        Metric("attributes.pitch.spread", "pitch, standard deviation in semitones", "semitones", "real"),
        Metric("attributes.noise", "background re speech, dB", "dB", "lower"),
        Metric("attributes.bandwidth", "bandwidth, Hz", "Hz", "higher"),
        Metric("attributes.decay", "reverberation, s", "seconds", "lower"),
        Metric("attributes.hum", "hum re speech, dB", "dB", "lower"),
        Metric("attributes.clarity", "clarity, 0 to 1", "ratio", "higher"),
    ]


def detection() -> list[Metric]:
    """How well generated clips are told from real ones: 0.5 is chance. Resyntheses must be detected, too."""
    return [
        Metric(
            "detection.balanced_accuracy",
            "told from real clips, balanced accuracy",
            "share", "lower", needs=100,
        ),
        Metric(
            "detection.griffin_lim.balanced_accuracy",
            "the same of Griffin-Lim resyntheses",
            "share", "higher", needs=100,
        ),
    ]  # fmt: skip


def utility() -> list[Metric]:
    """Accuracy on real test clips of classifiers trained on generated ones, alone or with a few real ones."""
    found = [Metric("utility.alone.accuracy", "trained on these clips alone", "share", "higher", needs=50)]
    ways = {
        "real": "",
        "augmented": ", augmented",
        "generated": " and generated",
        "generated_augmented": " and generated, augmented",
    }
    for count in FEW:
        for way, told in ways.items():
            title = f"{count} real a label{told}"
            found.append(Metric(f"utility.few_{count}.{way}.accuracy", title, "share", "higher", needs=50))
    return found


def reconstruction() -> list[Metric]:
    """Naturalness of reconstructions of real test clips, and their fidelity to the originals."""
    return [
        *(
            Metric(f"reconstruction.dnsmos.{scale}", f"DNSMOS {name}, reconstructed", "MOS", "higher")
            for scale, name in SCALES.items()
        ),
        Metric("reconstruction.log_mel_l1", "log-mel L1, nepers of power", "nepers", "lower"),
        Metric("reconstruction.pesq", "PESQ", "MOS", "higher"),
        Metric("reconstruction.stoi", "STOI", "ratio", "higher"),
    ]


def latents() -> list[Metric]:
    """Structure of a clip VAE's latent space, and how well the model explains the test clips."""
    found = []
    for name in ("label", "speaker"):
        found += [
            Metric(f"latents.{name}.linear_probe", f"{name}, accuracy of a linear probe", "share", "higher"),
            Metric(
                f"latents.{name}.nearest_neighbours",
                f"{name}, accuracy of nearest neighbours",
                "share", "higher",
            ),
            Metric(f"latents.{name}.information_gap", f"{name}, mutual information gap", "ratio", "higher"),
        ]  # fmt: skip
    return [
        *found,
        Metric("latents.test_loss", "test loss, nats a clip", "nats", "lower"),
        Metric("latents.test_loss.refined", "test loss, each posterior refined", "nats", "lower"),
        Metric("latents.explained_share", "explained share", "share", "higher"),
        Metric("latents.explained_share.refined", "explained share, refined", "share", "higher"),
        Metric("latents.active_units", "active units", "units", "higher"),
        Metric("latents.kl.by_unit", "KL of each unit, nats", "nats", "higher", by="unit"),
    ]


def styles() -> list[Metric]:
    """Whether fresh styles say the words, and sound like different people."""
    return [
        *(
            Metric(f"styles.{kind}.accuracy", f"new styles, {CLASSIFIERS[kind]}", "share", "higher")
            for kind in ("in_corpus", "cross_corpus", "off_the_shelf")
        ),
        Metric("styles.distance", "distance between two styles, dB", "dB", "real"),
        Metric("styles.duplicates", "styles not distinct from another", "share", "lower"),
    ]


CATALOGUE: dict[str, Metric] = {
    metric.key: metric
    for metric in (
        *recognition(),
        *naturalness(),
        *distribution(),
        *band(),
        *speaker(),
        *memorisation(),
        *attributes(),
        *detection(),
        *utility(),
        *reconstruction(),
        *latents(),
        *styles(),
        *sc09(),
    )
}


def metrics_of(part: str) -> list[Metric]:
    """All metrics of a part of the scorecard, in the catalogue's order."""
    return [metric for metric in CATALOGUE.values() if metric.part == part]


def show(metric: Metric, value: Value | None) -> str:
    """A value as shown in tables: `99.7 % [98.8, 99.9]`, `1.24 [1.11, 1.37]`, or why there is none."""
    if value is None:
        return "-"
    if isinstance(value, str):
        return value
    ends = (value.value, value.low, value.high)
    if metric.unit == "share":
        middle, low, high = (f"{100 * end:.1f}" for end in ends)
        return f"{middle} %" if value.low == value.high else f"{middle} % [{low}, {high}]"
    if value.low == value.high == value.value:
        return f"{value.value:.4g}"
    digits = 2 if abs(value.value) < 100 else 0
    digits = 3 if abs(value.value) < 1 else digits
    middle, low, high = (f"{end:.{digits}f}" for end in ends)
    return f"{middle} [{low}, {high}]"
