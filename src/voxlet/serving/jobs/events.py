"""Watching a run: server-sent events, one whenever something has changed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from voxlet.serving.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from voxlet.serving.jobs.making import VoiceMaker

LOOK, REST = 0.5, 15.0  # seconds between checks, and between keep-alive comments
MOST_WATCHERS = 16
TYPE = "text/event-stream"


class Watching:
    """Counts the clients that watch runs, at most `MOST_WATCHERS`."""

    def __init__(self, making: VoiceMaker) -> None:
        self._making, self._count = making, 0

    def begin(self, name: str) -> AsyncIterator[bytes]:
        """Return the events of a run from now on; call `end` once they are no longer read.

        Raises:
            RefusedError: There is no such run, or too many clients watch already.
        """
        if self._count >= MOST_WATCHERS:
            raise RefusedError(429, f"{MOST_WATCHERS} pages watch already; close one of them", code="busy")
        self._making.watch(name)
        self._count += 1
        return self._events(name)

    def end(self) -> None:
        """Note that a client has stopped watching."""
        self._count -= 1

    async def _events(self, name: str) -> AsyncIterator[bytes]:
        """Yield events with the whole run, except that only points new since the last event are sent.

        If the run is trained again from an earlier step, all its points are sent again, with `first` 0.
        """
        sent, before, rested = 0, "", 0.0
        while not self._making.closing.is_set():
            found = await asyncio.to_thread(self._making.watch, name)
            now = found.model_dump_json()
            if now != before:
                points = found.run.points if found.run else []
                first = sent if sent <= len(points) else 0
                if found.run:
                    found.run.points = points[first:]
                yield f'data: {{"first": {first}, "watched": {found.model_dump_json()}}}\n\n'.encode()
                sent, before, rested = len(points), now, 0.0
            elif rested >= REST:
                rested = 0.0
                yield b": still here\n\n"
            rested += LOOK
            try:
                await asyncio.wait_for(self._making.closing.wait(), LOOK)
            except TimeoutError:
                continue
