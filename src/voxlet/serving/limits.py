"""Limits on requests, and the queue in which requests wait."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

LONGEST_TEXT = 4_096  # characters, as in OpenAI's API
LARGEST_SEED = 2**53 - 1  # JavaScript's largest safe integer


@dataclass(frozen=True)
class Limits:
    """The limits of a server; times in seconds, sizes in bytes."""

    body: int = 2**17  # largest request with a text
    upload: int = 25 * 2**20  # largest request with a recording
    connections: int = 256  # open at once, whose requests are answered; as many more are told to come later
    at_once: int = 32  # answers that are made and sent at once
    waiting: int = 128  # requests that wait for their turn
    patience: float = 10.0  # longest wait of a request for its turn
    head: float = 30.0  # for a connection until a request begins
    request: float = 20.0  # for a request to arrive
    stalled: float = 30.0  # for a client to take one piece of the answer
    answer: float = 900.0  # for a whole answer


class BusyError(Exception):
    """There are too many requests; the client should try again after `seconds`."""

    def __init__(self, seconds: float) -> None:
        super().__init__("too many requests at once")
        self.seconds = math.ceil(seconds)


class Turns:
    """The queue: `limits.at_once` requests are served, `limits.waiting` wait; first come, first served."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._free = asyncio.Semaphore(limits.at_once)
        self.serving = 0
        self.waiting = 0

    async def take(self) -> None:
        """Wait for a turn, which has to be given back.

        Raises:
            BusyError: Too many requests wait already, or the wait took too long.
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
        """Give a turn back, so that the next request is served."""
        self.serving -= 1
        self._free.release()
