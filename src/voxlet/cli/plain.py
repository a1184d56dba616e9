"""Plain command lines read without tyro, which takes longer to load than a voice takes to speak a word.

Plain is `--name value`, `--name=value`, `--switch`, and words in one stretch. For anything else, help and
mistakes above all, the answer is None and tyro does the work; where both read a line they read the same.
"""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

WORDS, SWITCH = "tuple[str, ...]", "bool"
TYPES: dict[str, Callable[[str], object]] = {"str": str, "int": int, "float": float, "Path": Path}
ANNOTATED = re.compile(r"Annotated\[(.*?), tyro\.", re.DOTALL)


@dataclass(frozen=True)
class Plain:
    """What a function is to be called with."""

    words: tuple[tuple[str, ...], ...]  # its only positional argument, if it has one
    options: dict[str, object]


def read_plainly(
    command: Callable[..., None], arguments: Sequence[str], short: Mapping[str, str]
) -> Plain | None:
    """The arguments for `command`, whose annotations are text, or None where they are not plain.

    Args:
        command: A function with at most one positional argument, of the type `tuple[str, ...]`.
        arguments: What stands behind its name on the command line.
        short: Options by their short form, `{"-o": "--out"}`.
    """
    kinds: dict[str, str] = {}
    has_words = False
    for name, parameter in inspect.signature(command).parameters.items():
        annotated = ANNOTATED.match(str(parameter.annotation))
        kind = (annotated[1] if annotated else str(parameter.annotation)).removesuffix(" | None")
        optional = parameter.kind is parameter.KEYWORD_ONLY and parameter.default is not parameter.empty
        if parameter.kind is parameter.POSITIONAL_ONLY and kind == WORDS:
            has_words = True
        elif optional and kind in (*TYPES, SWITCH):
            kinds[f"--{name.replace('_', '-')}"] = kind
        else:
            return None
    words: list[str] = []
    last_word = -1
    options: dict[str, object] = {}
    index = 0
    while index < len(arguments):
        name, equals, value = arguments[index].partition("=")
        name = short.get(name, name) if not equals else name
        if name in kinds:
            key = name[2:].replace("-", "_")
            if key in options or (kinds[name] == SWITCH and equals):
                return None
            if kinds[name] == SWITCH:
                options[key] = True
            else:
                if not equals:
                    index += 1
                    if index == len(arguments) or _is_option(arguments[index]):
                        return None
                    value = arguments[index]
                try:
                    options[key] = TYPES[kinds[name]](value)
                except ValueError:
                    return None
        elif _is_option(arguments[index]) or not has_words or (words and last_word != index - 1):
            return None
        else:
            words.append(arguments[index])
            last_word = index
        index += 1
    return Plain((tuple(words),) if has_words else (), options)


def _is_option(argument: str) -> bool:
    """`--name`, `--` and `-n`, but not `-`, `-5` or `-0.3,1`."""
    return argument.startswith("--") or re.match("-[A-Za-z]", argument) is not None
