"""Model cards for the hub: facts about a voice or model, as Markdown with YAML front matter."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.metric import CATALOGUE, show
from voxlet.words.language import UNKNOWN_LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlet.speak.voice_file import VoiceInfo

# Common names of licences, and the hub's identifiers.
LICENCES = {
    "cc by-sa 4.0": "cc-by-sa-4.0",
    "cc by 4.0": "cc-by-4.0",
    "cc by-nc 4.0": "cc-by-nc-4.0",
    "cc0": "cc0-1.0",
    "cc0 1.0": "cc0-1.0",
    "mit": "mit",
    "apache 2.0": "apache-2.0",
}
CONSENT = {
    "own": "the voice of whoever made it",
    "given": "the speaker has consented",
    "licence": "by the licence of the recordings",
}
SHOWN = 40  # words or speakers listed at most
UNSTATED = "not stated"


@dataclass(frozen=True)
class Facts:
    """What a model card states.

    Attributes:
        name: The name of the voice or model.
        what: What it is, in a sentence.
        labels: The words that it says.
        rate: The sampling rate in Hz.
        language: The language of the words, a BCP 47 tag.
        rows: Additional rows of the table, each a heading and its text.
        tags: Additional tags for the hub's search.
        card: Data, licence, credit, consent, version and scores, as in a voice file.
    """

    name: str
    what: str
    labels: tuple[str, ...]
    rate: int
    language: str
    rows: tuple[tuple[str, str], ...] = ()
    tags: tuple[str, ...] = ()
    card: Mapping[str, object] = field(default_factory=dict)


def model_card(info: VoiceInfo, repository: str) -> str:
    """The text of a voice's README.md."""
    rows = (
        ("speakers", _listed(tuple(info.styles)) or "none named"),
        ("can be asked for", ", ".join(info.attributes) or "none of speed, pitch and clarity"),
        ("version", info.version),
    )
    what = "A voice of voxlet: it says these words one by one."
    facts = Facts(info.name, what, info.labels, info.rate, info.language, rows, ("onnx",), info.card)
    return text_of(facts, repository)


def text_of(facts: Facts, repository: str) -> str:
    """The text of a README.md with these facts."""
    import yaml

    front = yaml.safe_dump(_front(facts), sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n{_text(facts, repository)}"


def _front(facts: Facts) -> dict[str, Any]:
    licence = _line(facts.card.get("licence"))
    known = LICENCES.get(licence.lower())
    found: dict[str, Any] = {
        "library_name": "voxlet",
        "pipeline_tag": "text-to-speech",
        "tags": ["voxlet", *facts.tags, "synthetic-speech", "variational-autoencoder"],
        "license": known or "other",
    }
    if known is None:
        found["license_name"] = licence or UNSTATED
    if facts.language != UNKNOWN_LANGUAGE:
        found["language"] = [facts.language]
    return found


def _text(facts: Facts, repository: str) -> str:
    card = facts.card
    consent = card.get("consent")
    rows = [
        ("words", _listed(facts.labels)),
        ("rate", f"{facts.rate:,} Hz"),
        *facts.rows,
        ("data", _line(card.get("data")) or UNSTATED),
        ("credit", _line(card.get("credit")) or UNSTATED),
        ("licence", _line(card.get("licence")) or UNSTATED),
        ("consent", CONSENT.get(str(consent), UNSTATED)),
        ("made with", _line(card.get("made_with")) or UNSTATED),
    ]
    return "\n".join(
        [
            f"# {_cell(facts.name)}",
            "",
            f"{facts.what} What it says is synthetic and says so.",
            "",
            "```python",
            "import voxlet",
            "",
            f'model = voxlet.load("hf:{repository}")',
            "```",
            "",
            "| | |",
            "|---|---|",
            *(f"| {name} | {_cell(value)} |" for name, value in rows),
            "",
            *_scores(card.get("scores")),
            "It must not be used to pass as somebody.",
            "",
        ]
    )


def _scores(scores: object) -> list[str]:
    """The lines of a table with the scores of generated and real clips; empty without a scorecard."""
    figures = scores.get("figures") if isinstance(scores, dict) else None
    if not isinstance(scores, dict) or not isinstance(figures, dict):
        return []
    rows = [
        f"| {metric.title} | {_figure(metric, sets, 'generated')} | {_figure(metric, sets, 'real')} |"
        for key, metric in CATALOGUE.items()
        if isinstance(sets := figures.get(key), dict)
    ]
    with_what = f"{_cell(_line(scores.get('measured_with')))}, {_cell(_line(scores.get('clips')))} clips"
    return [
        "## Scores",
        "",
        f"Measured with {with_what}; 95 % confidence intervals.",
        "",
        "| measure | generated | real test clips |",
        "|---|---|---|",
        *rows,
        "",
    ]


def _figure(metric: Any, sets: Mapping[str, object], of: str) -> str:
    value = sets.get(of)
    if not isinstance(value, list) or len(value) != 3:
        return ""
    if not all(isinstance(one, int | float) for one in value):
        return ""
    middle, low, high = map(float, value)
    return _cell(show(metric, Interval(middle, low, high, 0)))


def _listed(names: tuple[str, ...]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _line(value: object) -> str:
    return "" if value is None else " ".join(str(value).split())


def _cell(text: str) -> str:
    """Text from a voice file, escaped so that a Markdown table shows it as it is."""
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, f"\\{mark}")
    return text
