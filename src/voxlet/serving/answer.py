"""Streamed answers: made piece by piece, and sent no faster than the client reads them."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, Response, StreamingResponse

from voxlet.serving.refusals import RefusedError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from starlette.types import Receive, Scope, Send

    from voxlet.serving.limits import Limits

CHUNK = 2**16  # bytes that a client takes at once: its time is limited for each piece of an answer


class StreamedResponse(Response):
    """A response whose pieces are made one after another while the client listens.

    Args:
        pieces: The bytes of the body; empty pieces are not sent.
        media_type: The media type of the body.
        headers: Additional response headers.
        limits: How long the client may take.
        ending: Called once, when the response is over, whether or not all of it was sent.
    """

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        media_type: str,
        headers: Mapping[str, str],
        limits: Limits,
        ending: Callable[[], None],
    ) -> None:
        super().__init__(media_type=media_type, headers=dict(headers))
        del self.headers["content-length"]
        self._pieces, self._limits, self._ending = pieces, limits, ending

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send the body until it ends, the client leaves or time runs out; the guard times each piece."""
        gone = asyncio.ensure_future(_until_gone(receive))
        try:
            with contextlib.suppress(TimeoutError):  # the response has begun: the connection is cut
                async with asyncio.timeout(self._limits.answer):
                    await self._send_all(send, gone)
        finally:
            gone.cancel()
            self._ending()

    async def _send_all(self, send: Send, gone: asyncio.Future[None]) -> None:
        start = {"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers}
        await send(start)
        while True:
            coming = asyncio.ensure_future(_next(self._pieces))
            try:
                await asyncio.wait((coming, gone), return_when=asyncio.FIRST_COMPLETED)
            finally:
                coming.cancel()  # no effect once the piece is there
            if gone.done():
                return
            piece = coming.result()
            if piece is None:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                return
            if piece:
                await send({"type": "http.response.body", "body": piece, "more_body": True})


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def file_answer(
    path: Path, media_type: str, headers: Mapping[str, str] | None = None, filename: str | None = None
) -> FileResponse:
    """A response with a file from the disk.

    Args:
        path: The file.
        media_type: The file's media type.
        headers: Additional response headers.
        filename: The name under which clients save the file.

    Raises:
        RefusedError: The file no longer exists.
    """
    if not path.is_file():
        raise RefusedError(404, f"{path.name} is no longer there", code="not_found")
    return FileResponse(path, media_type=media_type, headers=headers, filename=filename)


def content_answer(content: bytes, media_type: str, digest: str) -> StreamingResponse:
    """A response with bytes from memory, of which `digest` is the SHA-256."""
    headers = {"Content-Length": str(len(content)), "ETag": f'"{digest}"'}
    return StreamingResponse(_chunks(content), media_type=media_type, headers=headers)


async def _chunks(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), CHUNK):
        yield content[start : start + CHUNK]


async def as_events(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Pieces of audio as server-sent events, as OpenAI's clients read them with `stream_format` "sse"."""
    async for piece in pieces:
        if piece:
            audio = base64.b64encode(piece).decode("ascii")
            yield _event({"type": "speech.audio.delta", "audio": audio})
    usage = dict.fromkeys(("input_tokens", "output_tokens", "total_tokens"), 0)  # voices do not count tokens
    yield _event({"type": "speech.audio.done", "usage": usage})


def _event(content: Mapping[str, object]) -> bytes:
    return f"data: {json.dumps(content)}\n\n".encode()
