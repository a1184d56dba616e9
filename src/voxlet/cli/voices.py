"""`voxlet voices`: list shipped and installed voices; install, remove or rename one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from voxlet.cli.output import print_answer
from voxlet.errors import ConfigError, VoxletError
from voxlet.words.language import UNKNOWN_LANGUAGE

if TYPE_CHECKING:
    import argparse
    from pathlib import Path

SUMMARY = "list voices; install, remove or rename one"
ACTIONS = {"install": "FILE", "remove": "NAME", "rename": "NAME NEW"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `voxlet voices`."""
    parser.usage = "%(prog)s [--json] | " + " | ".join(f"{name} {rest}" for name, rest in ACTIONS.items())
    parser.add_argument(
        "action",
        nargs="?",
        choices=ACTIONS,
        metavar="ACTION",
        help="install a file, remove or rename an installed voice",
    )
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help="the file or the voice's name; to rename, then the new name"
    )
    parser.add_argument("--json", action="store_true", help="print the list as JSON, with the model cards")


def run(arguments: argparse.Namespace) -> None:
    """Print all shipped and installed voices, broken ones with their error; or change one."""
    if arguments.action is not None:
        print_answer(_change(arguments.action, arguments.names))
        return
    from voxlet.speak.library import available, folders

    found = [_describe(name, path) for name, path in available().items()]
    if arguments.json:
        print_answer(json.dumps(found))
    elif found:
        first, *others = map(_table, found)
        print_answer(*first, *(line for table in others for line in ("", *table)))
    else:
        print_answer(f"no voices; they are looked for in {', '.join(map(str, folders()))}")


def _change(action: str, names: list[str]) -> Path:
    """Install, remove or rename a voice, and return its file."""
    from voxlet.speak.library import install, remove, rename

    wanted = ACTIONS[action].split()
    if len(names) != len(wanted):
        raise ConfigError(
            f"takes {len(wanted)} argument{'s' * (len(wanted) != 1)}, not {len(names)}",
            where=action,
            remedy=f"voxlet voices {action} {ACTIONS[action]}",
        )
    if action == "install":
        return install(names[0])
    return remove(names[0]) if action == "remove" else rename(names[0], names[1])


def _describe(name: str, path: Path) -> dict[str, object]:
    from voxlet.speak.library import SHIPPED
    from voxlet.speak.voice import load_voice

    where: dict[str, object] = {"name": name, "path": str(path), "shipped": path.parent == SHIPPED}
    try:
        voice = load_voice(path, threads=1)
    except VoxletError as error:
        return {**where, "error": str(error)}
    return {
        **where,
        "version": voice.info.version,
        "format": voice.info.format,
        "rate": voice.rate,
        "speakers": voice.speakers,
        "words": voice.labels,
        "spellings": {label: list(ways) for label, ways in voice.spellings.items()},
        "language": voice.language,
        "licence": voice.card.get("licence"),
        "credit": voice.card.get("credit"),
        "card": dict(voice.card),
    }


def _written(label: str, spellings: object) -> str:
    """A label, followed by the first of its other spellings in brackets."""
    assert isinstance(spellings, dict)
    return f"{label} ({spellings[label][0]})" if label in spellings else label


def _table(voice: dict[str, object]) -> list[str]:
    lines = [f"{voice['name']}  ({'shipped with voxlet' if voice['shipped'] else voice['path']})"]
    if "error" in voice:
        return [*lines, f"  broken    {voice['error']}"]
    for key in ("speakers", "words"):
        names = voice[key]
        assert isinstance(names, tuple)
        if key == "words":
            names = tuple(_written(name, voice["spellings"]) for name in names)
        more = f" and {len(names) - 24} more" if len(names) > 24 else ""
        lines.append(f"  {key:<9} {', '.join(names[:24]) or 'none named'}{more}")
    lines.append(f"  {'rate':<9} {voice['rate']} Hz")
    if voice["language"] != UNKNOWN_LANGUAGE:
        lines.append(f"  {'language':<9} {voice['language']}")
    if voice["format"] == 1:
        lines.append("  format    1: it has no checksum, so that damage to its weights cannot be found")
    lines += [f"  {key:<9} {voice[key]}" for key in ("licence", "credit") if voice[key]]
    return lines
