"""What an adapted voice keeps of its base: words, speakers, both or neither."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from voxlet.corpus.listing.labels import sort_labels
from voxlet.errors import ConfigError
from voxlet.recipes.voice.base_file import PRIOR
from voxlet.training.serialize import from_json
from voxlet.words.spelling import find

if TYPE_CHECKING:
    from collections.abc import Sequence

    from voxlet.recipes.voice.base_file import Base
    from voxlet.training.run import Run

Adds = Literal["words", "speakers", "both"]
KEY = "scope"  # field of a run's record


@dataclass(frozen=True)
class Scope:
    """What the takes add to a base, and what the voice keeps of it.

    Attributes:
        adds: New words, said by the base's speakers; new speakers, who say the base's words; or both.
        keep: Whether the base's words and speakers stay beside the new ones.
        labels: Labels of the voice.
        speakers: Names of the base's speakers that the voice keeps.
    """

    adds: Adds
    keep: bool
    labels: tuple[str, ...]
    speakers: tuple[str, ...] = ()

    @property
    def own(self) -> bool:
        """Whether the takes' speakers become the voice's."""
        return self.adds != "words"

    @property
    def kept_share(self) -> float:
        """Share of the student's training sequences that are by kept speakers."""
        return (0.5 if self.own else 1.0) if self.speakers else 0.0

    @classmethod
    def of(cls, run: Run) -> Scope | None:
        """The scope of a run; None if the run keeps nothing of a base.

        Raises:
            ConfigError: The run's record is damaged.
        """
        held = run.record.get(KEY)
        return None if held is None else from_json(cls, held, where=run.path, field=KEY)

    def table(self, base: Base, language: str) -> tuple[str, ...]:
        """The labels on which the prior is trained: the voice's, then the base's others, for rehearsal."""
        words = base.words(language)
        if self.adds != "words" or self.keep:
            return self.labels
        used = {words[word] for word in words if find(word, self.labels) is not None}
        return (*self.labels, *(label for row, label in enumerate(base.labels) if row not in used))


def scope_of(base: Base | None, labels: Sequence[str], language: str, adds: Adds, keep: bool) -> Scope | None:
    """What a voice is to keep of a base; None for a voice of its takes alone.

    Args:
        base: The base from which the voice starts, if there is one.
        labels: Labels of the takes.
        language: Language of these labels.
        adds: See `Scope`.
        keep: See `Scope`.

    Raises:
        ConfigError: There is nothing to keep, or new speakers say a word that the base does not know.
    """
    if adds == "both" and not keep:
        return None
    if base is None or PRIOR not in base.parts:
        raise ConfigError(
            "there is no base whose words or speakers could be kept",
            remedy="leave --words-only, --speakers-only and --keep out, or give a base: --base FILE",
        )
    if not base.speakers:
        raise ConfigError(
            "the base has no named speakers, by whom what it can say could be kept",
            remedy="write it again, voxlet export RUN -o NAME.safetensors, or leave --words-only, "
            "--speakers-only and --keep out",
        )
    words = base.words(language)
    if (adds == "speakers" or keep) and not words:
        tags = sorted({label.partition(":")[0] for label in base.labels})
        raise ConfigError(
            f"the base says no words in the language {language!r}",
            remedy=f"say which one yours are in: --language {', or --language '.join(tags)}",
        )
    strange = base.unknown_labels(labels, language)
    if adds == "speakers" and strange:
        raise ConfigError(
            f"the base does not know the word {strange[0]!r}",
            remedy=f"take its takes out, or leave --speakers-only out; it knows {', '.join(words)}",
        )
    kept = tuple(words) if adds == "speakers" or keep else ()
    new = [label for label in labels if find(label, kept) is None]
    return Scope(adds, keep, sort_labels([*kept, *new]), base.speakers if adds == "words" or keep else ())
