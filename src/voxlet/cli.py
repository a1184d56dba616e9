"""The command line: one function per command; `tyro` turns their signatures into parsers.

Only the asked command's function is handed to tyro and only it imports its stage, so `voxlet say` never
pays for PyTorch. Progress and errors go to standard error, answers to standard output.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from voxlet import __version__
from voxlet.errors import VoxletError

USER_ERROR = 2
INTERRUPTED = 130

# name -> (function, or a dict of sub-commands; one line of help)
COMMANDS: dict[str, tuple[Callable[..., None] | dict[str, Callable[..., None]], str]] = {}


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
    import tyro

    command, _ = COMMANDS[name]
    try:
        if isinstance(command, dict):
            tyro.extras.subcommand_cli_from_dict(command, prog=f"voxlet {name}", args=rest)
        else:
            tyro.cli(command, prog=f"voxlet {name}", args=rest)
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
