"""The Wyoming protocol, used by its own client."""

from __future__ import annotations

import asyncio
import io

import numpy as np
import pytest
import soundfile
from wyoming.client import AsyncTcpClient
from wyoming.info import Describe, Info
from wyoming.ping import Ping, Pong
from wyoming.tts import Synthesize, SynthesizeVoice

from voxlet.serving.app import create_app
from voxlet.serving.formats import RATE
from voxlet.serving.server import bind


def talk(voice, *asked, raw: bytes = b"") -> list:
    """Return the answers to each event, up to the last one that belongs to it."""

    async def conversation() -> list:
        listening = bind("127.0.0.1", 0)
        app = create_app([voice], threads=1, wyoming=listening)
        async with app.router.lifespan_context(app):
            if raw:
                reader, writer = await asyncio.open_connection(*listening.getsockname())
                writer.write(raw)
                return [await asyncio.wait_for(reader.read(), 5)]
            found = []
            async with AsyncTcpClient(*listening.getsockname()) as client:
                for event in asked:
                    await client.write_event(event.event())
                    while True:
                        found.append(await asyncio.wait_for(client.read_event(), 5))
                        if found[-1].type not in ("audio-start", "audio-chunk"):
                            break
            return found

    return asyncio.run(conversation())


def test_what_there_is(voice) -> None:
    described, pong = talk(voice, Describe(), Ping(text="x"))
    (program,) = Info.from_event(described).tts
    (spoken,) = program.voices
    assert (program.name, spoken.name) == ("voxlet", "tiny")
    assert [speaker.name for speaker in spoken.speakers] == ["ann", "bob", "random", "default"]
    assert Pong.from_event(pong).text == "x"


def test_it_speaks(voice) -> None:
    start, *chunks, stop = talk(voice, Synthesize("4091", SynthesizeVoice(name="tiny", speaker="bob")))
    assert (start.type, stop.type) == ("audio-start", "audio-stop")
    assert start.data["rate"] == RATE
    assert len(chunks) == 4
    heard = np.frombuffer(b"".join(chunk.payload for chunk in chunks), "<i2")
    said = voice.say("4091", speaker="bob", rate=RATE).wav()
    assert (heard == soundfile.read(io.BytesIO(said), dtype="int16")[0]).all()


@pytest.mark.parametrize(
    ("asked", "part"),
    [
        (Synthesize("hello"), "cannot say 'hello'"),
        (Synthesize(""), "at least 1"),
        (Synthesize("4", SynthesizeVoice(name="nix")), "no model 'nix'"),
        (Synthesize("4", SynthesizeVoice(name="tiny", speaker="nobody")), "no speaker 'nobody'"),
    ],
)
def test_what_it_cannot_say(voice, asked, part: str) -> None:
    refused, good = talk(voice, asked, Describe())
    assert refused.type == "error"
    assert part in refused.data["text"]
    assert good.type == "info"


@pytest.mark.parametrize(
    "raw",
    [
        b"\n",
        b"{}\n",
        b"[]\n",
        b"\xff\n",
        b"x" * 200_000,
        b'{"type": "describe", "payload_length": 99999999999}\n',
        b'{"type": "describe", "data_length": "x"}\n',
        b'{"type": "synthesize"}\n',
    ],
)
def test_what_is_no_event_ends_the_connection(voice, raw: bytes) -> None:
    assert talk(voice, raw=raw) == [b""]
