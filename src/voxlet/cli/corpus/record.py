"""`voxlet record`: record takes of words from the microphone, and check each at once."""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from typing import TYPE_CHECKING

from voxlet.cli.consent import consent_for
from voxlet.cli.output import print_answer
from voxlet.cli.parser import a_path, whole_number
from voxlet.corpus.recording.consent import GIVEN, NOTE, OWN

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from voxlet.audio import Samples
    from voxlet.corpus.recording.session import Session

SUMMARY = "record takes of words, and check each at once"
COUNTDOWN = 3  # seconds before the first word
PAUSE = 0.7  # seconds between words, in which a key can be pressed
METER = 20  # width of the level meter in characters
AGAIN, STOP = "r", "q"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `voxlet record`."""
    add = parser.add_argument
    add("words", nargs="+", metavar="WORD", help="words to record, in any language")
    add("--takes", type=whole_number, default=10, metavar="N", help="takes of each word (default: 10)")
    add(
        "--out",
        type=a_path,
        required=True,
        metavar="FOLDER",
        help="folder for the takes; nothing in it is overwritten",
    )
    add("--speaker", default="me", metavar="NAME", help="who speaks (default: me)")
    add(
        "--seed",
        type=whole_number,
        default=0,
        metavar="N",
        help="seed of the order of the words (default: 0)",
    )
    add("--consent", choices=(OWN, GIVEN), help="whether the voice is your own, or its owner has agreed")


def run(arguments: argparse.Namespace) -> None:
    """Show words until all takes are recorded or the user stops, and print where the takes are."""
    from voxlet import files
    from voxlet.corpus.recording.microphone import RATE, microphone
    from voxlet.corpus.recording.session import Session

    session = Session(
        arguments.out, arguments.words, arguments.takes, speaker=arguments.speaker, seed=arguments.seed
    )
    consent = consent_for(arguments.out, arguments.consent)
    with microphone(RATE) as blocks, keys() as pressed:
        files.write_atomically(files.make_folder(arguments.out) / NOTE, f"{consent}\n".encode())
        _show(f"{AGAIN}: the last word again, {STOP}: stop; the same command continues later\n")
        interrupted = False
        try:
            for number in range(COUNTDOWN, 0, -1):
                _show(f"\r{number} ")
                drop(blocks, RATE, 1.0)
            record(session, blocks, RATE, pressed)
        except KeyboardInterrupt:  # the takes so far are reported all the same
            interrupted = True
        _show("\n")
    missing = sum(session.missing.values())
    left = f"; {missing} to go: the same command continues" if missing else ""
    kept = sum(len(takes) for takes in session.kept.values())
    print_answer(f"{arguments.out}: {kept} takes of {len(session.words)} words{left}")
    if interrupted:
        raise KeyboardInterrupt


def record(session: Session, blocks: Iterator[Samples], rate: int, pressed: Iterator[str]) -> None:
    """Show word after word, record a take of each, check the take, and keep it if nothing is wrong."""
    from voxlet.corpus.recording.check import WHAT_TO_DO
    from voxlet.corpus.recording.microphone import hear

    while (word := session.next_word()) is not None:
        done = sum(len(takes) for takes in session.kept.values())
        total = session.takes * len(session.words)
        _show(f"\r{'':<78}\r{done + 1:>3} of {total}   say:  {word}   ")
        samples = hear(blocks, rate, _meter)
        heard = session.check(word, samples, rate)
        if heard.problems:
            reasons = "; ".join(f"{problem} - {WHAT_TO_DO[problem]}" for problem in heard.problems[:2])
            _show(f"\n    again, please: {reasons}\n")
        else:
            session.keep(word, samples, rate, heard)
            _show("ok")
        key = _key(blocks, rate, pressed)
        if key == STOP:
            return
        if key == AGAIN and not heard.problems:
            session.take_back()


def _key(blocks: Iterator[Samples], rate: int, pressed: Iterator[str]) -> str:
    """The last of `AGAIN` and `STOP` that was pressed in the pause between two words, or an empty string."""
    drop(blocks, rate, PAUSE)
    found = ""
    for key in pressed:
        if not key:
            return found
        found = key if key in (AGAIN, STOP) else found
    return found


def drop(blocks: Iterator[Samples], rate: int, seconds: float) -> None:
    """Discard so many seconds of sound, including blocks that were already waiting."""
    ends = time.monotonic() + seconds
    samples = 0
    for block in blocks:
        samples += len(block)
        if samples >= seconds * rate or time.monotonic() >= ends:
            return


@contextlib.contextmanager
def keys() -> Iterator[Iterator[str]]:
    """Keys as they are pressed, without Enter; `""` if no key is waiting, or if there is no keyboard."""
    if sys.stdin is None or not sys.stdin.isatty():
        yield iter(lambda: "", None)
        return
    if sys.platform == "win32":
        import msvcrt

        yield iter(lambda: msvcrt.getwch().lower() if msvcrt.kbhit() else "", None)
        return
    import termios
    import tty

    number = sys.stdin.fileno()
    before = termios.tcgetattr(number)

    def pressed() -> str:
        # Not from `sys.stdin`, which would buffer the keys after the first.
        waits = select.select([number], [], [], 0)[0]
        return os.read(number, 1).decode(errors="ignore").lower() if waits else ""

    tty.setcbreak(number)
    try:
        yield iter(pressed, None)
    finally:
        termios.tcsetattr(number, termios.TCSADRAIN, before)


def _meter(level: float) -> None:
    """Show a level, in dB re full scale, as a bar."""
    full = round(METER * min(1.0, max(0.0, (level + 60) / 60)))
    shown = f"[{'#' * full:<{METER}}]"
    _show(shown + "\b" * len(shown))  # moves back to its beginning, on any terminal


def _show(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
