"""Bounds on what is asked for, and the queue of those who ask."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

LONGEST_TEXT = 4_096  # characters, as OpenAI's interface has it
LARGEST_SEED = 2**53 - 1  # the largest whole number that JavaScript counts to


@dataclass(frozen=True)
class Limits:
    """What a server takes upon itself; times in seconds, sizes in bytes."""

    body: int = 2**17  # of a request with a text
    upload: int = 25 * 2**20  # of a request with a recording
    at_once: int = 32  # answers that are being made and sent
    waiting: int = 128  # requests that wait for their turn
    patience: float = 10.0  # that a request waits for its turn
    head: float = 30.0  # that a connection may take until its request has begun
    request: float = 20.0  # that a request may take to arrive
    stalled: float = 30.0  # that a client may take for a piece of the answer
    answer: float = 900.0  # that an answer may take altogether


class BusyError(Exception):
    """There are as many requests as may be; another try is worth it after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__("too many requests at once")
        self.seconds = math.ceil(seconds)


class Turns:
    """The queue: so many are served at once, so many wait, first come first served."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._free = asyncio.Semaphore(limits.at_once)
        self.serving = 0
        self.waiting = 0

    async def take(self) -> None:
        """Wait for a turn, which has to be given back.

        Raises:
            BusyError: Too many wait already, or the wait took too long.
        """
        if self._free.locked() and self.waiting >= self._limits.waiting:
            raise BusyError(1.0)
        self.waiting += 1
        try:
            async with asyncio.timeout(self._limits.patience):
                await self._free.acquire()
        except TimeoutError as error:
            raise BusyError(self._limits.patience / 2) from error
        finally:
            self.waiting -= 1
        self.serving += 1

    def give_back(self) -> None:
        """Let the next one in."""
        self.serving -= 1
        self._free.release()
