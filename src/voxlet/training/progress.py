"""What a training shows of itself on standard error: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType

from tqdm import tqdm

QUIET_SECONDS = 30.0  # between lines where standard error is no terminal


class Progress:
    """One stage's bar. With `silent` (ranks but the first) it shows nothing."""

    def __init__(self, label: str, *, silent: bool = False) -> None:
        self.label, self.silent = label, silent
        self.spoke = time.monotonic()
        self.bar: tqdm[None] | None = None
        if sys.stderr.isatty() and not silent:
            self.bar = tqdm(
                total=1.0,
                file=sys.stderr,
                dynamic_ncols=True,
                bar_format="{desc} {percentage:3.0f}% |{bar}| {postfix}",
            )
            self.bar.set_description_str(label)

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
            self.bar.set_postfix_str(text, refresh=False)
            self.bar.update(0)
        elif not self.silent and time.monotonic() - self.spoke >= QUIET_SECONDS:
            self.note(f"{100 * done:.0f} %, {text}")

    def note(self, text: str) -> None:
        """A line that stays."""
        if self.silent:
            return
        self.spoke = time.monotonic()
        tqdm.write(f"{self.label}: {text}", file=sys.stderr)


def duration(seconds: float) -> str:
    """`95` -> `1:35`, `3700` -> `1:01:40`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
