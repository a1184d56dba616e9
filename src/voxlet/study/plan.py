"""What the study compares: rows, each a model trained on the same split, and the questions they answer."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from voxlet.corpus.prepare import Preparation
from voxlet.errors import ConfigError
from voxlet.recipes.clip.config import ClipTraining
from voxlet.recipes.clip.sampler import Phase
from voxlet.recipes.presets import PRESETS

Setting = float | bool | str

# The study's arrays hold the first 17,640 samples of each clip at 22,050 Hz: 257 bands by 69 frames.
STUDY_PREPARATION = Preparation(rate=22_050, length=0.8, trim=False, outliers=None)

QUICK = 0.1  # of the epochs
ANY_EPOCHS = 1
LIGHT_EPOCHS = 16  # for the rows that differ in one setting


@dataclass(frozen=True)
class Row:
    """One model of the study.

    Attributes:
        name: Name of the row and of its run's folder.
        title: Name in tables; `{epochs}` stands for the number of epochs.
        preset: The preset that is trained.
        epochs: Epochs of training.
        changes: Settings that differ from the preset's: `model.latent_size`, `beta`, ...
        phase: How the phase of generated clips is made.
        full: Whether the row gets the whole scorecard, or only accuracy and distribution.
        run: The row whose run it shares; None if it has its own.
    """

    name: str
    title: str
    preset: str
    epochs: int
    changes: tuple[tuple[str, Setting], ...] = ()
    phase: Phase = "griffin-lim"
    full: bool = False
    run: str | None = None

    def config(self) -> ClipTraining:
        """The preset with the row's changes, trained on the study's clips.

        Raises:
            ConfigError: A change names a setting that does not exist.
        """
        config = on_study_clips(self.preset)
        for field, value in self.changes:
            config = changed(config, field, value)
        return config

    @property
    def heading(self) -> str:
        """The title with the number of epochs that the row is trained for."""
        return self.title.format(epochs=self.epochs)

    def quick(self) -> Row:
        """The same row with a tenth of the epochs, at least one."""
        return dataclasses.replace(self, epochs=max(ANY_EPOCHS, round(QUICK * self.epochs)))


@dataclass(frozen=True)
class Question:
    """A question that some rows answer."""

    name: str
    asks: str
    rows: tuple[str, ...]
    by: Literal["loss", "accuracy"] = "loss"  # losses of different likelihoods are not comparable
    also: str = ""  # what a reader of the answer needs to know


def on_study_clips(preset: str) -> ClipTraining:
    """The settings of a clip VAE's preset, with clips prepared as in the study."""
    config = PRESETS[preset]
    assert isinstance(config, ClipTraining)
    return dataclasses.replace(config, preparation=STUDY_PREPARATION)


def changed(config: ClipTraining, field: str, value: Setting) -> ClipTraining:
    """A copy of the settings with one field, given by its dotted name, changed.

    Raises:
        ConfigError: There is no such field.
    """
    outer, _, inner = field.partition(".")
    if outer not in {f.name for f in dataclasses.fields(config)}:
        raise ConfigError(f"there is no setting {field!r}", where=type(config).__name__)
    if inner:
        part = getattr(config, outer)
        if inner not in {f.name for f in dataclasses.fields(part)}:
            raise ConfigError(f"there is no setting {field!r}", where=type(config).__name__)
        return dataclasses.replace(config, **{outer: dataclasses.replace(part, **{inner: value})})
    return dataclasses.replace(config, **{outer: value})  # type: ignore[arg-type]  # checked just now


def light(name: str, title: str, *changes: tuple[str, Setting], size: int = 16, **more: object) -> Row:
    """A row of `cnn-light` with the common budget and, by default, latent size, so that one thing differs."""
    changes = (("model.latent_size", size), *changes)
    return Row(name, title, "cnn-light", LIGHT_EPOCHS, changes, **more)  # type: ignore[arg-type]


MIXTURE = ("model.prior_components", 32)
MOVED = (("augmentation.shift", 0.015), ("augmentation.stretch", 0.06))

