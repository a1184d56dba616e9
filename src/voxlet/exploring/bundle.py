"""Embed JavaScript modules in a page: an import map assigns a `data:` URL to the name of each module.

A page that is opened from disk cannot import modules from other files.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

IMPORTED = re.compile(r"""(\bfrom\s*|\bimport\s*)(['"])(\.[^'"]+)\2""")
PREFIX = "voxlet/"


def bundle(folder: Path, entry: str) -> str:
    """The import map (JSON) of a module and of all its direct and indirect imports that start with a dot.

    Args:
        folder: Root of the modules; a module's name is `voxlet/` and its path from here.
        entry: The module's path from `folder`.
    """
    addresses: dict[str, str] = {}
    waiting = [folder / entry]
    while waiting:
        path = waiting.pop()
        name = path.relative_to(folder).as_posix()
        if PREFIX + name in addresses:
            continue
        text = path.read_text(encoding="utf-8")
        beside = [(path.parent / found[3]).resolve() for found in IMPORTED.finditer(text)]
        named = IMPORTED.sub(renamed(folder, path), text)
        code = base64.b64encode(named.encode()).decode()
        addresses[PREFIX + name] = f"data:text/javascript;base64,{code}"
        waiting += [folder / other.relative_to(folder.resolve()) for other in beside]
    return json.dumps({"imports": dict(sorted(addresses.items()))}, separators=(",", ":"))


def renamed(folder: Path, path: Path) -> Callable[[re.Match[str]], str]:
    """The function that replaces a path imported in the module at `path` by its name in the import map."""

    def name(found: re.Match[str]) -> str:
        other = (path.parent / found[3]).resolve().relative_to(folder.resolve()).as_posix()
        return f"{found[1]}{found[2]}{PREFIX}{other}{found[2]}"

    return name
