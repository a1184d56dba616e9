"""Access to the server, limits on size and time, and logging."""

from __future__ import annotations

import asyncio
import base64
import logging
import socket

import pytest
from starlette.testclient import TestClient

from voxlet.cli.main import main
from voxlet.errors import ConfigError
from voxlet.serving.app import create_app
from voxlet.serving.guard import Guard
from voxlet.serving.limits import BusyError, Limits, Turns
from voxlet.serving.metrics import Metrics
from voxlet.serving.server import bind, check_exposure

KEY = "a-key-of-mine"
SPEECH = {"model": "tiny", "input": "4091", "voice": "ann", "response_format": "pcm"}


def client_of(voice, **settings) -> TestClient:
    return TestClient(create_app([voice], threads=1, **settings), base_url="http://127.0.0.1")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8750", "[::1]:8750", "LOCALHOST"])
def test_names_of_this_machine_are_answered(client, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "[", "10.0.0.1"])
def test_other_names_are_not(client, host: str) -> None:
    assert client.get("/v1/models", headers={"Host": host}).status_code == 403


def test_browsers_ask_whether_a_file_is_still_the_same(client) -> None:
    """After an update, the page's files are all of one version; answers that may not be cached are not."""
    assert client.get("/voices.json").headers["cache-control"] == "no-cache"
    assert client.post("/v1/audio/speech", json=SPEECH).headers["cache-control"] == "no-store"


@pytest.mark.parametrize("named", [[], ["arabic", "digits"]])
def test_what_speaks_first_is_digits_unless_voices_are_named(monkeypatch, named: list[str]) -> None:
    """The page opens with this voice, and requests with other makers' model names get it."""
    served: list[str] = []

    class StopError(Exception):
        pass

    def create(voices, **_):
        served.extend(voices)
        raise StopError

    monkeypatch.setattr("voxlet.speak.voice.load_voice", lambda name, threads: name)
    monkeypatch.setattr("voxlet.serving.app.create_app", create)
    with pytest.raises(StopError):
        main(["serve", *named])
    assert served[:2] == (named or ["digits", "arabic"])


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999"])
def test_pages_of_other_sites_may_not_ask(client, origin: str) -> None:
    answer = client.post("/v1/audio/speech", json=SPEECH, headers={"Origin": origin})
    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers
    assert client.get("/v1/models", headers={"Origin": "http://127.0.0.1"}).status_code == 200


def test_a_key(voice) -> None:
    client = client_of(voice, key=KEY)

    def status(authorization: str | None, path: str = "/v1/models") -> int:
        given = {"Authorization": authorization} if authorization is not None else {}
        return client.get(path, headers={"Host": "voices.example", **given}).status_code

    assert status(f"Bearer {KEY}") == 200
    assert status("Basic " + base64.b64encode(f"me:{KEY}".encode()).decode()) == 200
    for wrong in (None, "", "Bearer", "Bearer no", f"Bearer {KEY}x", KEY, "Basic ???", f"Digest {KEY}"):
        assert status(wrong) == 401
    assert status(None, "/healthz") == 200
    assert all(status(None, path) == 401 for path in ("/", "/metrics", "/voices.json", "/openapi.json"))
    answer = client.get("/v1/models")
    assert answer.headers["www-authenticate"].startswith("Basic ")
    assert answer.json()["error"]["code"] == "invalid_api_key"


def test_too_long_a_body(voice) -> None:
    client = client_of(voice, limits=Limits(body=500, upload=1_000))
    long = {**SPEECH, "input": "4" * 600}
    assert client.post("/v1/audio/speech", json=long).status_code == 413

    def pieces():
        for _ in range(20):
            yield b" " * 100

    chunked = client.post("/v1/audio/speech", content=pieces(), headers={"Content-Type": "application/json"})
    assert chunked.status_code == 413
    assert chunked.json()["error"]["message"] == "the request has more than 500 bytes"
    assert client.post("/v1/audio/like", files={"file": b"x" * 2_000}).status_code == 413
    assert client.post("/v1/audio/like", files={"file": b"x" * 600}).status_code == 400


def test_too_slow_a_body() -> None:
    """The first half of a body arrives, the rest never does."""
    limits = Limits(request=0.05)
    sent = []

    async def app(_scope, receive, _send) -> None:
        while (await receive()).get("more_body"):
            pass

    async def talk() -> None:
        halves = iter([{"type": "http.request", "body": b"{", "more_body": True}])

        async def receive():
            half = next(halves, None)
            return half or await asyncio.sleep(60)

        async def send(message):
            sent.append(message)

        guard = Guard(app, limits, None, Metrics(Turns(limits)))
        scope = {"type": "http", "method": "POST", "path": "/x", "headers": [(b"host", b"localhost")]}
        await asyncio.wait_for(guard(scope, receive, send), 5)

    asyncio.run(talk())
    assert sent[0]["status"] == 408


