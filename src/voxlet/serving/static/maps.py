"""Maps beside the page: folders that `voxlet explore` writes, and the map that comes with voxlet.

The page reads its maps from the file `maps.json` beside it, `{"maps": [{"name", "file"}]}`, where `file` is
relative to the page.
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
    """A map as `maps.json` lists it; `file` is relative to the page."""

    name: str
    file: str


@dataclass(frozen=True)
class StoredMap:
    """A map on the disk.

    Attributes:
        folder: The map's folder.
        listed: The map's entry in `maps.json`.
        files: The names of the map's files.
    """

    folder: Path
    listed: ListedMap
    files: tuple[str, ...]


def find_maps(places: Sequence[str | os.PathLike[str]] = ()) -> list[StoredMap]:
    """The maps in folders that `voxlet explore` wrote; without folders, those that come with voxlet.

    Raises:
        ConfigError: A folder holds no map, or two maps have names that share a folder on the page.
    """
    found: dict[str, StoredMap] = {}
    for place in places or (SHIPPED,):
        folders = list(_folders(Path(place)))
        if not folders:
            raise ConfigError("holds no map", where=place, remedy="name a folder that `voxlet explore` wrote")
        for folder in folders:
            one = read_map(folder)
            # By the folder on the page: `a b` and `a-b` share one, and `A` and `a` do on macOS and Windows.
            other = found.setdefault(one.listed.file.casefold(), one)
            if other.folder != folder:
                names = " and ".join(dict.fromkeys((repr(other.listed.name), repr(one.listed.name))))
                raise ConfigError(
                    f"two maps are called {names}", where=folder, remedy="leave one of them out"
                )
    return list(found.values())


def is_map(place: str | os.PathLike[str]) -> bool:
    """Whether `find_maps` finds a map in a folder."""
    return next(_folders(Path(place)), None) is not None


def _folders(place: Path) -> Iterator[Path]:
    """The map folders at a place: the place itself, or those in it or in its subfolder `maps`."""
    if (place / FILE).is_file():
        yield place
        return
    inner = place / "maps" if (place / "maps").is_dir() else place
    yield from sorted(path.parent for path in inner.glob(f"*/{FILE}"))


def read_map(folder: Path) -> StoredMap:
    """Read the description of a map in its folder.

    Raises:
        ConfigError: The map is damaged, or has another format.
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
    """Copy maps into the folder of a page, and write the list of them.

    Raises:
        OSError: The folder cannot be written.
    """
    for one in maps:
        target = (page / one.listed.file).parent
        target.mkdir(parents=True)
        for name in one.files:
            shutil.copyfile(one.folder / name, target / name)
    (page / LISTING).write_bytes(listing(maps))
