"""Servers that send byte by byte at every stage, and servers whose certificate cannot be trusted."""

from __future__ import annotations

from pathlib import Path

import pytest

import loopback
from voxlet.downloading.fetch import RetryPolicy, fetch
from voxlet.errors import DownloadError
from work import ends

pytestmark = pytest.mark.slow  # they take seconds

IMPATIENCE = RetryPolicy(attempts=3, backoff=0.01, timeout=5, patience=0.4)
HEAD = b"HTTP/1.1 200 OK\r\n"
DRIPS = {
    "status": (b"", b"H"),
    "a header": (HEAD + b"X-Slow: ", b"a"),
    "headers": (HEAD, b"X-Slow: a\r\n"),
    "answers before the answer": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "size of a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "note on a chunk": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;", b"a"),
    "chunks": (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
    "content": (HEAD + b"Content-Length: 100000\r\n\r\n", b"a"),
    "content without a length": (HEAD + b"\r\n", b"a"),
}


def download(address: str, target: Path, retries: RetryPolicy = IMPATIENCE) -> None:
    fetch(address, target, limit=10**7, progress=False, retries=retries)


@pytest.mark.parametrize("where", DRIPS)
def test_a_server_that_drips_is_given_up(where: str, tmp_path: Path) -> None:
    with ends(), loopback.dripping(*DRIPS[where]) as address, pytest.raises(DownloadError) as refusal:
        download(address, tmp_path / "archive")
    assert "the download was slower than 1 kB/s for 0.4 s; run it again" in str(refusal.value)
    assert not (tmp_path / "archive").exists()


def test_a_handshake_that_drips_is_given_up(tmp_path: Path) -> None:
    # The beginning of a TLS handshake record of 16 kB.
    with (
        ends(),
        loopback.dripping(b"\x16\x03\x03\x40\x00", b"\x02") as address,
        pytest.raises(DownloadError) as refusal,
    ):
        download(address.replace("http:", "https:"), tmp_path / "archive")
    assert "slower than 1 kB/s" in str(refusal.value)


def test_what_is_slow_but_not_too_slow_arrives(server: loopback.Server, tmp_path: Path) -> None:
    server.data, server.plan = bytes(60), ["drips"]  # 1.2 s in all, and 50 bytes a second
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("voxlet.downloading.fetch.FLOOR_RATE", 10.0)
        download(server.address, tmp_path / "archive")
    assert (tmp_path / "archive").read_bytes() == server.data


@pytest.mark.parametrize(
    ("names", "days", "trusted", "problem"),
    [
        ("IP:127.0.0.1", 30, False, "self-signed certificate"),
        ("IP:127.0.0.1", -1, True, "certificate has expired"),
        ("DNS:elsewhere.example", 30, True, "IP address mismatch"),
    ],
)
def test_certificates_that_are_not_to_be_trusted(
    server: loopback.Server,
    names: str,
    days: int,
    trusted: bool,
    problem: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    pair = loopback.certificate(tmp_path, names, days=days)
    address = loopback.encrypt(server, pair)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    with pytest.raises(DownloadError) as refusal:
        fetch(address, tmp_path / "archive", limit=10**7, retries=RetryPolicy(attempts=2, backoff=0.01))
    line = str(refusal.value)
    assert line.startswith(f"{address}: the server's certificate cannot be trusted (")
    assert problem in line
    assert "\n" not in line
    assert "trying again" not in capsys.readouterr().err
    assert server.seen == []
    assert not (tmp_path / "archive.part").exists()


def test_a_certificate_that_is_trusted(
    server: loopback.Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = loopback.certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    download(loopback.encrypt(server, pair), tmp_path / "archive")
    assert (tmp_path / "archive").read_bytes() == server.data


def test_what_a_server_says_does_not_steer_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    head = b"HTTP/1.1 503 \x1b[2J\x07\r\nContent-Length: 0\r\n\r\n"
    with loopback.dripping(head, b"") as address, pytest.raises(DownloadError):
        fetch(address, tmp_path / "a", limit=10**6, retries=IMPATIENCE)
    told = capsys.readouterr().err
    assert "the download stopped" in told
    assert r"\u001b[2J" in told
    assert "\x1b" not in told
