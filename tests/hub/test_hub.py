"""Pushing and pulling a voice, and everything that can go wrong."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

import loopback
import tiny_voice
import voxlet
from hub_stand_in import TOKEN
from voxlet.cli.main import main
from voxlet.errors import FileError, HubError, VoiceError, VoxletError
from voxlet.hub.address import is_address, parse_address
from voxlet.hub.pull import pull
from voxlet.hub.push import push

pytestmark = pytest.mark.slow  # they take seconds

ADDRESS = "hf:me/mine"


@pytest.fixture
def pushed(hub, voice):
    push(voice, "me/mine")
    return hub


@pytest.fixture
def hasty(monkeypatch):
    """Make the client retry without waiting."""
    monkeypatch.setattr("huggingface_hub.utils._http.time.sleep", lambda _: None)


def test_there_and_back(hub, voice) -> None:
    assert push(voice, "me/mine") == ADDRESS
    assert set(hub.repositories["me/mine"]) == {"model.voice", "README.md"}
    path = pull(ADDRESS)
    assert path.read_bytes() == voice.read_bytes()
    assert voxlet.load(ADDRESS).labels == voxlet.load_voice(voice).labels
    assert pull(f"{ADDRESS}@main") == path
    assert set(hub.authorizations) <= {f"Bearer {TOKEN}", ""}
    assert f"Bearer {TOKEN}" in hub.authorizations


def test_without_a_network_what_was_pulled_is_there(pushed, hasty, monkeypatch) -> None:
    path = pull(ADDRESS)
    gone = "http://127.0.0.1:1"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", gone)
    template = gone + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    assert pull(ADDRESS) == path
    with pytest.raises(HubError, match="cannot be reached"):
        pull("hf:me/another")


def test_a_name_that_exists(pushed, voice) -> None:
    with pytest.raises(HubError, match="exists already; choose another name, or give --update"):
        push(voice, "me/mine")
    voice.write_bytes(tiny_voice.voice_bytes(tiny_voice.info(version="2")))
    push(voice, "me/mine", update=True)
    assert pushed.repositories["me/mine"]["model.voice"] == voice.read_bytes()


@pytest.mark.parametrize(
    ("way", "address", "error", "part"),
    [
        ("whole", "hf:me/nothing", HubError, "no such repository"),
        ("whole", "hf:me/mine@v9", HubError, "no such revision"),
        ("whole", "hf:me/empty", HubError, "holds no model.voice and no digests.json"),
        ("403", ADDRESS, HubError, "you are not allowed"),
        ("500", ADDRESS, HubError, "answered 500"),
        ("huge", ADDRESS, HubError, "too large"),
        ("flipped", ADDRESS, VoiceError, "checksum"),
    ],
)
def test_what_the_hub_may_answer(pushed, hasty, way, address, error, part) -> None:
    pushed.repositories["me/empty"] = {"README.md": b"x"}
    pushed.way = way
    with pytest.raises(error, match=part) as refused:
        pull(address)
    assert "\n" not in str(refused.value)
    assert TOKEN not in str(refused.value)
    pushed.way = "whole"
    assert pull(ADDRESS).read_bytes() == pushed.repositories["me/mine"]["model.voice"]


def test_a_torn_transfer(pushed, hasty) -> None:
    pushed.way = "torn"
    with pytest.raises(VoxletError) as refused:
        pull(ADDRESS)
    assert ADDRESS in str(refused.value)
    pushed.way = "whole"
    assert pull(ADDRESS).read_bytes() == pushed.repositories["me/mine"]["model.voice"]


def test_a_full_disk(pushed, small_disk, monkeypatch) -> None:
    monkeypatch.setenv("VOXLET_CACHE", str(small_disk / "cache"))
    (small_disk / "filler").write_bytes(bytes(50_000))
    with pytest.raises(FileError, match="No space left"):
        pull(ADDRESS)
    monkeypatch.setenv("VOXLET_CACHE", str(small_disk.parent / "elsewhere"))
    assert pull(ADDRESS).is_file()


def test_the_web(server, fresh_cache, voice) -> None:
    server.data = voice.read_bytes()
    digest = hashlib.sha256(server.data).hexdigest()
    address = f"{server.address}#sha256={digest}"
    assert voxlet.load(address).name == "tiny"
    asked = len(server.seen)
    assert pull(address).read_bytes() == server.data
    assert len(server.seen) == asked  # from the cache
    with pytest.raises(HubError, match="is not the file that was asked for"):
        pull(f"{server.address}#sha256={'0' * 64}", retries=loopback.HASTE)
    kept = sorted(path.name for path in pull(address).parent.iterdir())
    assert kept == [f"{digest}.lock", f"{digest}.voice"]


def test_the_web_asked_twice_at_once(server, fresh_cache, voice) -> None:
    server.data, server.plan = voice.read_bytes()[:60], ["drips"]
    digest = hashlib.sha256(server.data).hexdigest()
    with ThreadPoolExecutor(2) as pool, pytest.MonkeyPatch.context() as patch:
        patch.setattr("voxlet.downloading.fetch.FLOOR_RATE", 1.0)
        patch.setattr("voxlet.hub.pull.read_voice", lambda path: None)
        paths = list(pool.map(pull, [f"{server.address}#sha256={digest}"] * 2))
    assert paths[0] == paths[1]
    assert paths[0].read_bytes() == server.data
    assert len(server.seen) == 1


@pytest.mark.parametrize("way", ["404", "500", "endless", "drips"])
def test_what_a_server_of_the_web_may_do(server, fresh_cache, monkeypatch, way: str) -> None:
    monkeypatch.setattr("voxlet.hub.pull.MOST_BYTES", 100_000)
    server.plan = [way]
    server.data = bytes(5_000)
    hasty = loopback.RetryPolicy(attempts=2, backoff=0.01, timeout=0.3, patience=0.5)
    with pytest.raises(HubError) as refused:
        pull(f"{server.address}#sha256={'0' * 64}", retries=hasty)
    assert "--source" not in str(refused.value)


@pytest.mark.parametrize(
    "address",
    [
        "hf:",
        "hf:mine",
        "hf:a/b/c",
        "hf:../b",
        "hf:me/mine@",
        "hf:me/mine@../..",
        "hf:me/mi\nne",
        "hf:me/mine.git",
        "hf:me/-mine",
        "hf:me-/mine",
        f"hf:me/{97 * 'a'}",
        "https://example.org/x.voice",
        "https://example.org/x.voice#sha256=12",
        "https://example.org/x.voice#md5=12",
    ],
)
def test_an_address_that_is_none(fresh_cache, address: str) -> None:
    with pytest.raises(HubError):
        pull(address)
    with pytest.raises(HubError):
        voxlet.load(address)


@pytest.mark.parametrize(
    ("last", "name"),
    [
        ("my%20words.v2.voice?x=1", "my words.v2"),
        ("mine.voice", "mine"),
        ("mine", "mine"),
        ("%C3%BC.voice", "ü"),
    ],
)
def test_a_web_voices_name(last: str, name: str) -> None:
    assert parse_address(f"https://example.org/{last}#sha256={'0' * 64}").name == name


def test_schemes_in_any_case(hub, server, voice) -> None:
    push(voice, "me/mine")
    assert pull("HF:me/mine") == pull(ADDRESS)
    server.data = voice.read_bytes()
    digest = hashlib.sha256(server.data).hexdigest()
    address = f"{server.address.replace('http', 'HTTP')}#sha256={digest}"
    assert is_address(address)
    assert pull(address).read_bytes() == server.data


@pytest.mark.parametrize("fragment", ["", f"#sha256={'0' * 64}"])
def test_an_address_with_a_password(server, fresh_cache, fragment: str) -> None:
    with pytest.raises(HubError, match="leave out what comes before the @") as refused:
        pull(server.address.replace("//", "//me:secret@") + fragment)
    assert "secret" not in str(refused.value)
    assert server.seen == []


def test_what_a_download_advises_is_told(server, fresh_cache, monkeypatch) -> None:
    address = f"{server.address}#sha256={'0' * 64}"
    server.plan = ["503"]
    with pytest.raises(HubError, match=r"; run it again to continue where it stopped$"):
        pull(address, retries=loopback.HASTE)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    for proxy, told in (
        ("socks5://127.0.0.1:1", "socks5://127.0.0.1:1 is not a usable proxy; give this variable the form"),
        ("http://127.0.0.1:1", "the proxy http://127.0.0.1:1 does not work .*; correct this variable, or"),
    ):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        with pytest.raises(HubError, match=f"^HTTP_PROXY: {told}"):
            pull(address, retries=loopback.HASTE)


def test_pieces_of_two_versions_are_fetched_anew(server, fresh_cache, voice) -> None:
    server.data = voice.read_bytes()
    address = f"{server.address}#sha256={hashlib.sha256(server.data).hexdigest()}"
    new, server.data, server.etag = server.data, bytes(len(server.data)), ""  # nothing marks the versions
    server.plan = ["truncates", "503"]
    with pytest.raises(HubError):
        pull(address, retries=loopback.HASTE)
    server.data, server.plan = new, ["whole"]
    assert pull(address).read_bytes() == new
    assert [asked.get("Range") is None for asked in server.seen[-2:]] == [False, True]


def test_another_file_in_one_piece_is_not_fetched_twice(server, fresh_cache) -> None:
    with pytest.raises(HubError, match="is not the file that was asked for"):
        pull(f"{server.address}#sha256={'0' * 64}")
    assert len(server.seen) == 1


@pytest.mark.parametrize("name", ["HTTP_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    "proxy", ["ftp://x", "http://", "http://host:port", "http://h:99999", "a b", "socks4://x"]
)
def test_a_proxy_of_the_client_that_is_none(pushed, hasty, voice, name: str, proxy: str) -> None:
    """The client reads all three variables, whichever it needs."""
    with unproxied() as patch:
        patch.setenv(name, proxy)
        for transfer in (lambda: pull(ADDRESS), lambda: push(voice, "me/other")):
            with pytest.raises(
                HubError, match=rf"^{name}: \S*{proxy} is not a usable proxy; give this"
            ) as told:
                transfer()
            assert "\n" not in str(told.value)
        patch.setenv("NO_PROXY", "*")
        assert pull(ADDRESS).is_file()


@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
@pytest.mark.parametrize("proxy", ["127.0.0.1:1", "http://me:secret@127.0.0.1:1", "nonsense"])
def test_a_proxy_of_the_client_that_cannot_be_reached(pushed, hasty, voice, name: str, proxy: str) -> None:
    there = pull(ADDRESS)
    host = proxy.rpartition("@")[2]
    part = rf"^{name}: the proxy http://{host} does not work \(.*\); correct this variable, or unset it"
    with unproxied() as patch:
        patch.setenv(name, proxy)
        for transfer in (lambda: pull("hf:me/another"), lambda: push(voice, "me/other")):
            with pytest.raises(HubError, match=part) as told:
                transfer()
            assert "secret" not in str(told.value)
        assert pull(ADDRESS) == there  # from the cache
    with unproxied() as patch:
        patch.setenv(name, proxy)
        patch.setenv("NO_PROXY", "127.0.0.1")
        assert push(voice, "me/other") == "hf:me/other"


@contextlib.contextmanager
def unproxied() -> Iterator[pytest.MonkeyPatch]:
    """No variable sets a proxy yet; a new session of the client reads them."""
    from huggingface_hub.utils import _http

    with pytest.MonkeyPatch.context() as patch:
        for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
            patch.delenv(name, raising=False)
            patch.delenv(name.upper(), raising=False)
        _http.close_session()
        yield patch
    _http.close_session()


def offline(patch: pytest.MonkeyPatch) -> None:
    from huggingface_hub.utils import _http

    patch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    _http.close_session()  # a session reads the offline setting when it is made


@pytest.mark.follows("hub/pull.py: unset this variable, or give it an address that begins with https://")
@pytest.mark.follows("hub/pull.py: copy it into this variable again, or unset it and log in: `hf auth login`")
@pytest.mark.parametrize(
    ("changed", "part"),
    [
        (lambda patch: patch.setenv("HF_TOKEN", "tökén"), "^HF_TOKEN: the token holds .*hf auth login"),
        (
            lambda patch: patch.setattr("huggingface_hub.constants.ENDPOINT", "foo"),
            "^HF_ENDPOINT: 'foo' is not the address of a hub; unset",
        ),
        (offline, "HF_HUB_OFFLINE is set; unset"),
    ],
)
def test_a_client_set_up_wrongly(pushed, hasty, voice, changed, part: str) -> None:
    from huggingface_hub.utils import _http

    with pytest.MonkeyPatch.context() as patch:
        changed(patch)
        with pytest.raises(HubError, match=part):
            pull(ADDRESS)
        with pytest.raises(HubError, match=part):
            push(voice, "me/other")
    _http.close_session()
    assert pull(ADDRESS).is_file()
    assert push(voice, "me/other")


@pytest.mark.follows("hub/push.py: leave --private out; who may see it is set on its page")
def test_private_is_for_a_new_repository(pushed, voice, capsys) -> None:
    assert main(["push", str(voice), "me/new", "--private", "--update"]) == 0
    capsys.readouterr()
    assert main(["push", str(voice), "me/mine", "--private", "--update"]) == 2
    assert "exists already, and --private is for a new one" in capsys.readouterr().err
    assert main(["push", str(voice), "me/mine", "--update"]) == 0


def test_a_name_is_checked_before_anything_is_fetched(pushed, capsys) -> None:
    pushed.asked.clear()
    assert main(["pull", ADDRESS, "--name", "a/b"]) == 2
    assert pushed.asked == []
    assert "'a/b': cannot be a file name; use" in capsys.readouterr().err
    assert main(["pull", ADDRESS, "--name", "a-b"]) == 0


def test_what_is_no_voice_is_not_kept(server, fresh_cache) -> None:
    server.data = b"no voice"
    digest = hashlib.sha256(server.data).hexdigest()
    with pytest.raises(VoiceError):
        pull(f"{server.address}#sha256={digest}")
    assert not list(fresh_cache.rglob("*.voice"))


def test_the_commands(hub, voice, capsys) -> None:
    assert main(["push", str(voice), "me/mine"]) == 0
    assert main(["pull", ADDRESS]) == 0
    assert main(["say", "4", "--voice", "mine", "-o", str(voice.with_name("4.wav"))]) == 0
    assert main(["pull", ADDRESS, "--name", "other"]) == 0
    assert main(["pull", ADDRESS, "--name", "../x"]) == 2
    assert sorted(path.name for path in (voice.parent / "voices").iterdir()) == ["mine.voice", "other.voice"]
    shown = capsys.readouterr()
    assert TOKEN not in shown.out + shown.err
    assert shown.err.count("\n") == 1


@pytest.mark.parametrize("way", ["torn", "403", "flipped"])
def test_a_failure_is_one_line(pushed, hasty, capfd, way: str) -> None:
    pushed.way = way
    assert main(["pull", ADDRESS]) == 2
    shown = capfd.readouterr()
    assert shown.err.count("\n") == 1
    assert TOKEN not in shown.err


def test_an_installed_voice_is_not_replaced(hub, voice, capsys) -> None:
    push(voice, "me/mine")
    assert main(["pull", ADDRESS]) == main(["pull", ADDRESS]) == 0  # the same again
    voice.write_bytes(tiny_voice.voice_bytes(tiny_voice.info(version="2")))
    push(voice, "me/second")
    assert main(["pull", "hf:me/second", "--name", "mine"]) == 2
    assert "mine: is installed already" in capsys.readouterr().err
