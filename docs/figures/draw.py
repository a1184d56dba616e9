"""Fill the figures of README.md and docs/ from stored results, so that none is typed.

    python docs/figures/draw.py            # or: make figures
    python docs/figures/draw.py --check    # change nothing; fail where a document differs

A document has blocks; this script writes what is between their markers:

    <!-- figures: digits.summary -->
    ...
    <!-- end -->

The blocks:

    digits.summary   five rows: accuracy, naturalness, speaker, speed, size; real takes beside
    digits.full      every figure of the shipped voice's scorecard but those by label
    digits.labels    its accuracy by label
    one_word         one word alone: voxlet beside others (`python benchmarks/one_word.py FOLDER --json FILE`)
    utility          how useful generated clips are (`python benchmarks/utility.py digits`, `... arabic`)
    spotter          spotters of eight words (`python benchmarks/spotter.py`)
    study.models     the study's models: budget, loss, accuracy, naturalness

The other figures come from docs/figures/digits.scorecard.json (`voxlet score digits --corpus fsdd --json
FILE`) and from the rows that `voxlet study` keeps in docs/study/rows.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.metric import CLASSIFIERS, PART_TITLES, show
from voxlet.evaluation.parts import SET_TITLES
from voxlet.evaluation.scorecard import Figure, Scorecard, read_scorecard

ROOT = Path(__file__).parent.parent.parent
CARD = ROOT / "docs" / "figures" / "digits.scorecard.json"
STUDY = ROOT / "docs" / "study"
ONE_WORD, UTILITY = CARD.with_name("one_word.json"), CARD.with_name("utility.json")
SPOTTER = CARD.with_name("spotter.json")
BLOCK = re.compile(r"(<!-- figures: (?P<name>[\w.]+) -->\n)(?P<body>.*?)(<!-- end -->)", re.DOTALL)
HEADLINES = {
    "recognition.cross_corpus.accuracy": "accuracy, by a classifier trained on other corpora only",
    "naturalness.dnsmos.overall": "naturalness, DNSMOS (1 to 5)",
    "speaker.accuracy": "speaker accuracy",
}


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(line)} |".replace("|  |", "| |") for line in (head, *rows)]
    lines.insert(1, "|" + "---|" * len(head))
    return "".join(f"{line}\n" for line in lines)


def short(figure: Figure, role: str) -> str:
    """A figure's value in one role, without its interval."""
    value = figure.values[role]
    if not isinstance(value, Interval):
        return "-"
    return f"{100 * value.value:.1f} %" if figure.metric.unit == "share" else f"{value.value:.2f}"


def summary(card: Scorecard) -> str:
    """Five rows, generated clips beside real test takes."""
    rows = [
        [title, *(show(figure.metric, value) for value in (figure.generated, figure.real))]
        for title, figure in ((title, card.figure(key)) for key, title in HEADLINES.items())
    ]
    cost = card.cost
    # By processor time: wall-clock time would depend on how many cores were idle.
    word = cost["mean_clip_seconds"] * cost["processor_seconds_per_second_of_audio"]
    rows.append(["speed, on one core of an AMD Zen 3", f"{1 / word:.0f} words a second", ""])
    rows.append(["size of its file", f"{cost['megabytes']:.1f} MB", ""])
    return table(["measure", f"`{card.subject}`", "real test takes"], rows)


def full(card: Scorecard) -> str:
    """Every figure but those by label, part by part, with 95 % confidence intervals."""
    rows, part = [], None
    for figure in card.figures:
        if figure.label is not None:
            continue
        if figure.metric.part != part:
            part = figure.metric.part
            rows.append([f"**{PART_TITLES[part]}**", "", "", ""])
        rows.append([figure.metric.title, *(show(figure.metric, value) for value in figure.values.values())])
    return table(["measure", *SET_TITLES.values()], rows)


def labels(card: Scorecard) -> str:
    """Accuracy by label in percent, generated / real test clips, a column for each classifier."""
    names = list(
        dict.fromkeys(
            figure.label
            for figure in card.figures
            if figure.label is not None and figure.metric.by == "label"
        )
    )
    kinds = [kind for kind in CLASSIFIERS if card.find(f"recognition.{kind}.accuracy.by_label") is not None]
    rows = []
    for name in names:
        found = [card.figure(f"recognition.{kind}.accuracy.by_label", name) for kind in kinds]
        rows.append([name, *(f"{short(one, 'generated')} / {short(one, 'real')}" for one in found)])
    return table(["label", *(CLASSIFIERS[kind] for kind in kinds)], rows)


