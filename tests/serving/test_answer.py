"""A streamed answer ends when its client disconnects."""

from __future__ import annotations

import asyncio

from voxlet.serving.answer import StreamedResponse
from voxlet.serving.limits import Limits


def test_who_leaves_is_noticed_before_the_next_piece_is_there() -> None:
    ended, closed, sent = [], [], []

    async def pieces():
        try:
            yield b"first"
            await asyncio.sleep(600)
        finally:
            closed.append(True)

    async def scenario() -> None:
        gone = asyncio.Event()

        async def receive():
            await gone.wait()
            return {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)
            if message.get("body") == b"first":
                gone.set()

        answer = StreamedResponse(pieces(), "audio/wav", {}, Limits(), lambda: ended.append(True))
        await asyncio.wait_for(answer({}, receive, send), 20)

    asyncio.run(scenario())
    assert (ended, closed) == ([True], [True])
    assert [message.get("body") for message in sent] == [None, b"first"]
