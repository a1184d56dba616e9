"""The figures in README.md and docs/ are those of the stored results; `make figures` writes them."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from voxlet.study.document import markdown
from voxlet.study.report import report
from voxlet.study.run import read_study

SCRIPT = Path(__file__).parent.parent / "docs" / "figures" / "draw.py"


@pytest.fixture(scope="module")
def figures():
    description = importlib.util.spec_from_file_location("draw_figures", SCRIPT)
    module = importlib.util.module_from_spec(description)
    description.loader.exec_module(module)
    return module


def test_every_document_has_the_stored_figures(figures):
    blocks = figures.blocks()
    different = [
        path for path in figures.documents() if figures.drawn(path.read_text(), blocks) != path.read_text()
    ]
    assert not different, "run `make figures`"


def test_a_block_is_filled_whatever_stood_in_it(figures):
    begin, end = "<!-- figures: one -->\n", "<!-- end -->\n"
    filled = figures.drawn(f"before\n{begin}| 1 |\n{end}between\n{begin}{end}", {"one": lambda: "| 2 |\n"})
    assert filled == f"before\n{begin}| 2 |\n{end}between\n{begin}| 2 |\n{end}"
    with pytest.raises(KeyError, match="two"):
        figures.drawn("<!-- figures: two -->\n<!-- end -->", {})


def test_the_blocks_hold_the_stored_numbers(figures):
    blocks = figures.blocks()
    card = figures.read_scorecard(figures.CARD.read_text())
    lines = blocks["digits.summary"]().splitlines()
    assert len(lines) == 2 + 5
    real = card.figure("naturalness.dnsmos.overall")
    assert f"| {real.generated.value:.2f} [" in lines[3]
    assert f"| {real.real.value:.2f} [" in lines[3]
    assert len(blocks["digits.labels"]().splitlines()) == 2 + 10
    assert blocks["digits.full"]().count("\n") > 30
    words = blocks["one_word"]()
    stored = json.loads(figures.ONE_WORD.read_text())["rows"]
    assert [words.count(row["title"]) for row in stored] == [
        1 if row["key"] == "real" else 2 for row in stored
    ]
    assert f"| {100 * stored[1]['alone']['value']:.1f} % [" in words
    curves = {line.split(" | ")[4] for line in blocks["utility"]().splitlines()[2:]}
    assert curves
    assert all("%" in cell for cell in curves)
    models = blocks["study.models"]()
    assert "| MLP, 50 epochs | 37.7 M | 2.2 | 2,263.0 | 67% |" in models
    assert models.splitlines()[-1].startswith("| real test clips |")


def test_the_studys_report_has_the_numbers_of_its_rows(figures):
    kept = replace(read_study(figures.STUDY), corpus="fsdd", count=300)
    written = (figures.STUDY / "report.md").read_text().splitlines()
    drawn = markdown(list(report(kept))).splitlines()
    tables = [line for line in drawn if line.startswith("|")]
    assert len(tables) > 100
    assert [line for line in tables if line not in written] == []
    assert [line for line in drawn if line.startswith("The lowest") and line not in written] == []


def test_no_stored_result_says_where_anything_lay():
    stored = sorted(SCRIPT.parent.parent.rglob("*.json"))
    assert stored
    for path in stored:
        assert not re.search(r'"(?:/|~|[A-Za-z]:\\\\)', path.read_text()), path
