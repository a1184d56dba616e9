"""Downloading from a misbehaving server on the loopback, and hostile archives."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import os
import tarfile
import threading
import tracemalloc
import zipfile
from dataclasses import replace

import pytest

from loopback import DIGEST, FILES, HASTE, dripping, tar_of, zip_of
from voxlet import files
from voxlet.cli.main import main
from voxlet.corpus.catalog import CATALOG
from voxlet.corpus.download import get_corpus
from voxlet.corpus.unpack import unpack
from voxlet.downloading.fetch import RetryPolicy, fetch
from voxlet.errors import DownloadError, LockedError
from work import ends

LIMIT = 10_000_000
ARRIVED = 150_000  # of 300,000 bytes: the server disconnects half-way


def download(server, target, retries=HASTE):
    fetch(server.address, target, limit=LIMIT, progress=False, retries=retries)
    return target.read_bytes()


@pytest.mark.parametrize(
    ("plan", "requests"),
    [
        (["whole"], 1),
        (["redirect", "whole"], 2),
        (["no length"], 1),
        (["503", "429", "whole"], 3),
        (["truncates", "whole"], 2),
        (["truncates", "truncates", "503", "truncates", "whole"], 5),
        (["stalls", "whole"], 2),
        (["truncates", "ignores range"], 2),
        (["truncates", "416", "whole"], 3),
        (["truncates", "wrong piece", "whole"], 3),
    ],
)
def test_the_file_arrives_whole(server, tmp_path, plan, requests):
    server.plan = plan
    assert download(server, tmp_path / "archive") == server.data
    assert len(server.seen) == requests
    assert [path.name for path in tmp_path.iterdir()] == ["archive"]


def test_a_broken_download_goes_on_where_it_stopped(server, tmp_path):
    server.plan = ["truncates", "whole"]
    download(server, tmp_path / "archive")
    assert server.seen[0].get("Range") is None
    assert server.seen[1]["Range"] == f"bytes={ARRIVED}-"
    assert server.seen[1]["If-Range"] == '"one"'


def test_another_process_goes_on_where_the_first_was_killed(server, tmp_path):
    server.plan = ["truncates", "503"]
    with pytest.raises(DownloadError, match=r"failed 3 times without progress \(the server answered 503"):
        download(server, tmp_path / "archive")
    assert (tmp_path / "archive.part").stat().st_size == ARRIVED
    server.plan = ["whole"]
    assert download(server, tmp_path / "archive") == server.data
    assert server.seen[-1]["Range"] == f"bytes={ARRIVED}-"


def test_a_file_that_changed_on_the_server_is_fetched_anew(server, tmp_path):
    server.plan = ["truncates", "503"]
    with pytest.raises(DownloadError):
        download(server, tmp_path / "archive")
    server.plan, server.etag, server.data = ["whole"], '"two"', os.urandom(200_000)
    assert download(server, tmp_path / "archive") == server.data


def test_what_came_before_goes_before_the_new_mark_is_written(server, tmp_path, monkeypatch):
    """Otherwise a process that ends between the two would resume from old bytes under a new mark."""
    server.plan = ["truncates", "503"]
    with pytest.raises(DownloadError):
        download(server, tmp_path / "archive")
    server.plan, server.etag, server.data = ["whole"], '"two"', os.urandom(200_000)

    def ended(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("voxlet.downloading.fetch.append", ended)
        with pytest.raises(KeyboardInterrupt):
            download(server, tmp_path / "archive")
    assert download(server, tmp_path / "archive") == server.data


def test_a_server_without_marks_is_resumed_too(server, tmp_path):
    server.plan, server.etag = ["truncates", "whole"], ""
    assert download(server, tmp_path / "archive") == server.data
    assert "If-Range" not in server.seen[1]
    assert "Range" in server.seen[1]


def test_an_unmarked_part_is_not_trusted(server, tmp_path):
    (tmp_path / "archive.part").write_bytes(b"from who knows where")
    assert download(server, tmp_path / "archive") == server.data


@pytest.mark.parametrize("status", ["404", "403", "410"])
def test_a_refusal_is_final(server, tmp_path, status):
    server.plan = [status]
    with pytest.raises(DownloadError, match=rf"the server answered {status} .*--source") as caught:
        download(server, tmp_path / "archive")
    assert len(server.seen) == 1
    assert server.address in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_always_stalls_or_is_away(server, tmp_path):
    server.data, server.plan = b"0123456789", ["stalls"]
    with ends(), pytest.raises(DownloadError, match="without progress"):
        download(server, tmp_path / "archive", RetryPolicy(attempts=2, backoff=0.01, timeout=0.1))
    with ends(), pytest.raises(DownloadError, match="without progress"):
        fetch("http://127.0.0.1:9/none", tmp_path / "a", limit=LIMIT, progress=False, retries=HASTE)


def test_too_much_is_refused(server, tmp_path):
    for plan in ("whole", "endless"):
        server.plan = [plan]
        with pytest.raises(DownloadError, match="the download has more than 0 MB, as a bomb would"):
            fetch(server.address, tmp_path / plan, limit=100_000, progress=False, retries=HASTE)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_drips_is_given_up_and_gone_on_with(server, tmp_path):
    server.plan = ["drips"]
    with (
        ends(),
        pytest.raises(DownloadError, match=r"slower than 1 kB/s for 0\.3 s; run it again to continue"),
    ):
        download(server, tmp_path / "archive", RetryPolicy(backoff=0.01, timeout=5, patience=0.3))
    assert len(server.seen) == 1
    server.plan = ["whole"]  # the remedy
    assert download(server, tmp_path / "archive") == server.data
    assert int(server.seen[-1]["Range"].removeprefix("bytes=").removesuffix("-")) > 0


def test_a_server_that_breaks_off_after_every_byte_is_given_up(server, tmp_path):
    server.plan = ["a byte and no more"]
    with pytest.raises(DownloadError, match="failed 3 times without progress"):
        download(server, tmp_path / "archive")
    assert len(server.seen) == 3


@pytest.mark.parametrize("place", ["", "ftp://example.org/a", "http://127.0.0.1:99999999/a"])
def test_redirects_to_nowhere_are_final(server, tmp_path, place):
    server.plan = [f"redirect {place}"]
    with pytest.raises(DownloadError, match="redirects the download to nowhere"):
        download(server, tmp_path / "archive")
    assert len(server.seen) <= 6  # round in a circle once
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address",
    ["ftp://example.org/a", "missing.tar.gz", "http://", "file:///etc/passwd", "http://a:b/", "http://[/"],
)
def test_addresses_that_are_none(tmp_path, fresh_cache, address, capsys):
    with pytest.raises(DownloadError, match="neither an http"):
        fetch(address, tmp_path / "archive", limit=LIMIT)
    assert main(["corpus", "get", "fsdd", "--source", address]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not fresh_cache.exists()


@pytest.mark.follows("downloading/addresses.py: leave out what comes before the @")
@pytest.mark.parametrize("user", ["me:secret@", "secret@", "me:secret@x@"])
def test_a_password_is_not_shown(server, tmp_path, user):
    with pytest.raises(DownloadError, match="not sent; leave out what comes before the @") as caught:
        fetch(server.address.replace("//", f"//{user}"), tmp_path / "archive", limit=LIMIT)
    assert "secret" not in str(caught.value)
    assert server.seen == []
    download(server, tmp_path / "archive")


@pytest.mark.follows("downloading/addresses.py: check what is between // and the next /")
@pytest.mark.parametrize("host", ["exa mple.org", f"{64 * 'a'}.org", "a..org", "a<b"])
def test_a_host_that_is_none(server, tmp_path, host):
    address = server.address.replace("127.0.0.1", host)
    with pytest.raises(DownloadError, match="cannot be a host name; check what is between") as caught:
        fetch(address, tmp_path / "archive", limit=LIMIT)
    assert "\n" not in str(caught.value)
    download(server, tmp_path / "archive")


@pytest.fixture
def proxied(monkeypatch):
    """Return a function that sets a proxy variable; all others are unset."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    return monkeypatch.setenv


