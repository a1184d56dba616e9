"""Does a classifier hear the word that was asked for? Clips that it does not take are kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.errors import ConfigError, ScoreError
from voxlet.evaluation.classifiers.pocketsphinx import PocketSphinx

if TYPE_CHECKING:
    from voxlet.datasets.clips import Made
    from voxlet.datasets.plan import Plan

CHECKS = ("pocketsphinx",)
WIDE = 16_000  # Hz: from here on a clip has what the recogniser's models expect


class Check:
    """PocketSphinx, which was trained by others on other speech, choosing among all words of a plan.

    Args:
        plan: Its words; clips are heard as they were said, before rooms, noise and codecs.

    Raises:
        ConfigError: It does not know one of the words.
        MissingExtraError: It is not installed.
    """

    def __init__(self, plan: Plan) -> None:
        self._words = (*plan.labels, *plan.others)
        try:
            self._classifier = PocketSphinx(self._words, wide=plan.rate >= WIDE)
        except ScoreError as error:
            raise ConfigError(error.what, where="--check", remedy="leave --check out") from error

    def takes(self, made: Made) -> bool:
        """Whether it hears the word that was asked for; each clip is a question of its own."""
        said = self._classifier.predict([made.said], made.rate)
        return self._words[int(said.labels[0])] == made.planned.word
