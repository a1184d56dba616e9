"""Digests of the code that made a cached result, so that no version number has to be raised by hand."""

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
    """A digest of the source of modules and functions, without comments, docstrings and layout.

    A module's constants are included. The functions that the parts call are not: pass them, too. If the
    source is not available, the package's version replaces it.
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
