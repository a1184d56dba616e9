"""What commands print: all text goes through here, so that no file's content steers the terminal."""

from __future__ import annotations

import sys


def answer(text: object) -> None:
    """Print a command's answer on standard output."""
    print(text, file=sys.stdout)
