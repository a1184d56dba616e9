"""Following the remedies in messages about pushing and pulling voices."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import tiny_voice
from hub_stand_in import Hub
from loopback import Server
from messages import message
from voxlet.cli.main import main
from voxlet.errors import HubError
from voxlet.hub.pull import pull
from voxlet.hub.push import push

pytestmark = pytest.mark.slow  # they take seconds

follows = pytest.mark.follows


@pytest.fixture
def voice(tmp_path: Path) -> Path:
    path = tmp_path / "mine.voice"
    path.write_bytes(tiny_voice.voice_bytes())
    return path


@follows(
    "hub/address.py: give hf:user/name, hf:user/name@revision, or https://...#sha256=... with 64 "
    "hexadecimal digits"
)
@follows("hub/address.py: give user/name, of letters, digits and -_.")
def test_addresses(hub: Hub, server: Server, voice: Path) -> None:
    message(HubError, push, voice, "mine")
    assert push(voice, "me/mine") == "hf:me/mine"
    message(HubError, pull, "hf:me/mine@")
    assert pull("hf:me/mine") == pull("hf:me/mine@main")
    server.data = voice.read_bytes()
    message(HubError, pull, server.address)
    digest = hashlib.sha256(server.data).hexdigest()
    assert pull(f"{server.address}#sha256={digest}").read_bytes() == server.data


@follows("hub/pull.py: ask whoever gave the address for the digest")
def test_another_file(server: Server, fresh_cache: Path, voice: Path) -> None:
    server.data = voice.read_bytes()
    message(HubError, pull, f"{server.address}#sha256={'0' * 64}")
    told = hashlib.sha256(voice.read_bytes()).hexdigest()
    assert pull(f"{server.address}#sha256={told}").is_file()


@follows(
    "hub/pull.py: check the name, and whether this machine is online; what was pulled before is opened "
    "without"
)
def test_online(server: Server, fresh_cache: Path, voice: Path) -> None:
    server.data = voice.read_bytes()
    digest = hashlib.sha256(server.data).hexdigest()
    server.plan = ["404", "whole"]
    message(HubError, pull, f"{server.address}#sha256={digest}")
    path = pull(f"{server.address}#sha256={digest}")
    server.plan = ["404"]
    assert pull(f"{server.address}#sha256={digest}") == path


@follows("hub/push.py: choose another name, or give --update to replace its files")
def test_a_repository_that_is_there(hub: Hub, voice: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["push", str(voice), "me/mine"]) == 0
    assert main(["push", str(voice), "me/mine"]) == 2
    assert "--update" in capsys.readouterr().err
    assert main(["push", str(voice), "me/mine", "--update"]) == 0
    assert main(["push", str(voice), "me/other"]) == 0
