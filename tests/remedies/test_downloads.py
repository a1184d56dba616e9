"""Following the remedies in messages about downloads and archives, with servers on the loopback."""

from __future__ import annotations

import hashlib
import os
import shlex
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import loopback
from loopback import DIGEST, FILES, HASTE, Server, tar_of, zip_of
from messages import message
from synthetic import every_word, write_clip
from voxlet.cli.main import main
from voxlet.corpus import catalog
from voxlet.corpus.catalog import CATALOG, CatalogEntry
from voxlet.corpus.corpus import open_corpus
from voxlet.corpus.download import get_corpus
from voxlet.errors import CorpusError, DownloadError

follows = pytest.mark.follows


def refused(**options: object) -> str:
    """Return the message when the corpus cannot be fetched with these options."""
    return message(DownloadError, get_corpus, "tiny", progress=False, retries=HASTE, **options)


def got(source: object = None) -> bool:
    """Return whether the corpus can be fetched from a source; remove it again."""
    found = get_corpus("tiny", source=None if source is None else str(source), progress=False, retries=HASTE)
    for path in sorted(found.folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    found.folder.rmdir()
    return found.digest == DIGEST


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Return the corpus's archive as a local file."""
    path = tmp_path / "brought.tar.gz"
    path.write_bytes(loopback.TINY)
    return path


def mirror_or_archive(archive: Path) -> None:
    """Name a mirror, then a local archive."""
    with loopback.serving() as mirror:
        mirror.data = loopback.TINY
        assert got(mirror.address)
    assert got(archive)


@pytest.mark.usefixtures("tiny")
@follows(
    "downloading/fetch.py: run it again to continue where it stopped, or name a mirror or a local "
    "archive with --source"
)
def test_a_download_that_stops(server: Server, archive: Path) -> None:
    server.data += bytes(100_000)  # after the archive's end: what arrives first is more than a piece
    server.plan = ["truncates", "503"]
    refused()
    server.plan = ["whole"]
    assert got()
    assert server.seen[-1]["Range"].startswith("bytes=5")
    server.plan = ["503"]
    refused()
    mirror_or_archive(archive)


@pytest.mark.usefixtures("tiny")
@follows("downloading/fetch.py: name a mirror or a local archive with --source")
@pytest.mark.parametrize("plan", ["404", "redirect ftp://example.org/a", "endless"])
def test_a_download_that_is_refused(server: Server, archive: Path, plan: str) -> None:
    server.plan = [plan]
    refused()
    mirror_or_archive(archive)


@follows(
    "downloading/fetch.py: is this machine online? If not, copy the archive here and name it with --source"
)
def test_a_machine_that_is_not_online(
    tiny: CatalogEntry, server: Server, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def offline(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with monkeypatch.context() as cable:
        cable.setattr(socket, "getaddrinfo", offline)
        refused()
        assert got(archive)
    assert got()  # it is online now


@pytest.mark.usefixtures("tiny")
@follows(
    "downloading/addresses.py: give --source an address that begins with http:// or https://, or the "
    "path of an archive"
)
def test_a_source_that_is_none(
    server: Server, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused(source="ftp://example.org/a")
    assert got(server.address)
    pair = loopback.certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    assert got(loopback.encrypt(server, pair))
    assert got(archive)


@follows(
    "downloading/fetch.py: check this machine's clock, name the certificates to trust in the "
    "variable SSL_CERT_FILE, or name a mirror or a local archive with --source"
)
def test_a_certificate_that_is_not_trusted(
    tiny: CatalogEntry, server: Server, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a wrong clock, a certificate appears to have expired."""
    (tmp_path / "old").mkdir()
    with loopback.serving() as late:
        late.data = loopback.TINY
        pair = loopback.certificate(tmp_path / "old", days=-1)
        monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
        assert "expired" in refused(source=loopback.encrypt(late, pair))
    monkeypatch.delenv("SSL_CERT_FILE")
    pair = loopback.certificate(tmp_path)
    monkeypatch.setitem(CATALOG, "tiny", replace(tiny, source=loopback.encrypt(server, pair)))
    refused()
    mirror_or_archive(archive)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair[0]))
    assert got()


@pytest.mark.usefixtures("tiny")
@follows("corpus/unpack.py: it must be a whole .tar.gz, .tar or .zip file: fetch it again")
@pytest.mark.parametrize("pack", [tar_of, zip_of, lambda files: tar_of(files, kind="")])
def test_an_archive_that_is_cut_off(
    server: Server, tmp_path: Path, pack: Callable[[dict[str, bytes]], bytes]
) -> None:
    whole = pack(FILES)
    server.data = whole[:100]
    refused()
    server.data = whole
    assert got()
    (tmp_path / "mine").write_bytes(whole[:100])
    refused(source=str(tmp_path / "mine"))
    (tmp_path / "mine").write_bytes(whole)
    assert got(tmp_path / "mine")


@pytest.mark.usefixtures("tiny")
@follows("corpus/unpack.py: name a mirror or a local archive with --source")
def test_an_archive_that_is_a_bomb(server: Server, archive: Path) -> None:
    server.data = tar_of({"recordings/0_ann_0.wav": bytes(11_000_000)})
    refused()
    mirror_or_archive(archive)


@follows("corpus/download.py: the known ones are …")
@follows("corpus/corpus.py: the known ones are …")
def test_corpora_that_are_known(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [message(DownloadError, get_corpus, "nope"), message(CorpusError, open_corpus, "nope")]
    assert main(["corpus", "list"]) == 0
    table = capsys.readouterr().out
    for line in lines:
        for name in line.partition("the known ones are ")[2].split(", "):
            assert name in table


def words(folder: Path) -> Path:
    """Make a folder of recordings."""
    folder.mkdir(exist_ok=True)
    for label, speaker, take, samples in every_word(2, 2):
        write_clip(folder / f"{label}_{speaker}_{take}.wav", samples)
    return folder


@pytest.mark.usefixtures("tiny")
@follows("corpus/download.py: recordings in a folder need no fetching: voxlet corpus inspect …")
def test_a_folder_in_place_of_an_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = words(tmp_path / "my words")
    command = refused(source=str(folder)).partition("no fetching: ")[2]
    monkeypatch.chdir(tmp_path)
    assert main(shlex.split(command)[1:]) == 0


@pytest.mark.usefixtures("tiny")
@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no named pipes")
@follows("corpus/download.py: save it as a file, and give --source that file")
def test_a_pipe_in_place_of_an_archive(archive: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)  # which nobody writes to
    refused(source=str(pipe))
    refused(source="/dev/zero")
    pipe.unlink()
    pipe.write_bytes(archive.read_bytes())
    assert got(pipe)


@pytest.mark.usefixtures("tiny")
@follows("corpus/download.py: make it readable: chmod u+r …")
def test_an_archive_that_may_not_be_read(archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    archive.chmod(0)
    # Root may read anything: what others may is in the file's mode.
    monkeypatch.setattr(os, "access", lambda path, _: bool(Path(path).stat().st_mode & 0o400))
    command = refused(source=str(archive)).partition("make it readable: ")[2]
    subprocess.run(shlex.split(command), check=True)
    assert got(archive)


@pytest.mark.usefixtures("tiny")
@follows(
    "corpus/download.py: name a mirror or a local archive with --source, or open your own part of the "
    "corpus by its folder's path"
)
def test_a_part_of_a_corpus(server: Server, archive: Path, tmp_path: Path) -> None:
    server.data = tar_of(dict(list(FILES.items())[:5]))
    refused()
    mirror_or_archive(archive)
    assert len(open_corpus(words(tmp_path / "part")).clips) == 12


@pytest.mark.usefixtures("tiny")
@follows(
    "corpus/download.py: the source has changed or was tampered with: name a mirror or a local archive "
    "with --source"
)
def test_a_source_that_was_tampered_with(server: Server, archive: Path) -> None:
    server.data = tar_of(FILES | {"recordings/0_ann_0.wav": b"tampered with"})
    refused()
    mirror_or_archive(archive)


@follows("corpus/corpus.py: fetch it with: voxlet corpus get …")
def test_a_corpus_that_is_not_here(
    tiny: CatalogEntry, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = message(CorpusError, open_corpus, "tiny").partition("fetch it with: ")[2]
    folder = words(tmp_path / "recordings")
    files = {f"recordings/{path.name}": path.read_bytes() for path in folder.iterdir()}
    server.data = tar_of(files)
    digest = catalog.content_digest((name, hashlib.sha256(data).hexdigest()) for name, data in files.items())
    monkeypatch.setitem(CATALOG, "tiny", replace(tiny, clips=12, digest=digest))
    assert main(shlex.split(command)[1:]) == 0
    assert len(open_corpus("tiny").clips) == 12
