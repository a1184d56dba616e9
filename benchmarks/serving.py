"""How `voxlet serve` handles load, good, bad and slow clients together, and being stopped.

    python benchmarks/serving.py [VOICE] [--wrk FILE] [--seconds N] [--requests N] [--json FILE]
        [--connections 1,8,64]

First, one connection asks for a single word for a sixth of N seconds: milliseconds to the first and to the
last byte of the sound. Then each number of `--connections` asks for `4091` as MP3, again and again for N
seconds, by wrk if it is installed or given (Debian's package `wrk`), else by this program: requests per
second, milliseconds to the last byte at the 50th and 99th percentiles, and the server's processor time per
request. Then `--requests` requests by mixed clients: the server's memory before, during and after. Finally,
the server is told to stop in the middle of answers. The exit status is 1 unless every good client got whole
answers, no answer was a 500, memory grew by less than 5 %, and no answer was cut off by the stop. Server and
clients share the machine's cores.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

TEXT = "4091"
ONE_WORD = "4"
FORMATS = ("mp3", "opus", "flac", "wav", "pcm")
AT_ONCE = 48  # mixed clients at a time
LOOKS = 10  # measurements of memory
GROWTH = 0.05  # the share by which memory may grow
DIGITS = 4  # in a mixed client's text, at most
ENDING = 8  # answers that are under way when the server is told to stop
LONG = "4091, 4091, 4091, 4091"
WRK = """
wrk.method, wrk.body = "POST", '{body}'
wrk.headers["Content-Type"] = "application/json"
function done(summary, latency, requests)
  local errors = summary.errors
  local lost = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format('\\nFOUND {"requests": %d, "failed": %d, "lost": %d, "requests_a_second": %f, ' ..
    '"last_ms_50": %f, "last_ms_99": %f}\\n', summary.requests, errors.status, lost,
    1e6 * summary.requests / summary.duration, latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


@dataclass(frozen=True)
class Answer:
    """An answer: the status, the body's length, seconds to its first and last byte."""

    status: int
    length: int
    first: float
    last: float
    asked_again: float = 0.0  # seconds to wait, if the request was refused for now


class Connection:
    """One keep-alive connection to the server."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def __aenter__(self) -> Connection:
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def ask(self, content: bytes | dict[str, object], *, pause: float = 0.0) -> Answer:
        """Ask for speech; a slow client pauses `pause` seconds within its request and within the answer."""
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
    """Load the server with `connections` connections, each sending one request after another."""
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
    if not good:
        raise SystemExit(f"none of {len(answers)} requests was answered")
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


def wrk(
    program: str, port: int, model: str, pid: int, connections: int, *, seconds: float
) -> dict[str, object]:
    """The same by wrk, which takes little processor time itself."""
    used = processor(pid)
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(WRK.replace("{body}", json.dumps(speech(model))))
        script.flush()
        command = [program, "-t1", f"-c{connections}", f"-d{round(seconds)}s", "--timeout", "60s"]
        command += ["-s", script.name, f"http://127.0.0.1:{port}/v1/audio/speech"]
        done = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    row = json.loads(re.findall(r"FOUND (.*)", done)[0])
    cost = 1000 * (processor(pid) - used) / max(1, row["requests"])
    return {"text": TEXT, "connections": connections, "by": "wrk", **row, "processor_ms": cost}


async def client(port: int, model: str, number: int, found: Counter[str]) -> None:
    """Run one client, whose kind is drawn from its number."""
    draw = random.Random(number)
    kind = draw.choices(("good", "bad", "rude", "slow"), (60, 20, 10, 10))[0]
    text = "".join(draw.choices("0123456789", k=draw.randint(1, DIGITS)))
    good = speech(model, input=text, response_format=draw.choice(FORMATS), seed=number)
    async with Connection(port) as connection:
        if kind == "rude":  # disconnects in the middle of its request or of the answer
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
    """Run mixed clients, `AT_ONCE` at a time; return what they saw, and the server's memory."""
    found: Counter[str] = Counter()
    numbers = iter(range(requests))
    memory = [resident(pid)]

    async def some() -> None:
        for number in numbers:
            try:
                await client(port, model, number, found)
            except (OSError, asyncio.IncompleteReadError, ValueError) as error:
                found[f"lost: {type(error).__name__}"] += 1
            if (number + 1) % max(1, requests // LOOKS) == 0:
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


async def ended(port: int, model: str, server: subprocess.Popen[str]) -> dict[str, object]:
    """Tell the server to stop while answers are under way: how many came whole, and its exit status."""
    request = speech(model, input=LONG, response_format="wav", seed=1)
    async with Connection(port) as connection:
        whole = (await connection.ask(request)).length
    open_ = [await Connection(port).__aenter__() for _ in range(ENDING)]
    asked = [asyncio.create_task(connection.ask(request, pause=0.05)) for connection in open_]
    await asyncio.sleep(0.3)
    running = sum(not one.done() for one in asked)
    server.send_signal(signal.SIGTERM)
    answers = await asyncio.gather(*asked, return_exceptions=True)
    came = sum(isinstance(one, Answer) and one.length == whole for one in answers)
    return {
        "answers": ENDING,
        "running": running,
        "whole": came,
        "status": await asyncio.to_thread(server.wait, 60),
    }


def faults(found: dict[str, Any]) -> list[str]:
    """What went wrong, a sentence each."""
    wrong = [
        f"{row['failed']} of {row['requests']} failed"
        for row in found["load"]
        if row["failed"] or row.get("lost") or not row["requests"]
    ]
    if (mixed_ := found.get("mixed")) is not None:
        told = [name for name in mixed_["seen"] if re.search(r" 5\d\d|lost|empty|(good|slow) 4", name)]
        wrong += [f"{mixed_['seen'][name]} {name}" for name in told]
        if mixed_["growth"] >= GROWTH:
            wrong.append(f"memory grew by {100 * mixed_['growth']:.1f} %")
    end = found["end"]
    if end["whole"] < end["answers"] or end["status"] != 0:
        wrong.append(f"{end['answers'] - end['whole']} answers cut at the end, status {end['status']}")
    return wrong


def resident(pid: int) -> float:
    """The resident memory of a process in megabytes."""
    (pages,) = re.findall(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(pages) / 1000


def processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("voice", nargs="?", default="digits")
    parser.add_argument("--wrk", default=shutil.which("wrk"), metavar="FILE", help="the program")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--connections", default="1,8,64")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    command = [sys.executable, "-m", "voxlet", "serve", asked.voice, "--port", "0"]
    found: dict[str, Any] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
        assert server.stdout is not None
        address, _, model = server.stdout.readline().split()
        port = int(address.rpartition(":")[2])
        # A single word first: its processor time bounds that of a first piece, even on a busy machine.
        first = load(port, model, server.pid, 1, asked.seconds / 6, text=ONE_WORD)
        found["load"] = rows = [asyncio.run(first)]
        print(json.dumps(rows[0]), flush=True)
        for number in map(int, asked.connections.split(",")):
            given = (port, model, server.pid, number)
            if asked.wrk:
                rows.append(wrk(asked.wrk, *given, seconds=asked.seconds))
            else:
                rows.append(asyncio.run(load(*given, asked.seconds, text=TEXT)))
            print(json.dumps(rows[-1]), flush=True)
        if asked.requests:
            found["mixed"] = asyncio.run(mixed(port, model, server.pid, asked.requests))
            print(json.dumps(found["mixed"]), flush=True)
        found["end"] = asyncio.run(ended(port, model, server))
        print(json.dumps(found["end"]), flush=True)
    found["wrong"] = faults(found)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))
    sys.exit(f"wrong: {', '.join(found['wrong'])}" if found["wrong"] else 0)


if __name__ == "__main__":
    main()
