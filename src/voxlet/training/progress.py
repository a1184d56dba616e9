"""Training speed, and its display on standard error: a progress bar, or a line from time to time."""

from __future__ import annotations

import sys
import time
from collections import deque
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType

from tqdm import tqdm

from voxlet.errors import printable

DRAWING_SECONDS = 0.1
QUIET_SECONDS = 10.0  # least time before a line that is not important
RECENT_STEPS = 50  # that the displayed rate and time left are based on
SAVING_SHARE = 0.1  # at most this share of the time goes into checkpoints


@dataclass
class Pace:
    """Seconds that the recent steps, the last validation and the last checkpoint took."""

    validation_seconds: float = 0.0
    saving_seconds: float = 0.0
    recent: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=RECENT_STEPS))

    def add_step(self, clips: int, seconds: float) -> None:
        """Add a step of `clips` clips."""
        self.recent.append((clips, seconds))

    @property
    def clips_per_second(self) -> float:
        """Clips per second in the recent steps, without validations and checkpoints."""
        return sum(c for c, _ in self.recent) / max(sum(s for _, s in self.recent), 1e-9)

    def saving_interval(self, least: float) -> float:
        """Seconds between checkpoints: `least`, or more if writing one is slow."""
        return max(least, self.saving_seconds / SAVING_SHARE)

    def seconds_for(self, steps: int, validate_every: int, checkpoint_seconds: float) -> float:
        """Estimated seconds for `steps` more steps, with their validations and checkpoints."""
        step = sum(s for _, s in self.recent) / max(len(self.recent), 1)
        step += self.validation_seconds / validate_every
        interval = max(self.saving_interval(checkpoint_seconds), 1e-9)
        return steps * step * (1 + self.saving_seconds / interval)


class Progress:
    """The progress bar of one stage; shows nothing if `silent` (all ranks but the first)."""

    def __init__(self, label: str, *, silent: bool = False) -> None:
        self.label, self.silent = label, silent
        self.began = self.spoke = time.monotonic()
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

    def share(self, done: float, text: str) -> None:
        """As `show`, for uniform work: the time left is extrapolated from the time taken so far."""
        self.show(done, text, (time.monotonic() - self.began) * (1 / done - 1))

    def note(self, text: str, *, minor: bool = False) -> None:
        """Print a line that stays; a `minor` one only if the last line is not recent."""
        if self.silent or (minor and time.monotonic() - self.spoke < QUIET_SECONDS):
            return
        self.spoke = time.monotonic()
        tqdm.write(printable(f"{self.label}: {text}"), file=sys.stderr)


def duration(seconds: float) -> str:
    """`95` -> `1:35`, `3700` -> `1:01:40`."""
    minutes, rest = divmod(max(0, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


@cache
def note_once(text: str) -> None:
    """Write a line to standard error, unless this process has written it before."""
    tqdm.write(printable(f"voxlet: {text}"), file=sys.stderr)
