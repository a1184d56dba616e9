"""The catalog of known corpora: source, content and licence of each."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from voxlet.files import cache_folder
from voxlet.words.digits import DIGIT_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable

DATA_VARIABLE = "VOXLET_DATA"
BASE = "base"  # name of the merged corpus that a base is trained on, see `merge.py`
# The words are spoken in Arabic; these are the English names of the corpus's folders.
ARABIC_COMMANDS = (
    *DIGIT_WORDS,
    *("right", "left", "up", "down", "forward", "backward", "yes", "no", "stop", "start", "enable"),
    *("disable", "ok", "cancel", "open", "close", "zoom in", "zoom out", "previous", "next", "send"),
    *("receive", "move", "rotate", "record", "enter", "digit", "direction", "options", "undo"),
)


@dataclass(frozen=True)
class CatalogEntry:
    """A catalogued corpus, which can be opened and downloaded by name.

    `digest` is the `content_digest` over (path, SHA-256) of the corpus's sound files. It does not cover the
    archive, because the bytes of a repository's archives are not stable. If it is None, the digest of the
    first download is pinned.
    """

    name: str
    title: str
    source: str
    licence: str
    credit: str
    layout: str | None  # None: detected from its tables or file names
    folders: tuple[str, ...]  # folders and top-level files to unpack; everything else is skipped
    clips: int
    speakers: int | None  # None: not published
    rate: int  # Hz
    megabytes: int  # size of the unpacked clips
    digest: str | None
    official: Literal["takes", "hash", "tables"] | None  # how its authors define training and test
    labels: tuple[str, ...] = DIGIT_WORDS
    language: str = "en"  # BCP 47 tag


CATALOG: dict[str, CatalogEntry] = {
    known.name: known
    for known in (
        CatalogEntry(
            name="fsdd",
            title="Free Spoken Digit Dataset, v1.0.10",
            source="https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz",
            licence="CC BY-SA 4.0",
            credit="Z. Jackson et al., Free Spoken Digit Dataset (FSDD)",
            layout="names",
            folders=("recordings",),
            clips=3000,
            speakers=6,
            rate=8000,
            megabytes=27,
            digest="1971de6d210a657fc0b609a5bb473095188386d232f7540824707d103ddfcd5d",
            official="takes",
        ),
        CatalogEntry(
            name="audiomnist",
            title="AudioMNIST",
            source="https://github.com/soerenab/AudioMNIST/archive/refs/heads/master.tar.gz",
            licence="MIT",
            credit="S. Becker et al., AudioMNIST",
            layout="names",
            folders=("data",),
            clips=30000,
            speakers=60,
            rate=48000,
            megabytes=3290,
            digest=None,
            official=None,
        ),
        CatalogEntry(
            name="speech_commands",
            title="Speech Commands v0.01, zero to nine",
            source="http://download.tensorflow.org/data/speech_commands_v0.01.tar.gz",
            licence="CC BY 4.0",
            credit="P. Warden, Speech Commands",
            layout="{label}/{speaker}_nohash_{take}",
            folders=DIGIT_WORDS,
            clips=23666,
            speakers=None,
            rate=16000,
            megabytes=757,
            digest=None,
            official="hash",
        ),
        CatalogEntry(
            name="arabic_speech_commands",
            title="Arabic Speech Commands",
            source="https://github.com/abdulkaderghandoura/arabic-speech-commands-dataset/archive/HEAD.tar.gz",
            licence="CC BY 4.0",
            credit="A. Ghandoura et al. 2021, Arabic Speech Commands Dataset",
            layout=None,
            folders=("dataset", "train.csv", "val.csv", "test.csv"),
            clips=12000,
            speakers=30,
            rate=16000,
            megabytes=384,  # calculated: 12,000 s of 16-bit samples
            digest=None,
            official="tables",
            labels=ARABIC_COMMANDS,
            language="ar",
        ),
    )
}


def find_known(name: str) -> Path | None:
    """The folder of a catalogued corpus, in `$VOXLET_DATA` or from `corpus get`; None if there is none."""
    data = os.environ.get(DATA_VARIABLE)
    candidates = [Path(data).expanduser() / name] if data else []
    candidates.append(home(name))
    return next((folder for folder in candidates if folder.is_dir()), None)


def known_names() -> str:
    """A phrase for error messages that lists the names of the catalogued corpora."""
    return f"the known ones are {', '.join(CATALOG)}"


def home(name: str) -> Path:
    """The folder into which `corpus get` puts a catalogued corpus."""
    return cache_folder("corpora") / name


def content_digest(pairs: Iterable[tuple[str, ...]]) -> str:
    """SHA-256 over sorted tuples such as (file name, SHA-256 of its bytes), independent of their order."""
    digest = hashlib.sha256()
    for pair in sorted(pairs):
        digest.update("\0".join(pair).encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()
