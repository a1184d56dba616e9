"""What a training shows of itself on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

DRAWING_SECONDS = 0.1
QUIET_SECONDS = 10.0  # between lines that are not asked for


class Progress:
    """One stage's bar. With `silent` (ranks but the first) it shows nothing."""

    def __init__(self, label: str, *, silent: bool = False) -> None:
        self.label, self.silent = label, silent
        self.spoke = time.monotonic()
        self.drawn = 0.0
        self.bar: tqdm[None] | None = None
        if sys.stderr.isatty() and not silent:
            self.bar = tqdm(
                desc=label,
                total=1.0,
                file=sys.stderr,
                dynamic_ncols=True,
                bar_format="{desc} |{bar}| {percentage:3.0f} %",
            )

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bar is not None:
            self.bar.close()

    def show(self, done: float, text: str, seconds_left: float) -> None:
        """Show the share `done` of the budget, the numbers in `text`, and the time left."""
        text = f"{text}, {duration(seconds_left)} left"
        if self.bar is not None:
            self.bar.n = min(done, 1.0)
            self.bar.set_description_str(f"{self.label}: {text}", refresh=False)
            if time.monotonic() - self.drawn >= DRAWING_SECONDS:
                self.bar.refresh()
                self.drawn = time.monotonic()
        elif not self.silent and time.monotonic() - self.spoke >= QUIET_SECONDS:
            self.note(f"{100 * done:.0f} %, {text}")

    def note(self, text: str, *, minor: bool = False) -> None:
        """A line that stays; a `minor` one only if the last line was a while ago."""
        if self.silent or (minor and time.monotonic() - self.spoke < QUIET_SECONDS):
            return
        self.spoke = time.monotonic()
        tqdm.write(f"{self.label}: {text}", file=sys.stderr)


def duration(seconds: float) -> str:
    """`95` -> `1:35`, `3700` -> `1:01:40`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
