"""The parser of every command: argparse with one-line errors, and values that may begin with a minus."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from voxlet.cli.output import print_answer, print_error

if TYPE_CHECKING:
    from collections.abc import Sequence

USER_ERROR = 2  # exit status


class Parser(argparse.ArgumentParser):
    """Parses the arguments of one command; options may come before or after positional arguments.

    Args:
        prog: How the command is called, such as `voxlet say`.
        summary: What the command does, in one line.
    """

    def __init__(self, prog: str, summary: str) -> None:
        super().__init__(
            prog=prog,
            description=f"{summary[0].upper()}{summary[1:]}.",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
            conflict_handler="resolve",  # a command may have a help option of its own
        )
        self.color = False  # from Python 3.14 on, help would contain control characters
        # Which arguments are values although they begin with a minus: before Python 3.14 only numbers such as
        # `-5`; here all but `-x` and `--xyz`, as in `--style -0.3,1.2` and `voxlet say -5,6`.
        self._negative_number_matcher = re.compile(r"-[^-A-Za-z]")

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """The arguments as a namespace. If it has `settings`, they become the list of all unknown options.

        Raises:
            SystemExit: With 2 if the arguments are invalid, with 0 if they ask for help.
        """
        found, unknown = self.parse_known_args(arguments)
        if "settings" in found:
            found.settings = unknown
        elif unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found

    def print_help(self, file: Any = None) -> None:
        """Print the help as an answer, or into `file`."""
        if file is None:
            print_answer(*self.format_help().rstrip().splitlines())
        else:
            super().print_help(file)

    def error(self, message: str) -> NoReturn:
        """Print what is wrong on one line, and exit with status 2."""
        print_error(f"{self.prog}: {message.removeprefix('argument ')}; see `{self.prog} --help`")
        raise SystemExit(USER_ERROR)


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


def a_path(text: str) -> Path:
    """The type of an option that takes a path; not an empty one, which would mean the current folder."""
    if not text:
        raise argparse.ArgumentTypeError("'' is not a path; give . for this folder")
    return Path(text)


def names(text: str) -> tuple[str, ...]:
    """The type of an option that takes names separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())
