"""The command line: one function per command; `tyro` turns their signatures into parsers.

Only the asked command's function is handed to tyro and only it imports its stage, so `voxlet say` never
pays for PyTorch. Progress and errors go to standard error, answers to standard output.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import tyro

from voxlet import __version__
from voxlet.errors import VoxletError

USER_ERROR = 2
INTERRUPTED = 130
CONFIG = (tyro.conf.FlagCreatePairsOff,)  # a switch is `--json`, without a `--no-json` beside it


def say(
    text: Annotated[tuple[str, ...], tyro.conf.arg(metavar="TEXT")],
    /,
    *,
    out: Annotated[str | None, tyro.conf.arg(aliases=["-o"], metavar="FILE")] = None,
    voice: str = "digits",
    speaker: str | None = None,
    style: str | None = None,
    like: Path | None = None,
    seed: int = 0,
    rate: int | None = None,
    gap: float | None = None,
    play: bool = False,
    json: bool = False,
) -> None:
    """Say digits or any words that the voice has, and write them as a WAV file.

    Args:
        text: What to say: 4091, "four zero", "+1 (555) 010-2345"; - reads it from standard input.
        out: The file to write, - for standard output. Without it and without --play, a file named after the
            text in this folder, such as 4091.wav.
        voice: A shipped or installed voice (see `voxlet voices`), or the path of a voice file.
        speaker: Who speaks: a name, a blend (george,theo or george:0.7,theo:0.3), or random.
        style: In place of a speaker, a point in the space of styles: 0.3,-1.2,...
        like: In place of a speaker, a recording whose speaker is to be resembled.
        seed: The same seed, voice and text make the same sound.
        rate: Samples per second of the result; the voice's own without it.
        gap: Seconds between the words of a group (0.08 without it).
        play: Play it on the sound device.
        json: Print what was said, with the times of its words, as JSON.
    """
    from voxlet.speak import command

    asked = command.Asked(out=out, voice=voice, speaker=speaker, style=style, like=like, seed=seed)
    if line := command.say(text, asked, rate=rate, gap=gap, play=play, as_json=json):
        print(line)


def voices(*, json: bool = False) -> None:
    """List the voices that are shipped or installed: who speaks, which words, licence and credit.

    Args:
        json: Print it as JSON.
    """
    from voxlet.speak import command

    print(command.voices(as_json=json))


# name -> (function, or a dict of sub-commands; one line of help)
COMMANDS: dict[str, tuple[Callable[..., None] | dict[str, Callable[..., None]], str]] = {
    "say": (say, "say digits or words with a voice"),
    "voices": (voices, "what is shipped or installed, who speaks, which words"),
}


def usage() -> str:
    """The list of commands."""
    lines = [
        f"voxlet {__version__}: a voice from a folder of short recordings",
        "",
        "usage: voxlet COMMAND ...",
        "",
    ]
    lines += [f"  {name:<10} {summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join([*lines, "", "`voxlet COMMAND --help` describes each."])


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the exit status: 0, 2 for a user's error, 130 for an interruption."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(usage())
        return 0
    if arguments[0] in ("-V", "--version"):
        print(__version__)
        return 0
    name, rest = arguments[0], arguments[1:]
    if name not in COMMANDS:
        print(f"voxlet: unknown command {name!r}; the commands are: {', '.join(COMMANDS)}", file=sys.stderr)
        return USER_ERROR
    command, _ = COMMANDS[name]
    try:
        if isinstance(command, dict):
            tyro.extras.subcommand_cli_from_dict(command, prog=f"voxlet {name}", args=rest, config=CONFIG)
        else:
            tyro.cli(command, prog=f"voxlet {name}", args=rest, config=CONFIG)
    except VoxletError as error:
        print(f"voxlet: {error}", file=sys.stderr)
        return USER_ERROR
    except KeyboardInterrupt:
        print("voxlet: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`voxlet ... | head`): point stdout elsewhere so that the exit stays quiet.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
