"""The page as a folder for any web host: its files, voices and maps, and the lists of these.

The page reads its voices from the file `voices.json` beside it,
`{"voices": [{"name", "file", "bytes", "sha256", "verdict"}]}`, where `file` is relative to the page;
and its maps from `maps.json`, see `voxlet.serving.static.maps`.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.errors import ConfigError, FileError
from voxlet.evaluation.report.verdict import verdict_of_card
from voxlet.files import atomic_folder, make_folder, safe_name, writing
from voxlet.serving.static.maps import copy_maps, find_maps
from voxlet.speak.library import find_voice
from voxlet.speak.voice_file import SUFFIX, read_voice

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

PAGE = Path(__file__).parents[1] / "page"
LISTING = "voices.json"
LONGEST_NAME = 80  # characters of a voice's file


@dataclass(frozen=True)
class ListedVoice:
    """A voice as `voices.json` lists it.

    Attributes:
        name: The name that the page shows.
        file: The path relative to the page.
        bytes: The size of the file.
        sha256: The SHA-256 of the file.
        verdict: The scorecard in the voice's model card, summed up in a few sentences; empty without one.
    """

    name: str
    file: str
    bytes: int
    sha256: str
    verdict: str


def listed_voice(name: str, path: Path) -> ListedVoice:
    """The entry of a voice file in `voices.json`.

    Raises:
        VoiceError: The file is missing, damaged or not a voice file.
    """
    read = read_voice(path)
    file = f"voices/{safe_name(name, LONGEST_NAME) or 'voice'}{SUFFIX}"
    digest = hashlib.sha256(read.model).hexdigest()
    return ListedVoice(name, file, len(read.model), digest, verdict_of_card(read.info.card))


def listing(voices: Sequence[ListedVoice]) -> bytes:
    """The content of `voices.json`."""
    return json.dumps({"voices": [asdict(voice) for voice in voices]}, indent=1).encode()


def write_page(
    folder: str | os.PathLike[str],
    voices: Sequence[str | os.PathLike[str]],
    maps: Sequence[str | os.PathLike[str]] = (),
) -> list[ListedVoice]:
    """Write the page with voices and maps into a folder, completely or not at all.

    Args:
        folder: Created if missing. A page that is there is replaced, anything else is left alone.
        voices: Names or files of voices; the first one speaks when the page opens.
        maps: Folders that `voxlet explore` wrote; if empty, the map that comes with voxlet.

    Returns:
        The voices of the page.

    Raises:
        VoiceError: There is no such voice, or its file is damaged or not a voice file.
        ConfigError: Two voices have the same name, or a folder holds no map.
        FileError: The folder cannot be written, or holds something other than a page.
    """
    target = Path(folder).absolute()
    sources, stored = _sources(voices), find_maps(maps)
    found = [listed_voice(name, path) for name, path in sources.items()]
    if len({voice.file.casefold() for voice in found}) < len(found):  # one file on macOS and Windows
        raise ConfigError("two voices have the same name for a file", remedy="rename the file of one of them")
    with writing(target, remedy=None):
        if target.exists() and not _is_page(target):
            raise FileError("holds something other than a page", where=folder, remedy="name a new folder")
    make_folder(target.parent)
    with writing(target), atomic_folder(target) as building:
        shutil.copytree(PAGE, building, dirs_exist_ok=True)
        for voice, path in zip(found, sources.values(), strict=True):
            (building / voice.file).parent.mkdir(exist_ok=True)
            shutil.copyfile(path, building / voice.file)
        (building / LISTING).write_bytes(listing(found))
        copy_maps(stored, building)
    return found


def _sources(voices: Sequence[str | os.PathLike[str]]) -> Mapping[str, Path]:
    """The file of each voice, by the name that the page shows."""
    found: dict[str, Path] = {}
    for voice in voices:
        path = find_voice(voice)
        if found.setdefault(path.stem, path) != path:
            raise ConfigError(
                f"two voices are called {path.stem!r}", where=path, remedy="rename the file of one of them"
            )
    return found


def _is_page(folder: Path) -> bool:
    """Whether a folder is empty, or holds a page that `write_page` wrote."""
    return folder.is_dir() and ((folder / LISTING).is_file() or not any(folder.iterdir()))
