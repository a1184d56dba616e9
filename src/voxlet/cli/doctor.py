"""`voxlet doctor`: what is installed, what is missing for which command, and what the machine has."""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from voxlet.cli.output import in_bytes, print_answer
from voxlet.errors import FileError
from voxlet.extras import how_to_install
from voxlet.version import __version__

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

SUMMARY = "show what is installed or missing, and what the machine has"
# What each extra is for; "" is what is always installed.
NEEDED_BY = {
    "": "say, voices, page, cache, doctor",
    "train": "corpus, split, adapt, train, generate, export, explore",
    "study": "score, study",
    "record": "record",
    "dataset": "dataset",
    "cluster": "dataset --ray",
    "formats": "recordings of telephones: .m4a, .3gp, .amr, .webm",
    "serve": "serve",
    "hub": "push, pull",
    "wyoming": "serve --wyoming",
    "explore": "t-SNE in explore",
    "pesq": "PESQ in score",
    "tensorboard": "train --tensorboard",
}
VARIABLES = ("VOXLET_DATA", "VOXLET_CACHE", "VOXLET_VOICES")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `voxlet doctor`."""
    parser.add_argument("--json", action="store_true", help="print the answer as JSON")


def run(arguments: argparse.Namespace) -> None:
    """Print the findings, one line each, or as JSON."""
    found = examine()
    print_answer(*([json.dumps(found)] if arguments.json else _lines(found)))


def examine() -> dict[str, Any]:
    """What is installed and what this machine has, ready for JSON."""
    from voxlet import machine
    from voxlet.files import cache_path
    from voxlet.speak.player import PLAYERS

    packages = machine.packages()
    extras = {extra: asdict(packages[extra]) for extra in NEEDED_BY if extra in packages}
    memory = machine.memory()
    folders = {
        "cache": _folder(cache_path),
        "temporary": _folder(tempfile.gettempdir),
        "here": _folder(os.getcwd),
    }
    players = [name for name, *_ in PLAYERS if shutil.which(name)]
    return {
        "voxlet": __version__,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "extras": {extra or "core": found for extra, found in extras.items()},
        "processor": asdict(machine.processor()),
        "threads": os.environ.get("OMP_NUM_THREADS"),
        "memory": asdict(memory) if memory else None,
        "disk": {
            name: {"path": str(path), "free": machine.free_space(path)}
            for name, path in folders.items()
            if path
        },
        "sound": {
            "players": ["winsound"] if sys.platform == "win32" else players,
            "device": machine.sound_device(),
        },
        "variables": {name: os.environ.get(name) for name in VARIABLES},
    }


def _folder(find: Callable[[], str | Path]) -> Path | None:
    try:
        return Path(find())
    except (FileNotFoundError, FileError):  # removed, not writable, or there is no home folder
        return None


def _lines(found: dict[str, Any]) -> list[str]:
    """The answer for people: ten lines, or eight if voxlet was not installed by pip."""
    about, memory = found["processor"], found["memory"]
    rows = [
        ("voxlet", f"{found['voxlet']}, Python {found['python']}, {found['system']}"),
        *_packages(found["extras"]),
        ("processor", f"{about['name']}: {', '.join(about['instructions']) or 'instruction sets unknown'}"),
        ("threads", f"{about['usable']} of {about['cores']} cores, OMP_NUM_THREADS={found['threads'] or ''}"),
        ("memory", _memory(memory)),
        ("disk", "; ".join(f"{name} {_free(place)}" for name, place in found["disk"].items())),
        ("sound", _sound(found["sound"])),
        ("variables", ", ".join(f"{name}={value or ''}" for name, value in found["variables"].items())),
    ]
    return [f"{name:<9} {text}" for name, text in rows]


def _packages(extras: dict[str, Any]) -> list[tuple[str, str]]:
    """The rows about packages: the core, the complete extras, and what is missing for which commands."""
    if not any(about["here"] for about in extras.values()):
        return [("packages", "unknown: voxlet was not installed by pip")]
    core, others = extras["core"]["here"], dict[str, str]()
    complete, missing = list[str](), dict[str, str]()
    for extra, about in extras.items():
        others |= {name: version for name, version in about["here"].items() if name not in core}
        if about["missing"]:
            needed_by = NEEDED_BY["" if extra == "core" else extra]
            missing[extra] = f"{extra}: {', '.join(about['missing'])} (for {needed_by})"
        elif extra != "core":
            complete.append(extra)
    wanted = ",".join(extra for extra in missing if extra != "core")
    remedy = how_to_install(wanted) if wanted else "pip install -c constraints.txt ."
    return [
        ("core", _versions(core)),
        ("extras", f"{', '.join(complete) or 'none complete'}: {_versions(others) or 'no packages'}"),
        ("missing", f"{'; '.join(missing.values())}: {remedy}" if missing else "nothing"),
    ]


def _versions(packages: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in packages.items())


def _memory(memory: dict[str, int | None] | None) -> str:
    if memory is None or memory["total"] is None:
        return "unknown"
    free = f", {in_bytes(memory['available'])} free" if memory["available"] is not None else ""
    return f"{in_bytes(memory['total'])}{free}"


def _free(place: dict[str, Any]) -> str:
    free = "unknown" if place["free"] is None else in_bytes(place["free"])
    return f"{free} free ({place['path']})"


def _sound(sound: dict[str, Any]) -> str:
    devices = {True: "a device", False: "no device: write files with -o", None: "device not checked"}
    return f"{', '.join(sound['players']) or 'no player'}; {devices[sound['device']]}"
