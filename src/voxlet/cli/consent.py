"""Whose voice it is: asked where a voice is made of somebody's recordings, and kept in its model card."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from voxlet.cli.output import complain
from voxlet.corpus.recording.consent import GIVEN, LICENCE, NOTE, OWN
from voxlet.errors import ConfigError, FileError
from voxlet.files import cache_folder, write_atomically

NOTICE = "a voice belongs to a person: take your own, or one whose owner has agreed to this use"
QUESTION = "Is it your own voice (o), or did its owner agree (g)? "
ANSWERS = {"o": OWN, "own": OWN, "g": GIVEN, "given": GIVEN}


def consent_for(recordings: str | Path, told: str | None = None) -> str:
    """What is known of recordings: of a known corpus by its licence, whatever is told; of others as it is
    told, by the note beside them, or asked.

    A known corpus is asked for by its name, a `str`; a path is a folder, whatever it is called.
    """
    from voxlet.corpus.catalog import CATALOG

    if isinstance(recordings, str) and recordings in CATALOG:
        if told is not None:
            licence = CATALOG[recordings].licence
            complain(f"{recordings}: its licence ({licence}) settles consent; --consent {told} is ignored")
        return LICENCE
    if told is not None:
        return told
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if (found := (Path(recordings) / NOTE).read_text().strip()) in (OWN, GIVEN):
            return found
    return asked()


def asked() -> str:
    """What a person at the terminal answers.

    Raises:
        ConfigError: Nobody is there, or the answer is neither.
    """
    complain(NOTICE)
    answer = ""
    if sys.stdin is not None and sys.stdin.isatty():
        sys.stderr.write(QUESTION)
        sys.stderr.flush()
        answer = sys.stdin.readline().strip().lower()
    if answer not in ANSWERS:
        raise ConfigError(
            "it was not said whose voice this is",
            where="consent",
            remedy="give --consent own, or --consent given if its owner has agreed",
        )
    return ANSWERS[answer]


def remind_once() -> None:
    """Say whom a voice belongs to, at the first time on this machine."""
    with contextlib.suppress(FileError):
        marker = cache_folder("said") / "consent"
        if marker.exists():
            return
        complain(NOTICE)
        write_atomically(marker, b"")