@pytest.mark.parametrize("form", ["http://{}", "{}", "http://{}/", "http://me:p%40ss@{}", "me:p%40ss@{}"])
@pytest.mark.parametrize("name", ["http_proxy", "all_proxy"])
def test_by_way_of_a_proxy(server, tmp_path, proxied, name, form):
    proxied(name, form.format(f"127.0.0.1:{server.server_address[1]}"))
    fetch("http://voices.example/a", tmp_path / "archive", limit=LIMIT, progress=False, retries=HASTE)
    assert (tmp_path / "archive").read_bytes() == server.data
    user = base64.b64encode(b"me:p@ss").decode()
    told = {name.lower(): value for name, value in server.seen[0].items()}
    assert told.get("proxy-authorization") == (f"Basic {user}" if "me:" in form else None)
    assert told["host"] == "voices.example"


def test_a_password_is_for_the_proxy_alone(server, tmp_path, proxied):
    proxied("http_proxy", "http://me:secret@127.0.0.1:9")
    proxied("no_proxy", "127.0.0.1")
    download(server, tmp_path / "archive")
    assert "proxy-authorization" not in map(str.lower, server.seen[0])


@pytest.mark.follows("downloading/addresses.py: give this variable the form http://host:port, or unset it")
@pytest.mark.parametrize(
    "proxy",
    [
        "socks5://127.0.0.1:1080",
        "http://",
        "http://me:secret@a b:1",
        "http://me:the#secret@host:1",
        "127.0.0.1:x",
        "http://h:99999",
    ],
)
def test_a_proxy_that_is_none(server, tmp_path, proxied, proxy):
    server.plan = ["truncates", "503"]
    with pytest.raises(DownloadError):
        download(server, tmp_path / "archive")
    proxied("http_proxy", proxy)
    with pytest.raises(DownloadError, match=r"^http_proxy: .* is not a usable proxy; give") as caught:
        download(server, tmp_path / "archive")
    assert "secret" not in str(caught.value)
    assert (tmp_path / "archive.part").stat().st_size == ARRIVED
    server.plan = ["whole"]
    proxied("http_proxy", f"http://127.0.0.1:{server.server_address[1]}")
    download(server, tmp_path / "archive")
    assert server.seen[-1]["Range"] == f"bytes={ARRIVED}-"


