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

LONGEST_NAME = 60  # characters that somebody else chose

C = TypeVar("C", ClipTraining, VoiceTraining)


class TrainedRun(Generic[C]):
    """A run that was opened once: what is asked of it is read at the first time, and kept.

    Args:
        run: Its folder.
        config: The settings that it was trained with.
        dataset: Its clips, where they are at hand; else they are opened when they are asked for.
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
        """What the run, and the voice it ends with, is called: as its folder, or as that was elsewhere."""
        elsewhere = self.run.record.get("name")
        return safe_name(str(elsewhere), LONGEST_NAME) if elsewhere else self.path.resolve().name

    @property
    def rate(self) -> int:
        """Of its clips, in Hz."""
        return self.config.preparation.rate

    @property
    def source(self) -> str:
        """The corpus that it was trained on: a known one's name, else its whole path."""
        return str(self._corpus["source"])

    @property
    def language(self) -> str:
        """Of its words, a tag of BCP 47; `und` where nobody has told it."""
        known = CATALOG.get(self.source)
        return str(self._corpus.get("language", UNKNOWN_LANGUAGE if known is None else known.language))

    @cached_property
    def dataset(self) -> Dataset:
        """The clips that it was trained on, prepared and divided as they were.

        Raises:
            CorpusError: The corpus is not there.
            RunError: It holds other recordings now.
        """
        layout = self._corpus.get("layout")
        # However many are rejected: the digest says what was trained on.
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
        """What was measured at each validation, in order."""
        return self.run.metrics()

    @property
    def training_seconds(self) -> float:
        """Time that the run's stages took together, validations included."""
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
