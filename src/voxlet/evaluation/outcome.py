"""The outcome of adapting a voice, as stored in its run's folder."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from voxlet import files
from voxlet.evaluation.intervals import Interval  # needed at run time to read the file back
from voxlet.run_files import OUTCOME

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Row:
    """A figure of the generated clips beside that of the takes; None if it was not measured."""

    title: str
    generated: Interval | None
    real: Interval | None
    percent: bool = False

    def __str__(self) -> str:
        sides = [shown(value, self.percent) for value in (self.generated, self.real)]
        return f"{self.title:<24}{sides[0]:>10}{sides[1]:>10}"


@dataclass(frozen=True)
class Outcome:
    """The rows of figures, the grade of the voice, and the reason for the grade.

    Grades are `good`, `usable`, `record again`, `not yet`, and `listen yourself` if words were not measured.
    """

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
        """Write the outcome into a run's folder, for those who did not see the terminal.

        Raises:
            FileError: The file cannot be written.
        """
        files.write_atomically(run / OUTCOME, f"{json.dumps(asdict(self), indent=2)}\n".encode())


def shown(value: Interval | None, percent: bool) -> str:
    """A figure as text; `-` if it was not measured."""
    if value is None:
        return "-"
    return f"{100 * value.value:.0f}" if percent else f"{value.value:.2f}"