@pytest.mark.follows("downloading/addresses.py: correct this variable, or unset it to go without a proxy")
@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    ("proxy", "reason"),
    [("http://me:secret@127.0.0.1:1", "Connection refused"), ("no.host.invalid", "Failed to resolve")],
)
def test_a_proxy_that_cannot_be_reached(server, tmp_path, proxied, capsys, name, proxy, reason):
    proxied(name, proxy)
    host = proxy.rpartition("@")[2].removeprefix("http://")
    with pytest.raises(DownloadError) as caught:
        fetch(server.address, tmp_path / "archive", limit=LIMIT, retries=HASTE)
    assert all("refused); trying again" in line for line in capsys.readouterr().err.splitlines())
    assert str(caught.value).startswith(f"{name}: the proxy http://{host} does not work (")
    assert reason in str(caught.value)
    assert str(caught.value).endswith("; correct this variable, or unset it to go without a proxy")
    assert "secret" not in str(caught.value)
    proxied(name, "")
    download(server, tmp_path / "archive")


def test_no_proxy_is_used_where_none_is_to_be(server, tmp_path, proxied):
    proxied("http_proxy", "ftp://nonsense")
    proxied("no_proxy", "example.org, *")
    download(server, tmp_path / "archive")


@pytest.mark.parametrize("digits", [20, 5_000])
def test_a_length_of_many_digits_is_too_much(tmp_path, digits):
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {digits * '9'}\r\n\r\n".encode()
    with dripping(head, b"") as address, pytest.raises(DownloadError, match="as a bomb would"):
        fetch(address, tmp_path / "archive", limit=LIMIT, progress=False, retries=HASTE)


def test_a_piece_that_begins_at_a_number_of_many_digits(tmp_path):
    head = f"HTTP/1.1 206 OK\r\nContent-Length: 1\r\nContent-Range: bytes {5_000 * '9'}-\r\n\r\n".encode()
    with dripping(head, b"a") as address, pytest.raises(DownloadError, match="sent a different piece from"):
        fetch(address, tmp_path / "archive", limit=LIMIT, progress=False, retries=HASTE)


