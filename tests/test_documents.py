"""What the documents say is true: blocks run; links, files and commands exist; terms are standard.

Each block after a comment `<!-- run -->` is run as it stands, a document's blocks in order in one folder.
`<!-- run: A -> B -->` runs the block with A replaced by B: the same command with less training. The folder
holds `my_recordings/`, some takes of one speaker.
"""

from __future__ import annotations

import ast
import contextlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tokenize
from dataclasses import dataclass
from pathlib import Path

import pytest

from voxlet.cli.main import COMMANDS, load, parser_of
from voxlet.cli.runs.train import read_settings
from voxlet.errors import VoxletError
from voxlet.evaluation.metric import PART_TITLES
from voxlet.recipes.presets import PRESETS

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "voxlet"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *SOURCE.rglob("*.md")])
MODULES = sorted(SOURCE.rglob("*.py"))
MOST_LINES = {"README.md": 90, "ARCHITECTURE.md": 150}
# Words peculiar to this project, for which the field has standard terms.
PRIVATE_WORDS = (
    "heard right",
    "taught",
    "pupil",
    "critic",
    "judge",
    "insides",
    "lesson",
    "usefulness",
    "ready-made",
    "stranger",
)

BLOCK = re.compile(
    r"<!-- run(?:: (?P<old>.+?) -> (?P<new>.+?))? -->\n```(?P<kind>\w+)\n(?P<code>.*?)```", re.DOTALL
)
SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
VARIABLE = re.compile(r"\$[A-Z_]+")
FENCE = re.compile(r"```.*?```", re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
WEB = re.compile(r"https?://[^\s)>`]+")
PRIVATE = re.compile(rf"\b(?:{'|'.join(PRIVATE_WORDS)})(?:s|d|'s)?\b", re.IGNORECASE)
SEPARATORS = {"|", "||", "&&", ";", ">", "<", "#"}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


# Each rule is one test over all documents, which lists whatever breaks it as `document: what`.
TEXTS = {name_of(path): path.read_text() for path in DOCUMENTS}


@dataclass(frozen=True)
class Block:
    """A block of a document that is to be run."""

    kind: str
    code: str


def blocks(path: Path) -> list[Block]:
    found = []
    for match in BLOCK.finditer(path.read_text()):
        code = match["code"]
        if match["old"]:
            assert match["old"] in code, f"{match['old']!r} is not in the block"
            code = code.replace(match["old"], match["new"])
        found.append(Block(match["kind"], code))
    return found


def voxlet_commands(line: str) -> list[list[str]]:
    """Return the arguments of each `voxlet ...` in a line of shell."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:  # an apostrophe in text that is no command
        return []
    starts = [place + 1 for place, word in enumerate(words) if word == "voxlet" and words[place + 1 :]]
    ends = [next((i for i in range(s, len(words)) if words[i] in SEPARATORS), len(words)) for s in starts]
    return [words[start:end] for start, end in zip(starts, ends, strict=True)]


def in_blocks(text: str) -> list[list[str]]:
    """Return complete commands from a document's shell blocks, with 1 for numbers that the system assigns."""
    whole = [VARIABLE.sub("1", block.replace("\\\n", " ")) for block in SHELL.findall(text)]
    lines = [line for block in whole for line in block.splitlines()]
    return [arguments for line in lines for arguments in voxlet_commands(line)]


def in_sentences(text: str) -> list[list[str]]:
    """Return the commands in the sentences of a document, which are often incomplete."""
    codes = INLINE.findall(FENCE.sub("", text))
    return [arguments for code in codes for arguments in voxlet_commands(code)]


def split_name(arguments: list[str]) -> tuple[str, list[str]]:
    """Return a command's name and its arguments."""
    longest = sorted(COMMANDS, key=lambda name: -len(name.split()))
    name = next((name for name in longest if arguments[: len(name.split())] == name.split()), None)
    assert name is not None, f"there is no command {shlex.join(arguments)}"
    return name, arguments[len(name.split()) :]


@pytest.fixture(scope="module")
def every_flag() -> set[str]:
    """Return the flags of all commands, with the settings of all presets."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        for name, before in [
            *((name, []) for name in COMMANDS),
            *(("train", [preset]) for preset in PRESETS),
        ]:
            with pytest.raises(SystemExit):
                parser_of(name, load(name)).parse([*before, "--help"])
    return set(re.findall(r"(?<![\w-])--[a-z][\w.-]*\w", printed.getvalue()))


DOCUMENTS_WITH_BLOCKS = [path for path in DOCUMENTS if blocks(path)]


def test_the_documents_have_blocks_to_run() -> None:
    assert {"README.md", "docs/speaking.md", "docs/own-words.md"} <= set(map(name_of, DOCUMENTS_WITH_BLOCKS))


@pytest.mark.slow
@pytest.mark.parametrize("path", DOCUMENTS_WITH_BLOCKS, ids=name_of)
def test_every_block_runs(path: Path, tmp_path: Path, voxlet_data: Path) -> None:
    own = tmp_path / "my_recordings"
    own.mkdir()
    for take in sorted((voxlet_data / "fsdd").rglob("*_theo_[0-9].wav")):
        shutil.copy(take, own)
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "VOXLET_DATA": str(voxlet_data),
    }
    for block in blocks(path):
        command = (
            [sys.executable, "-c", block.code]
            if block.kind == "python"
            else ["bash", "-euo", "pipefail", "-c", block.code]
        )
        done = subprocess.run(
            command,
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        assert done.returncode == 0, f"{block.code}\n{done.stderr[-3000:]}"
        # The files that a command was told to write exist.
        for name in re.findall(r"(?:-o|--out|--html|--json) ([\w./-]+)", block.code):
            if name != "-":
                written = tmp_path / name
                assert any(written.iterdir()) if written.is_dir() else written.stat().st_size > 1000, name


def headings(path: Path) -> set[str]:
    """Return the anchors of a document."""
    found = HEADING.findall(path.read_text())
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in found}


def test_every_link_leads_somewhere() -> None:
    wrong = []
    for path in DOCUMENTS:
        for link, anchor in LINK.findall(TEXTS[name_of(path)]):
            target = path.parent / link if link else path
            if not target.exists() or (anchor and anchor not in headings(target)):
                wrong.append(f"{name_of(path)}: {link}#{anchor}")
    assert not wrong, "\n".join(wrong)


def test_no_address_is_made_up() -> None:
    wrong = [
        name for name, text in TEXTS.items() if any("github.com/voxlet" in web for web in WEB.findall(text))
    ]
    assert not wrong


def test_every_command_of_a_block_parses(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = []
    for document, text in TEXTS.items():
        for arguments in in_blocks(text):
            try:
                name, rest = split_name(arguments)
                parsed = parser_of(name, load(name)).parse(rest)
                if name == "train":
                    read_settings(parsed.preset, parsed.settings)
                if name == "score":
                    assert set(parsed.only) <= set(PART_TITLES), "a part that is none"
            except (AssertionError, SystemExit, VoxletError) as refusal:
                said = f"{refusal} {capsys.readouterr().err}"
                wrong.append(f"{document}: voxlet {shlex.join(arguments)}: {said}")
    assert not wrong, "\n".join(wrong)


def test_every_command_of_a_sentence_exists() -> None:
    wrong = []
    for document, text in TEXTS.items():
        for arguments in in_sentences(text):
            try:
                if arguments[0] not in ("COMMAND", "--help", "--version"):
                    split_name(arguments)
            except AssertionError as refusal:
                wrong.append(f"{document}: {refusal}")
    assert not wrong, "\n".join(wrong)


def test_every_flag_of_a_sentence_exists(every_flag: set[str]) -> None:
    others = ("pip ", "pytest ", "python ", "torchrun ", "git ", "mypy ")
    wrong = []
    for document, text in TEXTS.items():
        own = [code for code in INLINE.findall(FENCE.sub("", text)) if not code.startswith(others)]
        named = {flag for code in own for flag in re.findall(r"(?<![\w-])--[a-z][\w.-]*", code)}
        wrong += [f"{document}: {flag}" for flag in sorted(named - every_flag)]
    assert not wrong, "\n".join(wrong)


def test_every_file_that_is_named_exists() -> None:
    wrong = []
    for document, text in TEXTS.items():
        named = {word for code in INLINE.findall(FENCE.sub("", text)) for word in code.split()}
        of_blocks = {word for block in SHELL.findall(text) for word in block.split()}
        named |= {word for word in of_blocks if word.startswith("benchmarks/")}
        files = [name for name in sorted(named) if re.fullmatch(r"[\w/]+\.py", name)]
        there = [name for name in files if any((folder / name).is_file() for folder in (ROOT, SOURCE))]
        wrong += [f"{document}: {name}" for name in files if name not in there]
    assert not wrong, "\n".join(wrong)


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wrong = []
    for document, text in TEXTS.items():
        codes = [*INLINE.findall(FENCE.sub("", text)), *"".join(SHELL.findall(text)).splitlines()]
        named = {match[1] for code in codes if (match := re.match(r"make ([\w-]+)", code))}
        wrong += [f"{document}: make {target}" for target in sorted(named - targets)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", MOST_LINES)
def test_a_document_is_short(name: str) -> None:
    assert len((ROOT / name).read_text().splitlines()) <= MOST_LINES[name]


def tree(document: str) -> list[tuple[int, str]]:
    """Return depth and words of each line of a document's tree; packages are at depth 0."""
    found = re.search(r"```\nsrc/voxlet/\n(.*?)```", (ROOT / document).read_text(), re.DOTALL)
    assert found
    return [((len(line) - len(line.lstrip())) // 2 - 1, line.strip()) for line in found[1].splitlines()]


def existing_files() -> set[str]:
    names = {str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py")}
    return {name for name in names if not name.endswith("__init__.py")}


@pytest.mark.parametrize("document", ["ARCHITECTURE.md", "docs/files.md"])
def test_a_tree_lists_the_files_that_exist(document: str) -> None:
    folders: list[str] = []
    listed = set()
    for depth, line in tree(document):
        first = line.split()[0]
        if first.endswith("/"):
            folders = [*folders[:depth], first]
            continue
        # The map has only names, all of a package in one line; the other has a file and its purpose per line.
        names = [first] if first.endswith(".py") else [f"{name}.py" for name in line.split()]
        listed |= {"".join(folders[:depth]) + name for name in names}
    assert listed == existing_files()


def test_every_file_has_its_purpose_beside_it() -> None:
    assert all(len(line.split(maxsplit=1)) == 2 for _, line in tree("docs/files.md"))


def test_the_map_has_the_table_of_edges() -> None:
    module = ast.parse((ROOT / "tests" / "test_imports.py").read_text())
    rooms = next(
        eval(compile(ast.Expression(node.value), "test_imports", "eval"))
        for node in module.body
        if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "ROOMS" and node.value
    )
    found = re.findall(
        r"^\| (`\w+`(?:, `\w+`)*) \| (.*) \|$", (ROOT / "ARCHITECTURE.md").read_text(), re.MULTILINE
    )
    rows = [(room, allowed) for names, allowed in found for room in re.findall(r"\w+", names)]
    edges = {room: set(re.findall(r"`([\w.]+)`", allowed)) for room, allowed in rows if room in rooms}
    assert dict(rows)["cli"].startswith("every room")
    assert {**edges, "cli": rooms["cli"]} == rooms


def test_every_decision_is_in_the_index() -> None:
    index = ROOT / "docs" / "decisions" / "README.md"
    pages = {path.name for path in index.parent.glob("*.md")} - {index.name}
    assert pages <= {link for link, _ in LINK.findall(index.read_text())}


def test_a_document_uses_standard_words() -> None:
    wrong = [
        f"{document}: {line}"
        for document, text in TEXTS.items()
        for line in text.splitlines()
        if PRIVATE.search(line)
    ]
    assert not wrong, "\n".join(wrong)


def test_every_document_that_the_code_names_exists() -> None:
    wrong = []
    for path in MODULES:
        named = re.findall(r"\bdocs/[\w/-]+\.md\b", path.read_text())
        wrong += [f"{name_of(path)}: {name}" for name in named if not (ROOT / name).is_file()]
    assert not wrong, "\n".join(wrong)


def in_words(path: Path) -> list[str]:
    """Return a file's docstrings and comments."""
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    texts = [
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, kinds)
    ]
    with path.open("rb") as file:
        texts += [
            token.string for token in tokenize.tokenize(file.readline) if token.type == tokenize.COMMENT
        ]
    return texts


def test_docstrings_and_comments_use_standard_words() -> None:
    wrong = []
    for path in MODULES:
        # Nearly all files contain none of these words and need not be parsed.
        if PRIVATE.search(path.read_text()):
            lines = [line.strip() for text in in_words(path) for line in text.splitlines()]
            wrong += [f"{name_of(path)}: {line}" for line in lines if PRIVATE.search(line)]
    assert not wrong, "\n".join(wrong)


def test_names_that_contributing_tells_of_stand_where_it_says() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    told = [(path, names) for path, names in re.findall(r"`([\w/]+\.py)`: ((?:`\w+`(?:, )?)+)", text)]
    told += [
        (path, names) for names, path in re.findall(r"((?:`\w+`(?: or |, )?)+) in\s+`([\w/]+\.py)`", text)
    ]
    assert len(told) >= 5
    for path, names in told:
        source = (ROOT / "src" / "voxlet" / path).read_text()
        for name in re.findall(r"`(\w+)`", names):
            assert re.search(rf"^(?:    )?(?:def |class )?{name}\b", source, re.MULTILINE), (path, name)
