"""The parser of every command: argparse, with errors of one line and values that may begin with a minus."""

from __future__ import annotations

import argparse


def whole_number(text: str) -> int:
    """The type of an option that takes a whole number."""
    try:
        return int(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from error


def number(text: str) -> float:
    """The type of an option that takes a number."""
    try:
        return float(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from error


def names(text: str) -> tuple[str, ...]:
    """The type of an option that takes names with commas between them."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
