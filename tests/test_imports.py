"""Which package may import which, as a table. Imports named in strings count, too."""

from __future__ import annotations

import ast
import collections
import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "voxlet"

# Single modules that every package may import, each with the ones that it may import itself.
LEAVES: dict[str, set[str]] = {
    "version": set(),
    "errors": set(),
    "extras": {"errors"},
    "words": {"errors"},
    "files": {"errors", "extras"},
    "cache": {"errors", "files", "version"},
    "interrupts": set(),
    "machine": set(),
    "run_files": set(),
    "audio": {"errors", "files", "interrupts", "decoding"},
    "decoding": {"errors", "extras", "files", "interrupts", "trimming"},
    "trimming": {"audio"},
    "batch_random": set(),
    "downloading": {"errors", "extras", "files"},
    "engines": {"errors", "extras", "files", "machine", "version"},
    "plots": {"errors", "files"},
}
ROOMS: dict[str, set[str]] = {  # an edge leads to a whole package, or to a part of one
    "spectral": set(),
    "speak": set(),
    "corpus": {"spectral"},
    "models": {"spectral"},
    "training": set(),
    "recipes": {"training", "models", "spectral", "corpus", "speak", "hub"},
    "evaluation": {
        "spectral",
        "speak",
        "corpus",
        "models",
        "training.hardware",  # classifiers are trained networks
        "training.progress",
        "recipes.opened",
        "recipes.clip.figures",  # where a run's figures are
        "recipes.voice.export",  # how many parameters a voice file has
        "recipes.voice.finish",  # the name of the scores in its card
    },
    "study": {"training", "recipes", "corpus", "speak", "evaluation", "models.plane"},
    "hub": {"speak", "evaluation.metric", "evaluation.intervals"},  # the titles of its card's figures
    "serving": {
        "speak",
        "corpus.recording",  # takes are checked as `voxlet record` does
        "evaluation.outcome",  # the outcome stored in a run's folder
        "evaluation.report.verdict",  # a scorecard in sentences
    },
    "datasets": {"speak", "evaluation.classifiers.pocketsphinx"},
    "exploring": {
        "spectral",
        "speak",
        "corpus",
        "models",
        "training.progress",
        "recipes.opened",
        "evaluation.classifiers",
        "evaluation.encoders",
    },
    "cli": {
        "spectral",
        "speak",
        "corpus",
        "models",
        "training",
        "recipes",
        "evaluation",
        "study",
        "hub",
        "serving",
        "datasets",
        "exploring",
    },
}
HEAVY = {
    "torch",
    "matplotlib",
    "sklearn",
    "scipy",
    "safetensors",
    "tqdm",
    "onnx",
    "urllib3",
    "fastapi",
    "uvicorn",
}
# Modules that must start quickly or run in the small install: no heavy imports at their top.
LIGHT = {
    "speak",
    "cli",
    "version",
    "errors",
    "words",
    "extras",
    "files",
    "cache",
    "interrupts",
    "machine",
    "run_files",
    "audio",
    "decoding",
    "trimming",
}


def imports(tree: ast.Module, whole: bool = True) -> set[str]:
    """Return the modules that a file imports: all, those in functions included, or only those at once."""
    found: set[str] = set()
    for node in ast.walk(tree) if whole else iter(tree.body):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and re.fullmatch(r"voxlet(\.\w+)+", str(node.value)):
            found.add(str(node.value))
    return found


def room(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


FILES = sorted(path for path in SOURCE.rglob("*.py") if path.parent != SOURCE or path.name[:2] != "__")


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    """Every file of the package, parsed once; each rule is one test, which lists its violations."""
    return {path: ast.parse(path.read_text()) for path in FILES}


def test_the_table_is_the_house() -> None:
    assert {room(path) for path in FILES} == set(LEAVES) | set(ROOMS)


def test_a_room_imports_what_the_table_allows(trees: dict[Path, ast.Module]) -> None:
    refused: dict[str, set[str]] = {}
    for path, tree in trees.items():
        own = room(path)
        allowed = LEAVES[own] | {own} if own in LEAVES else {*LEAVES, *ROOMS[own], own}
        asked = {name.removeprefix("voxlet.") for name in imports(tree) if name.startswith("voxlet.")}
        asked -= {"style_encoder", "sha256"} if own == "speak" else set()  # keys of a voice file's metadata
        for name in asked:
            if not any(f"{name}.".startswith(f"{edge}.") for edge in allowed):
                refused.setdefault(str(path.relative_to(SOURCE)), set()).add(name)
    assert not refused


def test_nothing_imports_the_package_root(trees: dict[Path, ast.Module]) -> None:
    """`from voxlet import audio` imports a module; a name that the root defines would be circular."""
    refused: dict[str, set[str]] = {}
    for path, tree in trees.items():
        asked = {
            alias.name
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and node.module == "voxlet"
            for alias in node.names
        }
        asked -= set(LEAVES) | set(ROOMS)
        if asked or "voxlet" in imports(tree):
            refused[str(path.relative_to(SOURCE))] = asked
    assert not refused


def test_what_speaks_loads_nothing_heavy(trees: dict[Path, ast.Module]) -> None:
    refused: dict[str, set[str]] = {}
    for path, tree in trees.items():
        own = room(path)
        if own in LIGHT:
            asked = {name.split(".")[0] for name in imports(tree, whole=own == "speak")}
            if asked & HEAVY:
                refused[str(path.relative_to(SOURCE))] = asked & HEAVY
    assert not refused


def test_a_room_can_be_taken_in_at_a_glance() -> None:
    files = collections.Counter(path.parent for path in FILES if path.name != "__init__.py")
    assert not {str(folder): count for folder, count in files.items() if count > 13}