def test_what_cannot_be_gone_on_with_is_removed(server, tmp_path):
    server.plan = ["truncates", "503"]
    with pytest.raises(DownloadError):
        download(server, tmp_path / "archive")
    assert len(list(tmp_path.iterdir())) == 2  # a part and its mark, to resume from
    server.plan = ["404"]
    with pytest.raises(DownloadError, match="the download was refused: the server answered 404"):
        download(server, tmp_path / "archive")
    assert list(tmp_path.iterdir()) == []


# --- the corpus itself


def corpora(cache) -> list[str]:
    folder = cache / "corpora"
    return (
        sorted(path.name for path in folder.iterdir() if not path.name.endswith(".lock"))
        if folder.exists()
        else []
    )


def test_get_puts_a_verified_corpus_into_its_place(tiny, server, fresh_cache):
    fetched = get_corpus("tiny", progress=False, retries=HASTE)
    assert (fetched.clips, fetched.digest, fetched.pinned, fetched.fresh) == (6, DIGEST, False, True)
    found = {
        p.relative_to(fetched.folder).as_posix(): p.read_bytes()
        for p in fetched.folder.rglob("*")
        if p.is_file()
    }
    assert found == {**FILES, "recordings/notes.txt": b"wanted"}
    assert list((fresh_cache / "downloads").iterdir()) == []
    again = get_corpus("tiny", progress=False, retries=HASTE)
    assert (again.fresh, again.digest, len(server.seen)) == (False, DIGEST, 1)


@pytest.mark.parametrize(
    "pack", [tar_of, zip_of, lambda f: tar_of(f, kind=""), lambda f: tar_of(f, top="./")]
)
def test_a_local_archive_in_place_of_the_source(tiny, server, tmp_path, pack):
    (tmp_path / "mine").write_bytes(pack(FILES))
    fetched = get_corpus("tiny", source=str(tmp_path / "mine"), progress=False)
    assert fetched.digest == DIGEST
    assert server.seen == []
    assert (tmp_path / "mine").exists()


def test_a_mirror_in_place_of_the_source(tiny, server, monkeypatch):
    monkeypatch.setitem(CATALOG, "tiny", replace(tiny, source="http://127.0.0.1:9/gone"))
    assert get_corpus("tiny", source=server.address, progress=False, retries=HASTE).digest == DIGEST


def test_a_wrong_digest_leaves_nothing_and_is_fetched_anew_next_time(tiny, server, fresh_cache):
    good = server.data
    server.data = tar_of(FILES | {"recordings/0_ann_0.wav": b"tampered with"})
    with pytest.raises(DownloadError, match=r"its content has the digest \w{16}…, not .*tampered"):
        get_corpus("tiny", progress=False, retries=HASTE)
    assert corpora(fresh_cache) == []
    server.data = good
    assert get_corpus("tiny", progress=False, retries=HASTE).digest == DIGEST


@pytest.mark.parametrize("way", ["404", "tampered", "a page", "away"])
def test_a_refused_download_leaves_nothing_in_the_cache(tiny, server, fresh_cache, monkeypatch, way):
    if way == "404":
        server.plan = ["404"]
    elif way == "tampered":
        server.data = tar_of(FILES | {"recordings/0_ann_0.wav": b"tampered with"})
    elif way == "a page":
        server.data = b"<!doctype html><title>Not found</title>" * 40
    else:
        monkeypatch.setitem(CATALOG, "tiny", replace(tiny, source="http://127.0.0.1:9/gone"))
    with pytest.raises(DownloadError) as caught:
        get_corpus("tiny", progress=False, retries=HASTE)
    assert not fresh_cache.exists()
    assert str(caught.value).startswith(CATALOG["tiny"].source)  # not a file that has been removed
    assert "archive " not in caught.value.what


def test_a_part_of_the_corpus_is_not_the_corpus(tiny, server, fresh_cache):
    server.data = tar_of(dict(list(FILES.items())[:5]))
    with pytest.raises(DownloadError, match="holds 5 clips instead of 6"):
        get_corpus("tiny", progress=False, retries=HASTE)
    assert corpora(fresh_cache) == []


