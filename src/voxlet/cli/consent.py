"""Consent to the use of a person's voice: asked for before a voice is made, and kept in its model card."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from voxlet.cli.output import print_error
from voxlet.corpus.recording.consent import GIVEN, LICENCE, NOTE, OWN
from voxlet.errors import ConfigError, FileError
from voxlet.files import cache_folder, write_atomically

NOTICE = "a voice belongs to a person: take your own, or one whose owner has agreed to this use"
QUESTION = "Is it your own voice (o), or did its owner agree (g)? "
ANSWERS = {"o": OWN, "own": OWN, "g": GIVEN, "given": GIVEN}


def consent_for(recordings: str | Path, told: str | None = None) -> str:
    """The consent that covers recordings: for a known corpus its licence, whatever `told` says; for others
    `told`, else the note in their folder, else the answer of the person at the terminal.

    Only a `str` can name a known corpus; a `Path` is always a folder, whatever its name.
    """
    from voxlet.corpus.catalog import CATALOG

    if isinstance(recordings, str) and recordings in CATALOG:
        if told is not None:
            licence = CATALOG[recordings].licence
            print_error(f"{recordings}: its licence ({licence}) settles consent; --consent {told} is ignored")
        return LICENCE
    if told is not None:
        return told
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if (found := (Path(recordings) / NOTE).read_text().strip()) in (OWN, GIVEN):
            return found
    return asked()


def asked() -> str:
    """Ask the person at the terminal whose voice it is.

    Raises:
        ConfigError: There is no terminal, or the answer is not one of `ANSWERS`.
    """
    print_error(NOTICE)
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
    """Print the notice that a voice belongs to a person, the first time on this machine."""
    with contextlib.suppress(FileError):
        marker = cache_folder("said") / "consent"
        if marker.exists():
            return
        print_error(NOTICE)
        write_atomically(marker, b"")