def models() -> str:
    """The study's models, as in the study's report."""
    from voxlet.study.report import headline_table
    from voxlet.study.run import read_study

    head, *rows = headline_table(read_study(STUDY))
    return table(list(head), [list(row) for row in rows])


def percent(stored: Any) -> str:
    """A stored share with its interval, in per cent; a dash if there is none."""
    if not isinstance(stored, dict):
        return "-"
    value, low, high = (f"{100 * stored[end]:.1f}" for end in ("value", "low", "high"))
    return f"{value} % [{low}, {high}]"


def one_word() -> str:
    """One word alone, by each system: how well it is recognised, how it sounds, what it costs."""
    found = json.loads(ONE_WORD.read_text())
    stored, machine = found["rows"], found["machine"]
    kinds = [kind for kind in CLASSIFIERS if any(kind in row["recognised"] for row in stored)]
    head = ["what", "clips", *(CLASSIFIERS[kind].removesuffix(" classifier") for kind in kinds)]
    head += ["nothing but the word", "DNSMOS overall / signal / P.808"]
    sound = [
        [
            row["title"],
            str(row["clips"]),
            *(percent(row["recognised"].get(kind)) for kind in kinds),
            percent(row["alone"]),
            " / ".join(f"{row['dnsmos'][scale]['value']:.2f}" for scale in ("overall", "signal", "p808")),
        ]
        for row in stored
    ]
    units = {
        "process_s": ("process, s", "{:.2f}"),
        "process_cpu_s": ("its processor time, s", "{:.2f}"),
        "process_peak_mb": ("its peak memory, MB", "{:.0f}"),
        "loaded_s": ("once loaded, s", "{:.3f}"),
        "cpu_s_a_word": ("processor time a word, s", "{:.3f}"),
        "voice_mb": ("voice, MB", "{:.1f}"),
        "installed_mb": ("all that is installed, MB", "{:.0f}"),
    }
    costs = [
        [row["title"]]
        + [form.format(row["cost"][key]) if key in row["cost"] else "-" for key, (_, form) in units.items()]
        for row in stored
        if row["cost"]
    ]
    about = f"{machine['processor']['cores']} cores under a load of {machine['load']:.1f}"
    busy = machine["load"] > machine["processor"]["cores"]
    note = f"\nTimes on {about}{': only processor times compare' if busy else ''}.\n"
    return table(head, sound) + "\n" + table(["what", *(title for title, _ in units.values())], costs) + note


def utility() -> str:
    """How useful generated clips are: means over draws."""
    found = benchmark("utility")
    return table(found.HEAD, found.table(found.read(UTILITY)))


def spotter() -> str:
    """The results of spotters, by what they were trained on."""
    found = benchmark("spotter")
    return table(found.HEAD, [found.shown(row) for row in found.read_rows(SPOTTER)])


def benchmark(name: str) -> Any:
    """Import the module of a benchmark."""
    description = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
    assert description is not None
    assert description.loader is not None
    module = importlib.util.module_from_spec(description)
    sys.modules[name] = module  # where dataclasses look up their module
    description.loader.exec_module(module)
    return module


def blocks() -> dict[str, Callable[[], str]]:
    """The function that writes each block, by the block's name."""
    card = read_scorecard(CARD.read_text())
    return {
        "digits.summary": lambda: summary(card),
        "digits.full": lambda: full(card),
        "digits.labels": lambda: labels(card),
        "one_word": one_word,
        "utility": utility,
        "spotter": spotter,
        "study.models": models,
    }


def drawn(text: str, written: dict[str, Callable[[], str]]) -> str:
    """A document with its blocks filled.

    Raises:
        KeyError: The document names an unknown block.
    """
    return BLOCK.sub(lambda found: f"{found[1]}{written[found['name']]()}{found[4]}", text)


def documents() -> list[Path]:
    """README.md and the documents in docs/."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def main() -> int:
    """Fill the documents, or say which differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail where a document differs")
    check = parser.parse_args().check
    written = blocks()
    different = 0
    for path in documents():
        text = path.read_text()
        now = drawn(text, written)
        if now != text:
            different += 1
            print(f"{path.relative_to(ROOT)}: {'differs' if check else 'filled'}")
            if not check:
                path.write_text(now)
    return min(different, 1) if check else 0


if __name__ == "__main__":
    sys.exit(main())
