"""A stand-in for the Hugging Face hub on the loopback: repositories, commits, large files, failures."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import yaml

COMMIT = "0" * 39 + "1"
TOKEN = "hf_secretsecretsecretsecretsecret"


class Hub(ThreadingHTTPServer):
    """Holds the files of `repositories` by name; `way` says how downloads are answered."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.large: dict[str, bytes] = {}
        self.way = "whole"
        self.authorizations: list[str] = []
        self.asked: list[str] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status: int, body: bytes | dict = b"", **headers: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def seen(self) -> str:
        path = urlsplit(self.path).path
        self.server.asked.append(f"{self.command} {path}")
        self.server.authorizations.append(self.headers.get("Authorization", ""))
        return path

    def do_HEAD(self):
        self.do_GET()

    def do_GET(self):
        path, server = self.seen(), self.server
        repository, _, rest = path.strip("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        listed = path.removeprefix("/api/models/").removesuffix("/tree/main")
        if server.way.isdecimal():
            self.reply(int(server.way))
        elif path.endswith("/tree/main") and listed in server.repositories:
            files = server.repositories[listed]
            told = [
                {"type": "file", "path": name, "size": len(data), "oid": ""} for name, data in files.items()
            ]
            self.reply(200, json.dumps(told).encode())
        elif repository not in server.repositories:
            self.reply(404, X_Error_Code="RepoNotFound")
        elif revision not in ("main", COMMIT):
            self.reply(404, X_Error_Code="RevisionNotFound")
        elif name not in server.repositories[repository]:
            self.reply(404, X_Error_Code="EntryNotFound", X_Repo_Commit=COMMIT)
        else:
            self.send_file(server.repositories[repository][name])

    def send_file(self, data: bytes) -> None:
        way = self.server.way
        etag = hashlib.sha256(data).hexdigest()
        told = {"ETag": f'"{etag}"', "X_Repo_Commit": COMMIT}
        if way == "huge":
            self.reply(200, data, Content_Length=str(10**12), **told)
        elif way == "torn" and self.command == "GET":
            self.reply(200, data[: len(data) // 2], Content_Length=str(len(data)), **told)
            self.close_connection = True
        elif way == "flipped":
            self.reply(200, data[:-1] + bytes([data[-1] ^ 1]), **told)
        else:
            start = int((self.headers.get("Range") or "bytes=0-")[6:].partition("-")[0])
            more = {"Content_Range": f"bytes {start}-{len(data) - 1}/{len(data)}"} if start else {}
            self.reply(206 if start else 200, data[start:], **told, **more)

    def do_PUT(self):
        path = self.seen()
        self.server.large[path.rpartition("/")[2]] = self.body()
        self.reply(200)

    def do_POST(self):
        path, server, body = self.seen(), self.server, self.body()
        if server.way.isdecimal():
            self.reply(int(server.way))
        elif path == "/api/validate-yaml":
            yaml.safe_load(json.loads(body)["content"].split("---\n")[1])
            self.reply(200, {"errors": [], "warnings": []})
        elif path == "/api/repos/create":
            asked = json.loads(body)
            name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
            status = 409 if name in server.repositories else 200
            server.repositories.setdefault(name, {})
            self.reply(status, {"url": f"{server.address}/{name}"})
        elif "/preupload/" in path:
            files = json.loads(body)["files"]
            modes = {True: "lfs", False: "regular"}
            told = [
                {
                    "path": one["path"],
                    "uploadMode": modes[one["path"].endswith((".voice", ".safetensors"))],
                    "shouldIgnore": False,
                }
                for one in files
            ]
            self.reply(200, {"files": told})
        elif path.endswith("/info/lfs/objects/batch"):
            objects = [
                {**one, "actions": {"upload": {"href": f"{server.address}/large/{one['oid']}"}}}
                for one in json.loads(body)["objects"]
            ]
            self.reply(200, {"transfer": "basic", "objects": objects})
        elif "/commit/" in path:
            repository = path.removeprefix("/api/models/").partition("/commit/")[0]
            for line in map(json.loads, body.splitlines()):
                value = line["value"]
                if line["key"] == "file":
                    server.repositories[repository][value["path"]] = base64.b64decode(value["content"])
                elif line["key"] == "lfsFile":
                    server.repositories[repository][value["path"]] = server.large[value["oid"]]
                elif line["key"] == "deletedFile":
                    del server.repositories[repository][value["path"]]
            url = f"{server.address}/{repository}/commit/{COMMIT}"
            self.reply(200, {"success": True, "commitOid": COMMIT, "commitUrl": url})
        else:
            self.reply(404)


@contextmanager
def hub_stand_in() -> Iterator[Hub]:
    server = Hub()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()
