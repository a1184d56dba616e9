"""What code made a thing that is kept: a digest that changes with the code, so nobody raises a number."""

from __future__ import annotations

import ast
import hashlib
import inspect
import textwrap
from functools import cache
from typing import TYPE_CHECKING

from voxlet.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


@cache
def code_digest(*parts: ModuleType | Callable[..., object]) -> str:
    """A digest of modules and functions as they are written, without comments, docstrings and layout.

    Constants of a module count with the module. What these parts call does not count: name it, too. Where the
    source is not at hand, the package's version stands for it.
    """
    total = hashlib.sha256()
    for part in parts:
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(part)))
        except (OSError, TypeError):
            total.update(f"{part.__name__} {__version__}".encode())
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
                node.body = node.body[1:]
        total.update(ast.dump(tree).encode())
    return total.hexdigest()[:16]
