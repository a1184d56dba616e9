"""A voice's model card as the hub shows it: what its file says of itself, as Markdown with YAML ahead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from voxlet.evaluation.intervals import Interval
from voxlet.evaluation.metric import CATALOGUE, show
from voxlet.words.language import UNKNOWN_LANGUAGE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from voxlet.speak.voice_file import VoiceInfo

# What people call licences, and what the hub calls them.
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
SHOWN = 40  # words and speakers that are listed
UNSTATED = "not stated"


def model_card(info: VoiceInfo, repository: str) -> str:
    """The text of a README.md."""
    import yaml

    front = yaml.safe_dump(_front(info), sort_keys=False, allow_unicode=True)
    return f"---\n{front}---\n\n{_text(info, repository)}"


def _front(info: VoiceInfo) -> dict[str, Any]:
    licence = _line(info.card.get("licence"))
    known = LICENCES.get(licence.lower())
    found: dict[str, Any] = {
        "library_name": "voxlet",
        "pipeline_tag": "text-to-speech",
        "tags": ["voxlet", "onnx", "synthetic-speech", "variational-autoencoder"],
        "license": known or "other",
    }
    if known is None:
        found["license_name"] = licence or UNSTATED
    if info.language != UNKNOWN_LANGUAGE:
        found["language"] = [info.language]
    return found


def _text(info: VoiceInfo, repository: str) -> str:
    card = info.card
    consent = card.get("consent")
    rows = [
        ("words", _listed(info.labels)),
        ("speakers", _listed(tuple(info.styles)) or "none named"),
        ("rate", f"{info.rate:,} Hz"),
        ("can be asked for", ", ".join(info.attributes) or "none of speed, pitch and clarity"),
        ("data", _line(card.get("data")) or UNSTATED),
        ("credit", _line(card.get("credit")) or UNSTATED),
        ("licence", _line(card.get("licence")) or UNSTATED),
        ("consent", CONSENT.get(str(consent), UNSTATED)),
        ("made with", _line(card.get("made_with")) or UNSTATED),
        ("version", info.version),
    ]
    return "\n".join(
        [
            f"# {_cell(info.name)}",
            "",
            "A voice of voxlet: it says these words one by one. What it says is synthetic and says so.",
            "",
            "```python",
            "import voxlet",
            "",
            f'voice = voxlet.load("hf:{repository}")',
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
    """The table of its scorecard, beside real clips; nothing where there is none."""
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
    """Text that is itself in a table of Markdown, whatever a voice file says."""
    for mark in "\\`*_[]<>|#":
        text = text.replace(mark, f"\\{mark}")
    return text
