"""How `voxlet serve` bears load, and good, bad and slow clients together.

    python benchmarks/serving.py [VOICE] [--seconds N] [--requests N] [--connections 1,8,64] [--json FILE]

Each connection asks for `4091` as MP3 again and again for N seconds: requests a second, milliseconds to the
first byte of the sound and to the last, at 50 and 99 %, and the server's processor time of each. Then so
many requests of mixed clients: every good one has to be answered whole and nothing may be a 500; the server's
memory before and after. Server and clients share the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

TEXT = "4091"
ONE_WORD = "4"
FORMATS = ("mp3", "opus", "flac", "wav", "pcm")
AT_ONCE = 48  # mixed clients
SETTLING = 0.1  # share of the mixed requests before memory is first looked at


@dataclass(frozen=True)
class Answer:
    """What came back: the status, the body's length, seconds to its first and last byte."""

    status: int
    length: int
    first: float
    last: float
    asked_again: float = 0.0  # seconds, where it was refused for now


class Connection:
    """One kept connection to the server."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def __aenter__(self) -> Connection:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def ask(self, content: bytes | dict[str, object], *, pause: float = 0.0) -> Answer:
        """Ask for speech; a slow client pauses in the middle of its request and of the answer."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        head = "POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        request = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
        start = time.perf_counter()
        for part in (request[:-5], request[-5:]) if pause else (request,):
            self.writer.write(part)
            await asyncio.sleep(pause)
        headers = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        status, again = int(headers.split()[1]), re.search(r"(?i)retry-after: (\d+)", headers)
        first, length = 0.0, 0
        if told := re.search(r"(?i)content-length: (\d+)", headers):
            length = len(await self.reader.readexactly(int(told[1])))
            first = time.perf_counter() - start
        else:
            while size := int(await self.reader.readline(), 16):
                length += len(await self.reader.readexactly(size + 2)) - 2
                first = first or time.perf_counter() - start
                await asyncio.sleep(pause)
            await self.reader.readline()
        last = time.perf_counter() - start
        return Answer(status, length, first, last, float(again[1]) if again else 0.0)


def speech(model: str, **changes: object) -> dict[str, object]:
    """A request for speech."""
    return {"model": model, "input": TEXT, "voice": "default", **changes}


async def load(
    port: int, model: str, pid: int, connections: int, seconds: float, *, text: str
) -> dict[str, object]:
    """As many connections, each asking one thing after another."""
    end, used = time.perf_counter() + seconds, processor(pid)
    answers: list[Answer] = []

    async def one() -> None:
        async with Connection(port) as connection:
            while time.perf_counter() < end:
                answers.append(await connection.ask(speech(model, input=text)))

    start = time.perf_counter()
    await asyncio.gather(*(one() for _ in range(connections)))
    taken = time.perf_counter() - start
    good = [answer for answer in answers if answer.status == 200]
    first, last = (1000 * np.array([getattr(one, name) for one in good]) for name in ("first", "last"))
    return {
        "text": text,
        "connections": connections,
        "requests": len(answers),
        "failed": len(answers) - len(good),
        "requests_a_second": len(good) / taken,
        "processor_ms": 1000 * (processor(pid) - used) / len(answers),
        "first_ms_50": float(np.percentile(first, 50)),
        "first_ms_99": float(np.percentile(first, 99)),
        "last_ms_50": float(np.percentile(last, 50)),
        "last_ms_99": float(np.percentile(last, 99)),
    }


async def client(port: int, model: str, number: int, found: Counter[str]) -> None:
    """One client of a kind that its number decides."""
    draw = random.Random(number)
    kind = draw.choices(("good", "bad", "rude", "slow"), (60, 20, 10, 10))[0]
    text = "".join(draw.choices("0123456789", k=draw.randint(1, 8)))
    good = speech(model, input=text, response_format=draw.choice(FORMATS), seed=number)
    async with Connection(port) as connection:
        if kind == "rude":  # goes away in the middle of its request, or of the answer
            body = json.dumps(good).encode()
            head = "POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            whole = f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
            connection.writer.write(whole[: draw.choice((10, len(whole) - 3, len(whole)))])
            await asyncio.sleep(draw.uniform(0, 0.05))
            found["rude"] += 1
            return
        if kind == "bad":
            wrong = (
                b"{",
                speech("nothing"),
                speech(model, input="%#"),
                speech(model, voice="nobody"),
                b"\xff" * 300,
            )
            answer = await connection.ask(draw.choice(wrong))
            found[f"bad {answer.status}"] += 1
            return
        while (answer := await connection.ask(good, pause=0.1 if kind == "slow" else 0.0)).status == 429:
            found["told to wait"] += 1
            await asyncio.sleep(answer.asked_again)
        found[f"{kind} {answer.status if answer.length > 500 else 'empty'}"] += 1


async def mixed(port: int, model: str, pid: int, requests: int) -> dict[str, object]:
    """Mixed clients, some at once; what they saw, and the server's memory."""
    found: Counter[str] = Counter()
    numbers = iter(range(requests))
    memory: list[float] = []

    async def some() -> None:
        for number in numbers:
            try:
                await client(port, model, number, found)
            except (OSError, asyncio.IncompleteReadError, ValueError) as error:
                found[f"lost: {type(error).__name__}"] += 1
            if number in (int(SETTLING * requests), requests - 1):
                memory.append(resident(pid))

    start = time.perf_counter()
    await asyncio.gather(*(some() for _ in range(AT_ONCE)))
    return {
        "requests": requests,
        "seconds": time.perf_counter() - start,
        "seen": dict(sorted(found.items())),
        "memory_mb": memory,
        "growth": memory[-1] / memory[0] - 1,
    }


def resident(pid: int) -> float:
    """Megabytes of memory that a process holds."""
    (pages,) = re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(pages) / 1000


def processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("voice", nargs="?", default="digits")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--connections", default="1,8,64")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    command = [sys.executable, "-m", "voxlet", "serve", asked.voice, "--port", "0"]
    found: dict[str, object] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        address, _, model = server.stdout.readline().split()
        port = int(address.rpartition(":")[2])
        # A single word first: its processor time bounds that of a first piece, on a busy machine too.
        asks = [(1, ONE_WORD), *((int(number), TEXT) for number in asked.connections.split(","))]
        rows = [
            asyncio.run(load(port, model, server.pid, number, asked.seconds, text=text))
            for number, text in asks
        ]
        found["load"] = rows
        print(*map(json.dumps, rows), sep="\n")
        if asked.requests:
            found["mixed"] = asyncio.run(mixed(port, model, server.pid, asked.requests))
            print(json.dumps(found["mixed"]))
        server.terminate()
        found["ended_with"] = server.wait(60)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
