"""Checking that a classifier recognises the word asked for; clips that fail are kept apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.errors import ConfigError, ScoreError
from voxlet.evaluation.classifiers.pocketsphinx import PocketSphinx

if TYPE_CHECKING:
    from voxlet.datasets.clips import Made
    from voxlet.datasets.plan import Plan

CHECKS = ("pocketsphinx",)
WIDE = 16_000  # Hz: at this rate and above, clips have the bandwidth that the recogniser's models expect


class Check:
    """PocketSphinx, which was trained by others on other speech, choosing among all words of a plan.

    Args:
        plan: The plan with the words; clips are checked as said, before rooms, noise and codecs.

    Raises:
        ConfigError: PocketSphinx does not know one of the words.
        MissingExtraError: PocketSphinx is not installed.
    """

    def __init__(self, plan: Plan) -> None:
        self._words = (*plan.labels, *plan.others)
        try:
            self._classifier = PocketSphinx(self._words, wide=plan.rate >= WIDE)
        except ScoreError as error:
            raise ConfigError(error.what, where="--check", remedy="leave --check out") from error

    def takes(self, made: Made) -> bool:
        """Whether the classifier recognises the word asked for; each clip is classified by itself."""
        said = self._classifier.predict([made.said], made.rate)
        return self._words[int(said.labels[0])] == made.planned.word
