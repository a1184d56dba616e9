"""What an engine is: it does a task on many items; and the plainest, which is this process.

Items are handed out in order, few at a time, what is finished comes back in any order, and an item whose
worker died is handed out again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Task = Callable[[Any], Any]  # it travels to other processes: a function of a module, or an object of a class
ATTEMPTS = 3  # how often an item is handed out before a dying worker is its own fault
AHEAD = 2  # items in flight for each worker


class Engine(Protocol):
    """Runs a task on many items."""

    def results(self, task: Task, items: Iterable[Any]) -> Iterator[Any]:
        """What the task returns for each item, in any order; its first error ends all.

        Raises:
            VoxletError: Workers die at an item again and again.
        """


@dataclass(frozen=True)
class Here:
    """This process, one item after the other."""

    def results(self, task: Task, items: Iterable[Any]) -> Iterator[Any]:
        """See `Engine.results`."""
        return map(task, items)


HERE = Here()


@dataclass(frozen=True)
class Stretch:
    """An item that is many small ones: those from number `first` on, of a whole that is kept elsewhere."""

    first: int
    items: tuple[Any, ...]

    def __str__(self) -> str:
        return f"items {self.first:,} to {self.first + len(self.items) - 1:,}"


def stretches(items: Sequence[Any], size: int) -> Iterator[Stretch]:
    """All items, in stretches of `size`.

    >>> [str(stretch) for stretch in stretches("abcde", 2)]
    ['items 0 to 1', 'items 2 to 3', 'items 4 to 4']
    """
    for first in range(0, len(items), size):
        yield Stretch(first, tuple(items[first : first + size]))
