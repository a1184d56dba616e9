"""The interface of engines, which run a task on many items, and the simplest engine: this process.

Items are handed out in order, a few at a time; results come back in any order, and an item whose worker died
is handed out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Task = Callable[[Any], Any]  # sent to other processes: a module's function, or an instance of its class
ATTEMPTS = 3  # how often an item is handed out before it is blamed for dying workers
AHEAD = 2  # items in flight for each worker


class Engine(Protocol):
    """Runs a task on many items."""

    def results(self, task: Task, items: Iterable[Any]) -> Iterator[Any]:
        """The results of the task for all items, in any order; the first error of the task ends all work.

        Raises:
            VoxletError: Workers die repeatedly at the same item.
        """


@dataclass(frozen=True)
class SerialEngine:
    """This process, one item after another."""

    def results(self, task: Task, items: Iterable[Any]) -> Iterator[Any]:
        """See `Engine.results`."""
        return map(task, items)


HERE = SerialEngine()


@dataclass(frozen=True)
class ItemBatch:
    """Several small items handed out as one: consecutive items of a larger list, from number `first` on."""

    first: int
    items: tuple[Any, ...]

    def __str__(self) -> str:
        return f"items {self.first:,} to {self.first + len(self.items) - 1:,}"


def stretches(items: Sequence[Any], size: int) -> Iterator[ItemBatch]:
    """All items, in stretches of at most `size`.

    >>> [str(stretch) for stretch in stretches("abcde", 2)]
    ['items 0 to 1', 'items 2 to 3', 'items 4 to 4']
    """
    for first in range(0, len(items), size):
        yield ItemBatch(first, tuple(items[first : first + size]))
