"""A server on the loopback that misbehaves on request, and a catalogued corpus that it serves."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import shutil
import socket
import ssl
import subprocess
import tarfile
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from voxlet.corpus.catalog import CatalogEntry, content_digest
from voxlet.downloading.fetch import RetryPolicy

HASTE = RetryPolicy(attempts=3, backoff=0.01, timeout=0.3)


class Server(ThreadingHTTPServer):
    """Serves `data` at any path, for each request in the next way of `plan`, whose last entry stays."""

    daemon_threads = True

    def __init__(self, data: bytes):
        super().__init__(("127.0.0.1", 0), Handler)
        self.data, self.plan, self.seen = data, ["whole"], []
        self.etag = '"one"'

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/archive.tar.gz"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        server = self.server
        server.seen.append(dict(self.headers))
        way = server.plan.pop(0) if len(server.plan) > 1 else server.plan[0]
        if way.isdecimal():
            self.send_response(int(way))
            self.send_header("Content-Length", "0")
            self.send_header("Retry-After", "0")
            self.end_headers()
            return
        if way.startswith("redirect"):
            self.send_response(302)
            self.send_header("Location", way.partition(" ")[2] or "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        start, status = 0, 200
        asked = self.headers.get("Range")
        same = self.headers.get("If-Range") in (None, server.etag)
        if asked and same and way != "ignores range":
            start, status = int(asked.removeprefix("bytes=").removesuffix("-")), 206
        body = server.data[start:]
        self.send_response(status)
        if server.etag:
            self.send_header("ETag", server.etag)
        if status == 206:
            shift = 1 if way == "wrong piece" else 0
            self.send_header(
                "Content-Range", f"bytes {start + shift}-{len(server.data) - 1}/{len(server.data)}"
            )
        if way == "endless":
            self.send_header("Connection", "close")
            self.end_headers()
            while True:
                try:
                    self.wfile.write(bytes(65536))
                except OSError:
                    return
        if way == "no length":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))
            return
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if way == "drips":
            for byte in body:
                try:
                    self.wfile.write(bytes([byte]))
                except OSError:
                    return
                time.sleep(0.02)
        if way == "a byte and no more":
            self.wfile.write(body[:1])
            self.close_connection = True
            return
        if way in ("truncates", "stalls"):
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
            if way == "stalls":
                time.sleep(1.0)
            self.close_connection = True
            self.connection.close()
            return
        self.wfile.write(body)


@contextmanager
def serving() -> Iterator[Server]:
    """A server that runs while the block does."""
    served = Server(os.urandom(300_000))
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield served
    served.shutdown()
    served.server_close()


FILES = {
    f"recordings/{digit}_ann_{take}.wav": bytes([digit, take]) * 500
    for digit in range(2)
    for take in range(3)
}
DIGEST = content_digest((name, hashlib.sha256(data).hexdigest()) for name, data in FILES.items())


def tar_of(files: dict[str, bytes], top: str = "tiny-1.0/", kind: str = "gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=f"w:{kind}") as tape:
        for name, data in files.items():
            entry = tarfile.TarInfo(top + name)
            entry.size = len(data)
            tape.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(files: dict[str, bytes], top: str = "tiny-1.0/") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in files.items():
            packed.writestr(top + name, data)
    return buffer.getvalue()


def tiny_corpus_at(address: str) -> CatalogEntry:
    """The catalogue's entry for a corpus of six files, whose archive is `TINY`."""
    return CatalogEntry(
        name="tiny",
        title="Tiny",
        source=address,
        licence="CC0",
        credit="nobody",
        layout="names",
        folders=("recordings",),
        clips=6,
        speakers=1,
        rate=8000,
        megabytes=1,
        digest=DIGEST,
        official=None,
    )


TINY = tar_of({**FILES, "README.md": b"not wanted", "recordings/notes.txt": b"wanted"})


def certificate(folder: Path, names: str = "IP:127.0.0.1", *, days: int = 30) -> tuple[Path, Path]:
    """A self-signed certificate and its key; skips the test without OpenSSL."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the program openssl")

    def run(*arguments: str) -> None:
        subprocess.run([openssl, *arguments], cwd=folder, capture_output=True, check=True)

    (folder / "names").write_text(f"subjectAltName={names}\nbasicConstraints=CA:TRUE\n")
    run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "key.pem")
    run("req", "-new", "-key", "key.pem", "-subj", "/CN=tiny", "-out", "asked.pem")
    files = ("-in", "asked.pem", "-signkey", "key.pem", "-extfile", "names", "-out", "certificate.pem")
    run("x509", "-req", *files, "-days", str(days))
    return folder / "certificate.pem", folder / "key.pem"


def encrypt(server: Server, pair: tuple[Path, Path]) -> str:
    """Let a server use TLS with this certificate, and return its address."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*pair)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    return server.address.replace("http:", "https:")


@contextmanager
def dripping(beginning: bytes, drop: bytes, pause: float = 0.01) -> Iterator[str]:
    """Yield the address of a server that sends `beginning`, then `drop` again and again without end."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection, contextlib.suppress(OSError):
                    connection.sendall(beginning)
                    while True:
                        connection.sendall(drop)
                        time.sleep(pause)

    threading.Thread(target=serve, daemon=True).start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/archive.tar.gz"
    listening.close()
