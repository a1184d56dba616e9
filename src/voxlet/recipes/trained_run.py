"""What every opened run has: its folder, its settings, and the clips that it was trained on."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar

from voxlet.corpus.catalog import BASE, CATALOG
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.dataset import Dataset, make_dataset
from voxlet.errors import RunError
from voxlet.files import safe_name
from voxlet.recipes.clip.config import ClipTraining
from voxlet.recipes.voice.config import VoiceTraining
from voxlet.run_files import CONFIG
from voxlet.words.language import UNKNOWN_LANGUAGE

if TYPE_CHECKING:
    from pathlib import Path

    from voxlet.corpus.prepare import Prepared
    from voxlet.corpus.splits import Split
    from voxlet.training.run import Run
    from voxlet.training.serialize import JSON

LONGEST_NAME = 60  # characters of a name that comes from elsewhere

C = TypeVar("C", ClipTraining, VoiceTraining)


class TrainedRun(Generic[C]):
    """An opened run; each part is read when it is first used, and then kept.

    Args:
        run: The run's folder.
        config: The settings that it was trained with.
        dataset: Its clips, if they are open already; otherwise they are opened when they are first used.
    """

    def __init__(self, run: Run, config: C, dataset: Dataset | None = None) -> None:
        self.run: Run = run
        self.config: C = config
        if dataset is not None:
            self.dataset = dataset

    @property
    def path(self) -> Path:
        """The run's folder."""
        return self.run.path

    @property
    def name(self) -> str:
        """Name of the run and of its voice: the folder's, or the one that a run from elsewhere had there."""
        elsewhere = self.run.record.get("name")
        return safe_name(str(elsewhere), LONGEST_NAME) if elsewhere else self.path.resolve().name

    @property
    def rate(self) -> int:
        """Sampling rate of its clips, in Hz."""
        return self.config.preparation.rate

    @property
    def source(self) -> str:
        """The corpus that it was trained on: the name of a known one, else the full path."""
        return str(self._corpus["source"])

    @property
    def language(self) -> str:
        """Language of its words, a BCP 47 tag; `und` if it is unknown."""
        known = CATALOG.get(self.source)
        return str(self._corpus.get("language", UNKNOWN_LANGUAGE if known is None else known.language))

    @cached_property
    def dataset(self) -> Dataset:
        """The clips that it was trained on, prepared and divided as in training.

        Raises:
            CorpusError: The corpus is missing.
            RunError: The corpus holds other recordings now.
        """
        layout = self._corpus.get("layout")
        # However many recordings are rejected: the digest tells whether they are those of the training.
        corpus = open_corpus(
            self.source,
            allow_rejected=True,
            layout=None if layout is None else str(layout),
            language=None if self.source == BASE or self.language == UNKNOWN_LANGUAGE else self.language,
        )
        if corpus.digest != self._corpus["digest"]:
            raise RunError(
                f"was trained on recordings other than those in {self.source} now", where=self.path
            )
        config = self.config
        return make_dataset(corpus, config.preparation, split=config.split, seed=config.split_seed)

    @property
    def prepared(self) -> Prepared:
        """The clips of `dataset`."""
        return self.dataset.prepared

    @property
    def split(self) -> Split:
        """How `dataset` is divided."""
        return self.dataset.split

    def metrics(self) -> list[dict[str, JSON]]:
        """The metrics of each validation, in order."""
        return self.run.metrics()

    @property
    def training_seconds(self) -> float:
        """Seconds that the run's stages took together, validations included."""
        stages = {
            line["stage"]: line["seconds"]
            for line in self.metrics()
            if isinstance(line.get("seconds"), int | float)
        }
        return sum(float(str(seconds)) for seconds in stages.values())

    @property
    def _corpus(self) -> dict[str, object]:
        corpus = self.run.record.get("corpus")
        if not isinstance(corpus, dict) or not {"source", "digest"} <= set(corpus):
            raise RunError("does not say which corpus it was trained on", where=self.path / CONFIG)
        return dict(corpus)
