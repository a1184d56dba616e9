"""Names of files that are names on any system."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Names that stand for devices on Windows, whatever follows after a dot; their numbers may be raised, too.
RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"{p}{n}" for p in ("COM", "LPT") for n in "123456789¹²³")}
)


def safe_name(text: str, longest: int) -> str:
    """A file name, without its ending, that resembles `text` and is one on any system; "" if nothing is left.

    Args:
        text: Anything: what was said, a label of one's own corpus.
        longest: Characters that it may have.

    >>> safe_name("+1 (555) 010-2345", 20), safe_name("../etc", 20), safe_name("nul", 20), safe_name("?", 20)
    ('1-555-010-2345', 'etc', '_nul', '')
    """
    name = re.sub(r"[^\w.]+", "-", text).strip("-._")[:longest].rstrip("-._")
    return f"_{name}" if name.partition(".")[0].upper() in RESERVED else name


def safe_names(texts: Iterable[str], longest: int, otherwise: str) -> dict[str, str]:
    """A file name for each text, as `safe_name` has it, and each another one on any system.

    Args:
        texts: Different from each other.
        longest: Characters of a name.
        otherwise: What a text is called of which nothing is left.

    >>> safe_names(["c", "c++", "C", "?"], 20, "word")
    {'c': 'c', 'c++': 'c-2', 'C': 'C-3', '?': 'word'}
    """
    found: dict[str, str] = {}
    taken: set[str] = set()
    for text in texts:
        plain = safe_name(text, longest) or otherwise
        name, number = plain, 1
        while name.casefold() in taken:
            number += 1
            name = f"{plain[: longest - len(f'-{number}')]}-{number}"
        taken.add(name.casefold())
        found[text] = name
    return found