def test_an_unknown_digest_is_pinned_at_the_first_download(tiny, server, fresh_cache, monkeypatch):
    monkeypatch.setitem(CATALOG, "tiny", replace(tiny, digest=None))
    first = get_corpus("tiny", progress=False, retries=HASTE)
    assert (first.pinned, first.digest) == (True, DIGEST)
    assert (fresh_cache / "corpora" / "tiny.digest").read_text() == f"{DIGEST}\n"
    import shutil

    shutil.rmtree(first.folder)
    server.data = tar_of(FILES | {"recordings/0_ann_0.wav": b"another"})
    with pytest.raises(DownloadError, match=r"pinned in .*tiny\.digest"):
        get_corpus("tiny", progress=False, retries=HASTE)


def test_ended_before_it_is_pinned_it_is_pinned_the_next_time(tiny, server, fresh_cache, monkeypatch):
    monkeypatch.setitem(CATALOG, "tiny", replace(tiny, digest=None))

    written = files.write_atomically

    def ended(path, data):
        if path.name == "tiny.digest":
            raise KeyboardInterrupt
        written(path, data)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_atomically", ended)
        with pytest.raises(KeyboardInterrupt):
            get_corpus("tiny", progress=False, retries=HASTE)
    assert get_corpus("tiny", progress=False, retries=HASTE).pinned
    assert len(server.seen) == 1  # the archive was whole


def test_who_is_ended_while_waiting_leaves_the_lock_of_the_other(tiny, server, fresh_cache, monkeypatch):
    """Otherwise a third process could enter while the other still works."""
    real = files.exclusive

    @contextlib.contextmanager
    def another_first(path, **options):
        with real(path), real(path, wait=False, **options):
            yield

    monkeypatch.setattr("voxlet.corpus.download.exclusive", another_first)
    with pytest.raises(LockedError):
        get_corpus("tiny", progress=False, retries=HASTE)
    assert (fresh_cache / "corpora" / "tiny.lock").exists()


def test_unknown_name_folder_and_unreadable_source(tiny, tmp_path):
    with pytest.raises(DownloadError, match="nope: no such corpus; the known ones are fsdd, audiomnist"):
        get_corpus("nope")
    with pytest.raises(DownloadError, match="is a folder, not an archive"):
        get_corpus("tiny", source=str(tmp_path))


