"""The page's files: libraries as pinned, few bytes, one table of texts, a strict policy."""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import json
import re
from pathlib import Path

import pytest

from voxlet.serving.static.page import PAGE
from voxlet.version import __version__

VENDOR = PAGE / "vendor"
RUNTIME = {"onnxruntime.js", "onnxruntime.wasm.gz"}
NEVER_LOADED = {"LICENCES.txt", "packages.json"}  # for readers and tests only
SOURCES = sorted(path for path in PAGE.rglob("*.js") if path.parent != VENDOR)
by_source = pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)


def test_libraries_are_those_that_were_pinned():
    packages = json.loads((VENDOR / "packages.json").read_text())
    pinned = {name: digest for package in packages for name, digest in package["files"].items()}
    assert pinned.keys() == {path.name for path in VENDOR.iterdir()} - {"packages.json", "LICENCES.txt"}
    for name, digest in pinned.items():
        content = (VENDOR / name).read_bytes()
        content = gzip.decompress(content) if name.endswith(".gz") else content
        assert hashlib.sha256(content).hexdigest() == digest, name
    licences = (VENDOR / "LICENCES.txt").read_text()
    assert all(f"{package['name']} {package['version']}, " in licences for package in packages)


def test_it_is_small_beside_the_runtime_and_the_voice():
    own = [path for path in PAGE.rglob("*") if path.is_file() and path.name not in RUNTIME | NEVER_LOADED]
    assert 10_000 < sum(len(gzip.compress(path.read_bytes())) for path in own) < 120_000


@by_source
def test_it_imports_only_what_lies_beside_it(path):
    imported = re.findall(r"(?:from|import\(?) ?'([^']+)'", path.read_text())
    for name in imported:
        assert name.startswith("."), name
        assert (path.parent / name).resolve().is_file(), name
    assert not re.search("https?:", re.sub(r"//.*", "", path.read_text()))


def test_every_text_is_in_the_table_and_used():
    table = (PAGE / "texts.js").read_text()
    keys = set(re.findall(r"^  (\w+): '", table, re.MULTILINE))
    code = "\n".join(path.read_text() for path in SOURCES if path.name != "texts.js")
    assert set(re.findall(r"\bt\('(\w+)'", code)) <= keys
    assert len(keys) > 80
    assert not {key for key in keys if not re.search(rf"\b{key}\b", code)}


def test_the_policy_lets_nothing_in_from_elsewhere():
    page = (PAGE / "index.html").read_text()
    policy = re.search(r'Content-Security-Policy"\s+content="([^"]+)"', page)
    assert policy
    rules = dict(rule.strip().split(" ", 1) for rule in policy[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert set(" ".join(rules.values()).split()) == {"'none'", "'self'", "'wasm-unsafe-eval'"}
    assert not re.search(r"<script>|<style>|style=|onclick", page)


def test_what_it_writes_into_files_names_this_version():
    assert f"SOFTWARE = 'voxlet {__version__}'" in (PAGE / "voice" / "wav.js").read_text()


def test_titles_of_metrics_are_those_of_the_catalogue():
    tool = Path(__file__).parents[2] / "tools" / "page_metrics.py"
    spec = importlib.util.spec_from_file_location("page_metrics", tool)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    assert module.FILE.read_bytes() == module.content(), "run python tools/page_metrics.py"


def test_a_folder_of_the_page_can_be_taken_in_at_a_glance():
    for folder in (PAGE, *(path for path in PAGE.iterdir() if path.is_dir())):
        assert len([path for path in folder.iterdir() if path.is_file()]) <= 13, folder
