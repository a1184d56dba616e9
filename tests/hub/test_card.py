"""The card: valid YAML, with licence, credit and consent, and safe against text in the voice file."""

from __future__ import annotations

import pytest
import yaml

import tiny_voice
from voxlet.hub.card import model_card
from voxlet.speak.library import find_voice
from voxlet.speak.voice_file import read_voice

ACCURACY = "recognition.cross_corpus.accuracy"


def parts(card: str) -> tuple[dict, str]:
    _, front, text = card.split("---\n", 2)
    return yaml.safe_load(front), text


def test_the_shipped_voice() -> None:
    front, text = parts(model_card(read_voice(find_voice("digits")).info, "me/digits"))
    assert front["license"] == "cc-by-sa-4.0"
    assert (front["library_name"], front["pipeline_tag"]) == ("voxlet", "text-to-speech")
    assert "| credit | Z. Jackson et al., Free Spoken Digit Dataset (FSDD) |" in text
    assert 'voxlet.load("hf:me/digits")' in text


def test_scores() -> None:
    figures = {ACCURACY: {"generated": [0.96, 0.946, 0.9705], "real": [0.9633, 0.9355, 0.9794]}}
    scores = {"figures": figures, "measured_with": "voxlet 0.2.0", "clips": 1000}
    _, text = parts(model_card(tiny_voice.info(card={"scores": scores}), "me/mine"))
    row = "| accuracy, cross-corpus classifier | 96.0 % \\[94.6, 97.0\\] | 96.3 % \\[93.5, 97.9\\] |"
    assert row in text.splitlines()
    assert "Measured with voxlet 0.2.0, 1000 clips" in text


@pytest.mark.parametrize(
    ("consent", "told"),
    [
        ("given", "has consented"),
        ("own", "whoever made it"),
        ("licence", "by the licence"),
        (None, "not stated"),
    ],
)
def test_consent(consent, told: str) -> None:
    card = {"licence": "the owner's of the recordings", "credit": "Ann", "consent": consent}
    front, text = parts(model_card(tiny_voice.info(card=card), "me/mine"))
    assert (front["license"], front["license_name"]) == ("other", "the owner's of the recordings")
    assert "| credit | Ann |" in text
    assert told in text.split("| consent | ")[1].split("\n")[0]


@pytest.mark.parametrize(
    "nasty", ["---\nlicense: mit\n---", "a: b\n- c", "| x | <script>", "'\"\\", "# head", "\u2028---"]
)
def test_what_a_voice_file_says_stays_in_its_cell(nasty: str) -> None:
    scores = {"figures": {nasty: nasty}, "clips": nasty}
    card = {"licence": nasty, "credit": nasty, "data": nasty, "scores": scores}
    front, text = parts(model_card(tiny_voice.info(card=card, language="en"), "me/mine"))
    assert front["license"] == "other"
    assert front["license_name"] == " ".join(nasty.split())
    assert front["language"] == ["en"]
    assert len([line for line in text.splitlines() if line.startswith("| credit |")]) == 1
    assert "<script>" not in text


@pytest.mark.parametrize(
    "figures", [{ACCURACY: 1}, {ACCURACY: {"generated": "x"}}, {ACCURACY: {"generated": [None] * 3}}, []]
)
def test_scores_that_make_no_sense_are_left_out(figures) -> None:
    _, text = parts(model_card(tiny_voice.info(card={"scores": {"figures": figures}}), "me/mine"))
    assert "%" not in text.partition("| measure |")[2]
