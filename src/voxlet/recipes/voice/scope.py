"""What a voice that is adapted keeps of what it begins with: words, speakers, both or neither."""

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
KEY = "scope"  # of a run's record


@dataclass(frozen=True)
class Scope:
    """What the takes add to a base, and what of it stays.

    Attributes:
        adds: New words, said by the speakers that the base has; new speakers, who say the words that it has;
            or both.
        keep: Whether what the base can say, and as whom, stays beside what is new.
        labels: What the voice says.
        speakers: Whom it keeps.
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
        """Of what is said while the few-step prior learns, how much by the speakers who are kept."""
        return (0.5 if self.own else 1.0) if self.speakers else 0.0

    @classmethod
    def of(cls, run: Run) -> Scope | None:
        """That of a run; None where it keeps nothing.

        Raises:
            ConfigError: Its record is damaged.
        """
        held = run.record.get(KEY)
        return None if held is None else from_json(cls, held, where=run.path, field=KEY)

    def table(self, base: Base, language: str) -> tuple[str, ...]:
        """The labels that are trained: the voice's, then others of the base that keep it in practice."""
        words = base.words(language)
        if self.adds != "words" or self.keep:
            return self.labels
        used = {words[word] for word in words if find(word, self.labels) is not None}
        return (*self.labels, *(label for row, label in enumerate(base.labels) if row not in used))


def scope_of(base: Base | None, labels: Sequence[str], language: str, adds: Adds, keep: bool) -> Scope | None:
    """What a voice is to keep of a base; None where it is to be a voice of its takes alone.

    Args:
        base: What it begins with.
        labels: Of its takes.
        language: Of these.
        adds: See `Scope`.
        keep: See `Scope`.

    Raises:
        ConfigError: There is nothing to keep, or a speaker is added in words that the base does not know.
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
    strange = base.strange(labels, language)
    if adds == "speakers" and strange:
        raise ConfigError(
            f"the base does not know the word {strange[0]!r}",
            remedy=f"take its takes out, or leave --speakers-only out; it knows {', '.join(words)}",
        )
    kept = tuple(words) if adds == "speakers" or keep else ()
    new = [label for label in labels if find(label, kept) is None]
    return Scope(adds, keep, sort_labels([*kept, *new]), base.speakers if adds == "words" or keep else ())
