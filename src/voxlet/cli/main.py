"""The command line: which commands there are, and how each is run.

A command is a module with `SUMMARY`, one line of help; `add_arguments`, which adds its arguments to a parser;
and `run`, which takes the parsed arguments and prints an answer. A module is imported only when its command
is used, and imports what it needs when it runs, so that `voxlet say` never pays for PyTorch.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from typing import TYPE_CHECKING, Protocol, cast

from voxlet.cli.output import prepare_streams, print_answer, print_error
from voxlet.cli.parser import USER_ERROR, Parser
from voxlet.errors import FileError, VoxletError
from voxlet.extras import missing_extra
from voxlet.files import cache_path
from voxlet.version import __version__

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

UNREAD = 1  # exit status: standard output was closed by its reader, as in `voxlet voices | head -1`
INTERRUPTED = 130  # exit status

COMMANDS = {
    "say": "voxlet.cli.say",
    "voices": "voxlet.cli.voices",
    "corpus list": "voxlet.cli.corpus.list",
    "corpus get": "voxlet.cli.corpus.get",
    "corpus inspect": "voxlet.cli.corpus.inspect",
    "record": "voxlet.cli.corpus.record",
    "split": "voxlet.cli.corpus.split",
    "adapt": "voxlet.cli.runs.adapt",
    "train": "voxlet.cli.runs.train",
    "generate": "voxlet.cli.runs.generate",
    "dataset": "voxlet.cli.dataset.make",
    "dataset verify": "voxlet.cli.dataset.verify",
    "export": "voxlet.cli.runs.export",
    "score": "voxlet.cli.runs.score",
    "explore": "voxlet.cli.runs.explore",
    "study": "voxlet.cli.runs.study",
    "serve": "voxlet.cli.sharing.serve",
    "page": "voxlet.cli.sharing.page",
    "push": "voxlet.cli.sharing.push",
    "pull": "voxlet.cli.sharing.pull",
    "cache": "voxlet.cli.cache",
    "doctor": "voxlet.cli.doctor",
}

EXTRAS = {
    "score": "study",
    "study": "study",
    "dataset": "dataset",
    "dataset verify": "dataset",
    "serve": "serve",
    "push": "hub",
    "pull": "hub",
}  # the extra that a command needs, where it is not `train`


class Command(Protocol):
    """The module of a command."""

    SUMMARY: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add the command's arguments, each with help."""

    def run(self, arguments: argparse.Namespace) -> None:
        """Run the command, and print its answer.

        Raises:
            VoxletError: A failure that the user can act on.
        """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: The command's name and its arguments; by default, those of the process.

    Returns:
        The exit status: 0, 2 for an error, 130 for an interruption, 1 if nobody reads the answer.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    try:
        prepare_streams()
        # Matplotlib stores a list of fonts at its first run: in our cache, not in a folder of its own.
        with contextlib.suppress(FileError):  # a user without a home folder can still speak
            os.environ.setdefault("MPLCONFIGDIR", str(cache_path("matplotlib")))
        return _run(given)
    except VoxletError as error:
        print_error(f"voxlet: {as_given(error, given)}")
        return USER_ERROR
    except KeyboardInterrupt:
        print_error("voxlet: interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        return UNREAD
    except OSError as error:  # from a path that voxlet does not write itself, such as a library's own
        where = f"{error.filename}: " if error.filename else ""
        print_error(f"voxlet: {where}the system refused this ({error.strerror or error})")
        return USER_ERROR
    except MemoryError:
        print_error("voxlet: out of memory; close other programs, or ask for less at once")
        return USER_ERROR


def as_given(error: VoxletError, arguments: Sequence[str]) -> str:
    """An error's line, in which a field that an option has set is named as that option."""
    option = f"--{error.where}".replace("_", "-")
    if option in {argument.partition("=")[0] for argument in arguments}:
        return str(error).replace(str(error.where), option, 1)
    return str(error)


def load(name: str) -> Command:
    """Import the module of a command in `COMMANDS`."""
    return cast("Command", importlib.import_module(COMMANDS[name]))


def parser_of(name: str, command: Command) -> Parser:
    """The parser of a command's arguments."""
    parser = Parser(f"voxlet {name}", command.SUMMARY)
    command.add_arguments(parser)
    return parser


def usage(group: str = "") -> list[str]:
    """The lines that list all commands, or those of a group such as `corpus`."""
    rows = [f"  {name:<16} {load(name).SUMMARY}" for name in COMMANDS if name.startswith(group)]
    return [
        f"voxlet {__version__}: a voice from a folder of short recordings",
        "",
        f"usage: voxlet {f'{group}COMMAND' if group else 'COMMAND'} ...",
        "",
        *rows,
        "",
        "`voxlet COMMAND --help` describes each.",
    ]


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    if arguments in ([], ["-h"], ["--help"]):
        print_answer(*usage())
    elif arguments[0] in ("-V", "--version"):
        print_answer(__version__)
    elif _is_group(arguments[0]) and arguments[1:] in ([], ["-h"], ["--help"]):
        print_answer(*usage(f"{arguments[0]} "))
    else:
        name, rest = _find(arguments)
        command = load(name)
        try:
            parsed = parser_of(name, command).parse(rest)
        except SystemExit as parsing:  # help or an error has been printed
            return cast("int", parsing.code)
        try:
            command.run(parsed)
        except ModuleNotFoundError as error:  # an extra is not installed
            if (error.name or "").startswith("voxlet"):
                raise
            raise missing_extra(error, EXTRAS.get(name, "train")) from error
    return 0


def _is_group(name: str) -> bool:
    """Whether a name is the first word of commands, but is not a command itself."""
    return name not in COMMANDS and any(command.startswith(f"{name} ") for command in COMMANDS)


def _find(arguments: list[str]) -> tuple[str, list[str]]:
    """The name of a command, and the arguments that follow it."""
    words = 2 if _is_group(arguments[0]) or " ".join(arguments[:2]) in COMMANDS else 1
    name = " ".join(arguments[:words])
    if name not in COMMANDS:
        raise VoxletError(f"unknown command {name!r}", remedy=f"the commands are: {', '.join(COMMANDS)}")
    return name, arguments[words:]
