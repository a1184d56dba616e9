"""File names that are valid on any system."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Names of devices on Windows, with any extension; their numbers may also be superscripts.
RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{p}{n}" for p in ("COM", "LPT") for n in "123456789¹²³")}
)


def safe_name(text: str, longest: int) -> str:
    """A file name without extension that resembles `text` and is valid on any system; "" if nothing is left.

    Args:
        text: Any text, such as a spoken text or a label of the user's corpus.
        longest: Most characters of the name.

    >>> safe_name("+1 (555) 010-2345", 20), safe_name("../etc", 20), safe_name("nul", 20), safe_name("?", 20)
    ('1-555-010-2345', 'etc', '_nul', '')
    """
    name = re.sub(r"[^\w.]+", "-", text).strip("-._")[:longest].rstrip("-._")
    return f"_{name}" if name.partition(".")[0].upper() in RESERVED else name


def fold_name(name: str) -> str:
    """The form that names share if they are one file on macOS or Windows: in NFC and case-folded.

    >>> fold_name("Ann.voice") == fold_name("ann.voice"), fold_name("\u1112\u1161\u11ab") == fold_name("한")
    (True, True)
    """
    return unicodedata.normalize("NFC", name).casefold()


def safe_names(texts: Iterable[str], longest: int, otherwise: str) -> dict[str, str]:
    """A file name for each text, as by `safe_name`; no two of them are one file on any system.

    Args:
        texts: Texts, all different.
        longest: Most characters of a name.
        otherwise: Name for texts of which nothing is left.

    >>> safe_names(["c", "c++", "C", "?"], 20, "word")
    {'c': 'c', 'c++': 'c-2', 'C': 'C-3', '?': 'word'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for text in texts:
        plain = safe_name(text, longest) or otherwise
        name, number = plain, 1
        while fold_name(name) in taken:
            number += 1
            name = f"{plain[: longest - len(f'-{number}')]}-{number}"
        taken.add(fold_name(name))
        found[text] = name
    return found