# The study's own five, then ours at the same latent size, then the conditional ones and a larger latent size.
MODELS = (
    Row("mlp-50", "MLP, {epochs} epochs", "mlp", 50, full=True),
    Row("mlp-100", "MLP, {epochs} epochs", "mlp", 100, full=True),
    Row("mlp-dropout-100", "MLP with dropout, {epochs} epochs", "mlp-dropout", 100, full=True),
    Row("cnn-50", "CNN, {epochs} epochs", "cnn", 50, full=True),
    Row("cnn-regularised-50", "CNN regularised, {epochs} epochs", "cnn-regularised", 50, full=True),
    light("light-2", "cnn-light, latent size 2", size=2, full=True),
    Row(
        "mlp-conditional-50",
        "MLP given the label, {epochs} epochs",
        "mlp",
        50,
        (("model.conditional", True),),
        full=True,
    ),
    light("light-16", "cnn-light, latent size 16", full=True),
    light(
        "light-16-conditional",
        "cnn-light, latent size 16, given the label",
        ("model.conditional", True),
        full=True,
    ),
)
SIZES = tuple(light(f"light-{size}", f"latent size {size}", size=size) for size in (3, 8, 32, 64))
VARIANTS = (
    light("light-16-beta-0.25", "beta 0.25", ("beta", 0.25)),
    light("light-16-beta-4", "beta 4", ("beta", 4.0)),
    light("light-16-free-bits", "free bits, 0.5 nats a unit", ("model.free_bits", 0.5)),
    light("light-16-mixture", "cnn-light, latent size 16, learned prior", MIXTURE),
    light(
        "light-16-conditional-mixture",
        "cnn-light, latent size 16, given the label, learned prior",
        ("model.conditional", True),
        MIXTURE,
    ),
    light("light-16-dropout", "cnn-light with 20 % dropout", ("model.dropout", 0.2)),
    light("light-16-augmented", "clips moved and stretched", *MOVED),
    light("light-16-quarter", "a quarter of the clips", ("train_share", 0.25)),
    light("light-16-half", "half of the clips", ("train_share", 0.5)),
    light("light-16-gaussian", "Gaussian likelihood", ("model.likelihood", "gaussian")),
    light("light-16-no-phase", "no phase, as in the study", phase="none", full=True, run="light-16"),
)
ROWS = {row.name: row for row in (*MODELS, *SIZES, *VARIANTS)}

QUESTIONS = (
    Question(
        "models",
        "Which model explains held-out clips best, and whose clips are recognised?",
        tuple(row.name for row in MODELS),
    ),
    Question(
        "latent size",
        "How many latent numbers does a spoken digit need?",
        ("light-2", "light-3", "light-8", "light-16", "light-32", "light-64"),
    ),
    Question(
        "beta and free bits",
        "What do the weight of the divergence and free bits change?",
        ("light-16-beta-0.25", "light-16", "light-16-beta-4", "light-16-free-bits"),
        also="All losses are taken at beta 1.",
    ),
    Question(
        "prior",
        "What does a prior do that is learned, a mixture of 32 normals, in place of the standard normal?",
        ("light-16", "light-16-mixture", "light-16-conditional", "light-16-conditional-mixture"),
        also="Given the label, the mixture has weights for each label, and new clips are drawn from it.",
    ),
    Question(
        "dropout and L2",
        "Does regularisation help on clips that were not trained on?",
        ("mlp-100", "mlp-dropout-100", "cnn-50", "cnn-regularised-50", "light-16", "light-16-dropout"),
        also="Rows compare with the row before them.",
    ),
    Question(
        "augmentation",
        "Do clips that were moved by up to 15 ms and stretched by up to 6 % help?",
        ("light-16", "light-16-augmented"),
    ),
    Question(
        "more data",
        "How much do more recordings help?",
        ("light-16-quarter", "light-16-half", "light-16"),
        also="All see their clips equally often, so fewer clips are fewer steps, too.",
    ),
    Question(
        "likelihood",
        "Binary cross-entropy or a Gaussian?",
        ("light-16", "light-16-gaussian"),
        by="accuracy",
        also="Their losses are densities of different kinds and do not compare.",
    ),
    Question(
        "phase",
        "What does the phase of the sound matter?",
        ("light-16-no-phase", "light-16", "voice"),
        by="accuracy",
        also="The first two are the same spectrograms; the voice learns its phase.",
    ),
)


def chosen(names: tuple[str, ...], quick: bool) -> tuple[Row, ...]:
    """The rows with these names, or all rows if there are no names.

    Raises:
        ConfigError: There is no such row.
    """
    for name in names:
        if name not in ROWS:
            raise ConfigError(f"there is no row {name!r}", remedy=f"the rows are {', '.join(ROWS)}")
    rows = tuple(row for row in ROWS.values() if not names or row.name in names)
    return tuple(row.quick() for row in rows) if quick else rows
