"""All remedies that the sources give to errors, read from the files without running them."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

SOURCES = Path(__file__).parents[1] / "src" / "voxlet"
TESTS = Path(__file__).parent
ANYTHING = "…"  # stands for what is filled into a text at run time


class Remedy(NamedTuple):
    """The text of a remedy, and the file under `src/voxlet` that gives it."""

    file: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}: {self.text}"


def pattern(text: str) -> re.Pattern[str]:
    """A pattern that matches every text that a remedy's text can become."""
    return re.compile(".*".join(map(re.escape, text.split(ANYTHING))), re.DOTALL)


@functools.cache
def remedies() -> frozenset[Remedy]:
    """All remedies in the sources."""
    return frozenset(
        Remedy(path.relative_to(SOURCES).as_posix(), text)
        for path in SOURCES.rglob("*.py")
        if "remedy" in path.read_text()
        for text in Module(path).remedies()
    )


@functools.cache
def followed() -> frozenset[str]:
    """The remedies that tests are marked to follow: `@pytest.mark.follows("file: text")`."""
    texts = [path.read_text() for path in TESTS.rglob("test_*.py")]
    return frozenset(
        ast.literal_eval(argument)
        for text in texts
        if "follows(" in text
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("follows", "pytest.mark.follows")
        for argument in node.args
    )


class Module:
    """A source file, and what the names in it stand for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tree = ast.parse(path.read_text())

    def remedies(self) -> Iterator[str]:
        """The texts of all remedies given in this file, to an error or to a function that makes one."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.keyword) and node.arg == "remedy":
                yield from self.texts(node.value)
            elif isinstance(node, ast.FunctionDef):
                arguments = node.args
                defaults = zip(reversed(arguments.args), reversed(arguments.defaults), strict=False)
                for argument, value in (
                    *defaults,
                    *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
                ):
                    if argument.arg == "remedy" and value is not None:
                        yield from self.texts(value)

    def texts(self, node: ast.expr) -> list[str]:
        """The texts that an expression can be; none for what is passed on: `remedy`, `error.remedy`, None."""
        match node:
            case ast.Constant(value=None) | ast.Attribute(attr="remedy"):
                return []
            case ast.Constant(value=text):
                return [text if isinstance(text, str) else ANYTHING]
            case ast.JoinedStr(values=parts):
                return ["".join(map(self.part, parts))]
            case ast.IfExp(body=one, orelse=other):
                return [*self.texts(one), *self.texts(other)]
            case ast.Dict(values=values):
                return [text for value in values for text in self.texts(value)]
            case ast.Subscript(value=table):
                return self.texts(table)
            case ast.Name(id="remedy"):
                return []
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.Call(func=ast.Name(id=name)):
                if found := self.named(name):
                    return found
        raise AssertionError(f"{self.path}:{node.lineno}: write this remedy so that it can be read here")

    def part(self, node: ast.expr) -> str:
        """The text of a part of an f-string, if it is a constant's; else `ANYTHING`."""
        if isinstance(node, ast.FormattedValue):
            node = node.value
            known = self.named(node.id) if isinstance(node, ast.Name) and node.id.isupper() else []
            return known[0] if len(known) == 1 else ANYTHING
        return ast.literal_eval(node)

    def named(self, name: str) -> list[str]:
        """The texts of a constant or a function without arguments, from here or the file that defines it."""
        for node in self.tree.body:
            match node:
                case ast.Assign(targets=[ast.Name(id=found)], value=value) if found == name:
                    return self.texts(value)
                case ast.FunctionDef(name=found, body=[*_, ast.Return(value=ast.expr() as value)]) if (
                    found == name
                ):
                    return self.texts(value)
                case ast.ImportFrom(module=str(module), names=names) if name in {one.name for one in names}:
                    return Module(SOURCES.parent / f"{module.replace('.', '/')}.py").named(name)
        modules = [
            Module(path)
            for node in self.tree.body
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("voxlet")
            for one in node.names
            if (path := SOURCES.parent / str(node.module).replace(".", "/") / f"{one.name}.py").is_file()
        ]
        return next((texts for module in modules if (texts := module.named(name))), [])
