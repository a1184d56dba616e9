"""The interface of all formats, and the table of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from voxlet.datasets.plan import Plan, Shard

Object = tuple[str, bytes]  # its name in the store, with slashes, and its content


@dataclass(frozen=True, eq=False)
class Encoded:
    """A clip as it is written: the facts about it, and the bytes of its sound file."""

    facts: dict[str, object]
    sound: bytes


class Format(Protocol):
    """How clips are laid out in objects."""

    @property
    def sound(self) -> str:
        """The kind of sound file, `wav` or `flac`."""

    @property
    def reader(self) -> str:
        """A line of Python that opens the data set; `place` and the `last` training shard are filled in."""

    @property
    def loader(self) -> str:
        """The format's name in `datasets`; "" if `datasets` does not know it."""

    def objects(self, plan: Plan, shard: Shard, clips: Sequence[Encoded]) -> Iterator[Object]:
        """The objects of a shard."""

    def clips(self, names: Iterable[str], get: Callable[[str], bytes]) -> Iterator[bytes]:
        """The sound files in the named objects, whose content `get` returns."""

    def finish(self, plan: Plan, get: Callable[[str], bytes]) -> Iterator[Object]:
        """The objects to write once all shards are made; `get` returns the content of an object."""


def formats() -> dict[str, Format]:
    """All formats by name."""
    from voxlet.datasets.formats.folder import SoundFolder
    from voxlet.datasets.formats.parquet import Parquet
    from voxlet.datasets.formats.speech_commands import SpeechCommands
    from voxlet.datasets.formats.webdataset import WebDataset

    return {
        "wav": SoundFolder("wav"),
        "flac": SoundFolder("flac"),
        "webdataset": WebDataset(),
        "parquet": Parquet(),
        "speech-commands": SpeechCommands(),
    }
