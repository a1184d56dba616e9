"""Imports go one way: a stage may import stages to its left, and leaves; nothing imports to its right."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent.parent / "src" / "voxlet"
LEAVES = {"errors", "audio", "plots", "arguments"}
STAGES = ["corpus", "features", "models", "training", "judging", "exploring", "serving", "cli"]
ALLOWED = {stage: {*LEAVES, "speak", *STAGES[: place + 1]} for place, stage in enumerate(STAGES)}
ALLOWED |= {leaf: {"errors", "audio"} for leaf in LEAVES} | {"speak": {*LEAVES, "speak"}}
HEAVY = {"torch", "matplotlib", "sklearn", "scipy", "safetensors", "tqdm", "onnx", "urllib3"}


def imports(path: Path, whole: bool = True) -> set[str]:
    """Modules that a file imports, those inside functions and of type checking too, or only those at once."""
    tree = ast.parse(path.read_text())
    nodes = ast.walk(tree) if whole else iter(tree.body)
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


FILES = sorted(path for path in SOURCE.rglob("*.py") if path.name not in ("__init__.py", "__main__.py"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_left(path: Path) -> None:
    stage = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    asked = {name.split(".")[1] for name in imports(path) if name.startswith("voxlet.")}
    asked -= {"__version__"}
    assert asked <= ALLOWED[stage], f"{stage} must not import {sorted(asked - ALLOWED[stage])}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_what_speaks_loads_nothing_heavy(path: Path) -> None:
    stage = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    if stage in ("speak", "errors", "audio", "arguments", "cli"):
        asked = {name.split(".")[0] for name in imports(path, whole=stage == "speak")}
        assert not asked & HEAVY
