"""What became of a voice that was adapted, as it lies in its run's folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from voxlet import files
from voxlet.evaluation.intervals import Interval  # who reads the file back needs it while it runs
from voxlet.run_files import OUTCOME

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Row:
    """A figure of generated clips beside that of the takes; None where it was not measured."""

    title: str
    generated: Interval | None
    real: Interval | None
    percent: bool = False

    def __str__(self) -> str:
        sides = [shown(value, self.percent) for value in (self.generated, self.real)]
        return f"{self.title:<24}{sides[0]:>10}{sides[1]:>10}"


@dataclass(frozen=True)
class Outcome:
    """The rows, and what they come to: `good`, `usable`, `record again`, `not yet`, or `listen yourself`,
    where nothing measured the words; and why."""

    grade: str
    why: str
    rows: tuple[Row, ...]

    @property
    def sentence(self) -> str:
        """The grade and its reason."""
        return f"{self.grade}: {self.why}"

    def lines(self) -> list[str]:
        """The table and the sentence, for the terminal."""
        return [f"{'':<24}{'generated':>10}{'takes':>10}", *map(str, self.rows), self.sentence]

    def keep(self, run: Path) -> None:
        """Write it into a run's folder, for who did not see the terminal.

        Raises:
            FileError: It cannot be written.
        """
        files.write_atomically(run / OUTCOME, f"{json.dumps(asdict(self), indent=2)}\n".encode())


def shown(value: Interval | None, percent: bool) -> str:
    """A figure, or that it was not measured."""
    if value is None:
        return "-"
    return f"{100 * value.value:.0f}" if percent else f"{value.value:.2f}"
