"""Maps beside the page: folders that `voxlet explore` writes, and the one that comes with voxlet.

The page finds them by `maps.json` beside it: `{"maps": [{"name", "file"}]}`, `file` relative to the page.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from voxlet.errors import ConfigError
from voxlet.files import safe_name

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

SHIPPED = Path(__file__).parents[1] / "maps"
LISTING = "maps.json"
FILE = "map.json"
FORMAT = 1
LONGEST_NAME = 60  # characters of a map's folder
REMEDY = "name a folder that `voxlet explore` wrote"


@dataclass(frozen=True)
class ListedMap:
    """A map as the page is told of it: its file is relative to the page."""

    name: str
    file: str


@dataclass(frozen=True)
class StoredMap:
    """A map's folder.

    Attributes:
        folder: Where it lies.
        listed: What the page is told of it.
        files: Names of its files.
    """

    folder: Path
    listed: ListedMap
    files: tuple[str, ...]


def find_maps(places: Sequence[str | os.PathLike[str]] = ()) -> list[StoredMap]:
    """The maps in folders that `voxlet explore` wrote; without any, those that come with voxlet.

    Raises:
        ConfigError: A folder holds none, or two maps have one name.
    """
    found: dict[str, StoredMap] = {}
    for place in places or (SHIPPED,):
        folders = list(_folders(Path(place)))
        if not folders:
            raise ConfigError("holds no map", where=place, remedy="name a folder that `voxlet explore` wrote")
        for folder in folders:
            one = read_map(folder)
            if found.setdefault(one.listed.name, one).folder != folder:
                raise ConfigError(
                    f"two maps are called {one.listed.name!r}", where=folder, remedy="leave one of them out"
                )
    return list(found.values())


def is_map(place: str | os.PathLike[str]) -> bool:
    """Whether there is a map at a place."""
    return next(_folders(Path(place)), None) is not None


def _folders(place: Path) -> Iterator[Path]:
    """The folders of maps at a place: itself, those in it, or those of an exploration."""
    if (place / FILE).is_file():
        yield place
        return
    inner = place / "maps" if (place / "maps").is_dir() else place
    yield from sorted(path.parent for path in inner.glob(f"*/{FILE}"))


def read_map(folder: Path) -> StoredMap:
    """What a map's folder holds.

    Raises:
        ConfigError: It is damaged, or of another version.
    """
    path = folder / FILE
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        if told["format"] != FORMAT:
            raise ConfigError(f"is a map of format {told['format']}, not {FORMAT}", where=path, remedy=REMEDY)
        networks = told.get("networks") or {}
        names = (FILE, *told["parts"], *(networks[key] for key in ("decoder", "encoder") if key in networks))
        if not all(isinstance(name, str) and (folder / Path(name).name).is_file() for name in names):
            raise ConfigError("lacks some of its files", where=folder, remedy=REMEDY)
        name = str(told["name"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError("is not a map", where=path, remedy=REMEDY) from error
    file = f"maps/{safe_name(name, LONGEST_NAME) or 'map'}/{FILE}"
    return StoredMap(folder, ListedMap(name, file), tuple(Path(one).name for one in names))


def listing(maps: Sequence[StoredMap]) -> bytes:
    """The content of `maps.json`."""
    return json.dumps({"maps": [asdict(one.listed) for one in maps]}, indent=1).encode()


def copy_maps(maps: Sequence[StoredMap], page: Path) -> None:
    """Put maps beside a page, and the list of them.

    Raises:
        OSError: They cannot be written.
    """
    for one in maps:
        target = (page / one.listed.file).parent
        target.mkdir(parents=True)
        for name in one.files:
            shutil.copyfile(one.folder / name, target / name)
    (page / LISTING).write_bytes(listing(maps))