def test_the_queue() -> None:
    async def talk() -> None:
        turns = Turns(Limits(at_once=1, waiting=1, patience=0.05))
        await turns.take()
        second = asyncio.create_task(turns.take())
        await asyncio.sleep(0)
        assert (turns.serving, turns.waiting) == (1, 1)
        with pytest.raises(BusyError):  # at once, as one is waiting already
            await turns.take()
        with pytest.raises(BusyError):  # after its patience
            await second
        third = asyncio.create_task(turns.take())
        await asyncio.sleep(0)
        turns.give_back()
        await third
        assert (turns.serving, turns.waiting) == (1, 0)

    asyncio.run(talk())


def test_one_request_too_many(voice) -> None:
    client = client_of(voice, limits=Limits(at_once=0, waiting=0))
    answer = client.post("/v1/audio/speech", json=SPEECH)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == "1"
    assert answer.json()["error"]["code"] == "rate_limit_exceeded"


def test_a_turn_is_given_back_however_the_answer_ends(voice) -> None:
    client = client_of(voice, limits=Limits(at_once=1, waiting=0, patience=0.2))
    for changes in (
        {},
        {"input": "hello"},
        {"voice": "nobody"},
        {"model": "nix"},
        {"response_format": "flac"},
    ):
        assert client.post("/v1/audio/speech", json={**SPEECH, **changes}).status_code != 429
    client.post("/v1/audio/like", files={"file": b"none"})
    assert client.post("/v1/audio/speech", json=SPEECH).status_code == 200


def test_logs_and_figures_hold_no_texts(client, caplog) -> None:
    with caplog.at_level(logging.INFO, "voxlet.serving"):
        client.post("/v1/audio/speech", json={**SPEECH, "input": "4 secretword"})
        client.get("/secretpath?secret=word")
    assert len(caplog.records) == 2
    assert "POST /v1/audio/speech 400" in caplog.records[0].getMessage()
    assert "secret" not in caplog.text
    assert "secret" not in client.get("/metrics").text


def test_a_failure_of_ours_is_told_without_its_message(voice, monkeypatch, caplog) -> None:
    def broken(*_, **__):
        raise ZeroDivisionError("secret")

    client = TestClient(create_app([voice]), base_url="http://127.0.0.1", raise_server_exceptions=False)
    monkeypatch.setattr(type(voice), "stream", broken)
    answer = client.post("/v1/audio/speech", json=SPEECH)
    assert answer.status_code == 500
    assert answer.json()["error"]["type"] == "server_error"
    assert "secret" not in answer.text + caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_every_answer_tells_browsers_to_be_careful(client) -> None:
    for path in ("/", "/v1/models", "/nix"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"


def test_who_can_reach_it_needs_a_key() -> None:
    check_exposure("127.0.0.1", None)
    check_exposure("0.0.0.0", KEY)
    for host, key in (
        ("0.0.0.0", None),
        ("", None),
        ("192.0.2.1", None),
        ("127.0.0.1", "short"),
        ("::", "a b" * 9),
    ):
        with pytest.raises(ConfigError):
            check_exposure(host, key)


def test_an_address_that_cannot_be_had() -> None:
    with bind("127.0.0.1", 0) as taken:
        for host, port in (
            ("127.0.0.1", taken.getsockname()[1]),
            ("192.0.2.1", 0),
            ("no such host", 0),
            ("::1", 70_000),
        ):
            with pytest.raises(ConfigError, match=r"cannot listen on this address (?!.*while)"):
                bind(host, port)


def test_voices_of_one_name_or_none(voice) -> None:
    with pytest.raises(ConfigError, match="two voices are named 'tiny'"):
        create_app([voice, voice])
    with pytest.raises(ConfigError, match="no voice"):
        create_app([])


def test_headers_do_not_hold_up_the_first_sound():
    """A connection sends at once, without waiting for an acknowledgement (no Nagle delay)."""
    with bind("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        connection, _ = listening.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


@pytest.mark.parametrize("key", ["", "short", "with a space", "schlüssel-1"])
def test_what_is_no_key_is_refused_before_anybody_asks(voice, key) -> None:
    with pytest.raises(ConfigError, match=r"^VOXLET_KEY: is not a valid key; give 8 or more"):
        create_app([voice], key=key)