def test_two_processes_at_once_download_once(tiny, server):
    answers = []
    threads = [
        threading.Thread(target=lambda: answers.append(get_corpus("tiny", progress=False, retries=HASTE)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.digest for answer in answers] == [DIGEST] * 4
    assert sum(answer.fresh for answer in answers) == 1
    assert len(server.seen) == 1


# --- hostile archives


def tar_with(*entries: tarfile.TarInfo, data: bytes = b"x" * 100) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tape:
        for entry in entries:
            entry.size = len(data) if entry.isreg() else 0
            tape.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def entry(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, target
    return made


def zip_link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        info = zipfile.ZipInfo("t/recordings/0_a_0.wav")
        info.external_attr = 0o120777 << 16
        packed.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def long_pax() -> bytes:
    """Return an archive whose header requests gigabytes of memory before the first file."""
    made = tarfile.TarInfo("header")
    made.type, made.size = tarfile.XHDTYPE, 3_000_000_000
    return gzip.compress(made.tobuf() + bytes(2_000_000))


WAV = "t/recordings/0_a_0.wav"
HOSTILE = {
    "climbs out": (tar_with(entry("t/recordings/../../../evil.wav")), "leaves its folder"),
    "climbs out above": (tar_with(entry("../evil.wav")), "leaves its folder"),
    "absolute": (tar_with(entry("/tmp/evil.wav")), "leaves its folder"),
    "backslashes": (tar_with(entry("t\\..\\..\\evil.wav")), "leaves its folder"),
    "drive": (tar_with(entry("C:/recordings/evil.wav")), "leaves its folder"),
    "symbolic link": (tar_with(entry(WAV, tarfile.SYMTYPE, "/etc/passwd")), "a link or a device"),
    "hard link": (tar_with(entry(WAV, tarfile.LNKTYPE, "/etc/passwd")), "a link or a device"),
    "device": (tar_with(entry(WAV, tarfile.CHRTYPE)), "a link or a device"),
    "pipe": (tar_with(entry(WAV, tarfile.FIFOTYPE)), "a link or a device"),
    "twice": (tar_with(entry(WAV), entry(WAV)), "twice"),
    "twice but for case": (tar_with(entry(WAV), entry("t/recordings/0_A_0.wav")), "twice"),
    "twice but for composition": (
        tar_with(entry("t/recordings/\u00e9.wav"), entry("t/recordings/e\u0301.wav")),
        "twice",
    ),
    "tar bomb": (tar_with(entry(WAV), data=bytes(LIMIT + 1)), "as a bomb would"),
    "bomb beside the wanted": (tar_with(entry("t/other.bin"), data=bytes(LIMIT + 1)), "as a bomb would"),
    "many small": (
        tar_with(*(entry(f"t/recordings/{n}.wav") for n in range(21)), data=bytes(500_000)),
        "bomb",
    ),
    "header bomb": (long_pax(), "as a bomb would"),
    "zip climbs out": (zip_of({"recordings/../../evil.wav": b"x"}), "leaves its folder"),
    "zip absolute": (zip_of({"x.wav": b"x"}, top="/etc/"), "leaves its folder"),
    "zip link": (zip_link(), "a link or a device"),
    "zip bomb": (zip_of({"recordings/0_a_0.wav": bytes(LIMIT + 1)}), "as a bomb would"),
    "cut-off gzip": (tar_of(FILES)[:-60], "damaged"),
    "cut-off zip": (zip_of(FILES)[:-30], "damaged"),
    "cut-off tar": (tar_of(FILES, kind="")[:1300], "damaged"),
    "a page": (b"<!doctype html><title>Not found</title>" * 40, "damaged or of an unknown kind"),
    "empty": (b"", "damaged or of an unknown kind"),
    "other folders": (tar_of({"music/a.wav": b"x"}), r"none of the expected folders \(recordings\)"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_and_damaged_archives(tmp_path, name):
    data, expected = HOSTILE[name]
    (tmp_path / "archive").write_bytes(data)
    (tmp_path / "in" / "side").mkdir(parents=True)
    tracemalloc.start()
    with pytest.raises(DownloadError, match=expected):
        unpack(tmp_path / "archive", tmp_path / "in" / "side", ("recordings",), LIMIT)
    assert tracemalloc.get_traced_memory()[1] < 40_000_000
    tracemalloc.stop()
    outside = [path for path in tmp_path.rglob("*") if "evil" in path.name or path.is_symlink()]
    assert outside == []
    written = sum(path.stat().st_size for path in (tmp_path / "in").rglob("*") if path.is_file())
    assert written <= LIMIT


def test_a_zip_that_lies_about_its_sizes(tmp_path):
    honest = bytearray(zip_of({"recordings/0_a_0.wav": bytes(50_000)}))
    for place in (22, honest.rindex(b"PK\x01\x02") + 24):  # uncompressed size: local header, directory
        honest[place : place + 4] = (10).to_bytes(4, "little")
    (tmp_path / "archive").write_bytes(honest)
    (tmp_path / "in").mkdir()
    with pytest.raises(DownloadError, match="damaged"):
        unpack(tmp_path / "archive", tmp_path / "in", ("recordings",), LIMIT)


def test_a_hostile_archive_from_the_server_leaves_nothing(tiny, server, fresh_cache):
    server.data = HOSTILE["climbs out"][0]
    with pytest.raises(DownloadError, match="leaves its folder"):
        get_corpus("tiny", progress=False, retries=HASTE)
    assert not fresh_cache.exists()


def test_command_line(tiny, server, fresh_cache, capsys):
    assert main(["corpus", "get", "tiny"]) == 0
    told = capsys.readouterr().out
    assert f"content digest {DIGEST}" in told
    assert "CC0; credit: nobody" in told
    assert main(["corpus", "get", "tiny", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["digest"] == DIGEST
    assert main(["corpus", "get", "nope"]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main(["corpus", "list"]) == 0
    listed = capsys.readouterr().out
    assert "here, whole:" in listed
    assert "fetch it with: voxlet corpus get fsdd" in listed
    assert main(["corpus", "list", "--json"]) == 0
    assert {row["name"] for row in json.loads(capsys.readouterr().out)} >= {
        "fsdd",
        "audiomnist",
        "speech_commands",
    }
