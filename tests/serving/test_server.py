"""`voxlet serve` as a process of its own, with requests by clients that people use."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

import tiny_voice
from browser import running
from voxlet import audio

KEY = "a-key-of-mine"


@contextlib.contextmanager
def serving(folder, *arguments: str, **variables: str) -> Iterator[tuple[subprocess.Popen, str]]:
    """Start `voxlet serve` with the tiny voice; return its address."""
    (folder / "tiny.voice").write_bytes(tiny_voice.voice_bytes())
    command = [sys.executable, "-m", "voxlet", "serve", str(folder / "tiny.voice"), "--port", "0", *arguments]
    environment = {**os.environ, **variables}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        try:
            line = process.stdout.readline()
            assert " serves tiny" in line, process.stderr.read()
            yield process, line.split()[0]
        finally:
            process.kill()


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    with serving(tmp_path_factory.mktemp("server")) as (_, found):
        yield found


@pytest.fixture(scope="module")
def openai(address):
    from openai import OpenAI  # it takes a second, and the fast tests need none of it

    return OpenAI(base_url=f"{address}/v1", api_key="unused", max_retries=0)


pytestmark = pytest.mark.slow  # a process that starts


def test_openai_whole_and_streamed(openai, tmp_path, voice) -> None:
    asked = {"model": "tiny", "voice": "ann", "input": "4091"}
    whole = openai.audio.speech.create(**asked)
    with openai.audio.speech.with_streaming_response.create(**asked) as answer:
        answer.stream_to_file(tmp_path / "4091.mp3")
    assert (tmp_path / "4091.mp3").read_bytes() == whole.content
    said = voice.say("4091", speaker="ann")
    assert audio.read(tmp_path / "4091.mp3").samples.size / 24_000 == pytest.approx(said.duration, abs=0.1)


def test_openai_formats_voices_and_events(openai) -> None:
    for form in ("mp3", "opus", "aac", "flac", "wav", "pcm"):
        found = openai.audio.speech.create(
            model="tts-1",
            voice={"id": "ann:0.5,bob:0.5"},
            input="4 0",
            response_format=form,
            extra_body={"seed": 7},
        )
        assert len(found.content) > 1000
    with openai.audio.speech.with_streaming_response.create(
        model="tiny", voice="bob", input="40", stream_format="sse"
    ) as answer:
        lines = [line for line in answer.iter_lines() if line]
    assert json.loads(lines[-1].removeprefix("data: "))["type"] == "speech.audio.done"


def test_what_is_asked_together_sounds_as_what_is_asked_alone(openai) -> None:
    asked = [
        {
            "model": "tiny",
            "voice": voice,
            "input": text,
            "response_format": "pcm",
            "extra_body": {"seed": seed},
        }
        for seed, (voice, text) in enumerate(
            itertools.product(("ann", "bob", "random"), ("4", "4091 40", "1, 2"))
        )
    ]

    def sound(one: dict[str, object]) -> bytes:
        return openai.audio.speech.create(**one).content

    alone = [sound(one) for one in asked]
    with ThreadPoolExecutor(len(asked)) as clients:
        assert list(clients.map(sound, asked)) == alone
    assert len(set(alone)) == len(alone)


def test_openai_understands_what_is_wrong(openai) -> None:
    from openai import BadRequestError, NotFoundError

    with pytest.raises(BadRequestError, match="cannot say 'hello'"):
        openai.audio.speech.create(model="tiny", voice="ann", input="hello")
    with pytest.raises(NotFoundError) as missing:
        openai.audio.speech.create(model="nix", voice="ann", input="4")
    assert missing.value.code == "model_not_found"
    assert [model.id for model in openai.models.list()] == ["tiny"]


def test_curl(address, tmp_path) -> None:
    curl = shutil.which("curl")
    if curl is None:
        pytest.skip("needs the program curl")
    body = json.dumps({"model": "tiny", "voice": "ann", "input": "4091", "response_format": "wav"})
    target = [f"{address}/v1/audio/speech", "-H", "Content-Type: application/json", "-d", body]
    subprocess.run([curl, "-sSf", *target, "-o", tmp_path / "4091.wav"], check=True)
    assert audio.read(tmp_path / "4091.wav").rate == 24_000


def test_it_ends_without_cutting_an_answer(tmp_path) -> None:
    with serving(tmp_path) as (process, address):
        body = json.dumps({"model": "tiny", "voice": "ann", "input": "4" * 1000, "response_format": "pcm"})
        connection = http.client.HTTPConnection(address.removeprefix("http://"), timeout=60)
        connection.request("POST", "/v1/audio/speech", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        begun = answer.read(1000)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        assert process.poll() is None
        rest = answer.read()  # raises if the answer is incomplete
        with pytest.raises(OSError):  # noqa: PT011  # nobody new is let in
            socket.create_connection(connection.sock.getpeername() if connection.sock else ("127.0.0.1", 1))
        connection.close()
        assert process.wait(30) == 0
        assert len(begun + rest) / 2 / 24_000 > 1000 * 0.1
        assert "Traceback" not in process.stderr.read()


def test_an_interrupted_server_ends_well(tmp_path) -> None:
    with serving(tmp_path) as (process, _):
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr.read() == ""


def test_a_key_where_others_can_reach_it(tmp_path) -> None:
    from openai import AuthenticationError, OpenAI

    environment = {**os.environ, "VOXLET_KEY": ""}
    command = [sys.executable, "-m", "voxlet", "serve", "--host", "0.0.0.0"]
    refused = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "VOXLET_KEY" in refused.stderr
    with serving(tmp_path, "--host", "0.0.0.0", VOXLET_KEY=KEY) as (_, address):
        base = address.replace("0.0.0.0", "127.0.0.1") + "/v1"
        assert len(OpenAI(base_url=base, api_key=KEY).models.list().data) == 1
        with pytest.raises(AuthenticationError):
            OpenAI(base_url=base, api_key="another", max_retries=0).models.list()


def test_connections_that_say_nothing_are_cut(tmp_path, voice) -> None:
    """Runs in this process, where timeouts can be shorter."""
    from voxlet.serving.app import create_app
    from voxlet.serving.limits import Limits
    from voxlet.serving.server import bind, make_server

    page = tmp_path / "page"
    page.mkdir()
    (page / "big.bin").write_bytes(bytes(50_000_000))
    limits = Limits(head=0.2, stalled=0.3)
    listening = bind("127.0.0.1", 0)
    ready = threading.Event()
    running = make_server(create_app([voice], limits=limits, page=page), limits, ready.set)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]})
    thread.start()
    assert ready.wait(20)
    for beginning in (b"", b"GET /healthz HT", b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET"):
        with socket.create_connection(listening.getsockname(), timeout=5) as connection:
            connection.sendall(beginning)
            while connection.recv(4096):
                pass  # until it is closed; a timeout fails
    # A client that reads nothing of its answer is disconnected and frees its place.
    asked = {"model": "tiny", "voice": "ann", "input": "4" * 4096, "response_format": "pcm"}
    body = json.dumps(asked).encode()
    head = b"POST /v1/audio/speech HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with socket.socket() as lazy:
        lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        lazy.connect(listening.getsockname())
        lazy.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

        def serving_now() -> str:
            connection = http.client.HTTPConnection("localhost", listening.getsockname()[1], timeout=5)
            connection.request("GET", "/metrics")
            lines = connection.getresponse().read().decode().splitlines()
            return next(line for line in lines if line.startswith("voxlet_serving"))

        deadline = time.monotonic() + 20
        time.sleep(0.5)
        while serving_now() != "voxlet_serving 0.0":
            assert time.monotonic() < deadline
            time.sleep(0.1)
    # So is a client that reads nothing of a file; a server that ends does not wait for it.
    with contextlib.ExitStack() as held:
        for _ in range(5):
            lazy = held.enter_context(socket.create_connection(listening.getsockname(), timeout=5))
            lazy.sendall(b"GET /big.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
        deadline = time.monotonic() + 20
        time.sleep(0.2)
        while running.server_state.connections:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        lazy = held.enter_context(socket.create_connection(listening.getsockname(), timeout=5))
        lazy.sendall(b"GET /big.bin HTTP/1.1\r\nHost: localhost\r\n\r\n")
        time.sleep(0.2)
        running.should_exit = True
        thread.join(20)
    assert not thread.is_alive()


def test_connections_too_many_are_refused_while_the_others_go_on(voice, page) -> None:
    """Runs in this process, where the limit can be lower: 2 connections are served, 2 more are refused."""
    from voxlet.serving.app import create_app
    from voxlet.serving.limits import Limits

    limits = Limits(connections=2)
    with (
        running(create_app([voice], limits=limits, page=page), limits) as address,
        contextlib.ExitStack() as held,
    ):

        def connection() -> http.client.HTTPConnection:
            found = http.client.HTTPConnection(urlsplit(address).netloc, timeout=20)
            found.connect()
            return held.enter_context(contextlib.closing(found))

        def get(asking: http.client.HTTPConnection, path: str = "/healthz") -> http.client.HTTPResponse:
            asking.request("GET", path)
            return asking.getresponse()

        events, other = connection(), connection()
        asked = {"model": "tiny", "voice": "ann", "input": "4" * 300, "stream_format": "sse"}
        events.request("POST", "/v1/audio/speech", json.dumps(asked), {"Content-Type": "application/json"})
        streamed = events.getresponse()
        first = streamed.readline()
        assert get(other).read() == b'{"status":"ok"}'
        silent, refused = connection(), connection()
        answer = get(refused, "/")
        error = json.loads(answer.read())["error"]
        assert (answer.status, answer.headers["Retry-After"], answer.headers["Connection"]) == (
            503,
            "5",
            "close",
        )
        assert error["message"] == "2 connections are open; try again in 5 s"
        assert (error["type"], error["code"]) == ("server_error", "busy")
        full = connection()  # takes the place of the one that was refused
        with pytest.raises(OSError):  # noqa: PT011  # one more is cut at once
            get(connection())
        silent.close()
        full.close()
        assert get(other, "/").status == 200
        assert b"speech.audio.done" in streamed.read()
        assert first.startswith(b"data: ")
        other.close()
        deadline = time.monotonic() + 20
        while get(connection()).status != 200:  # until the server has noticed
            assert time.monotonic() < deadline
            time.sleep(0.1)
