"""The numbers of `metrics.jsonl` as TensorBoard events: `voxlet train ... --tensorboard`."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from typing import TYPE_CHECKING

from voxlet.extras import import_extra

if TYPE_CHECKING:
    from torch.utils.tensorboard.writer import SummaryWriter

    from voxlet.training.run import Run
    from voxlet.training.serialize import JSON

FOLDER = "tensorboard"


class Events:
    """Writes a run's metrics as TensorBoard scalars, by step; `metrics.jsonl` stays authoritative.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """

    def __init__(self, run: Run) -> None:
        import_extra("tensorboard", "tensorboard")
        self.run = run
        self.writer: SummaryWriter | None = None

    def add(self, line: Mapping[str, JSON]) -> None:
        """Add a line of metrics that has just been written to the run."""
        if self.writer is not None:
            self._write(self.writer, line)
            return
        # First call: start over, because an interrupted process may have written events that no longer count.
        from torch.utils.tensorboard.writer import SummaryWriter

        folder = self.run.path / FOLDER
        shutil.rmtree(folder, ignore_errors=True)
        self.writer = SummaryWriter(str(folder))
        for earlier in self.run.metrics():
            self._write(self.writer, earlier)

    def _write(self, writer: SummaryWriter, line: Mapping[str, JSON]) -> None:
        step = int(str(line["step"]))
        for name, value in line.items():
            if isinstance(value, int | float) and name != "step":
                writer.add_scalar(f"{line['stage']}/{name}", value, step)
        writer.flush()
