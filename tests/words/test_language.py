"""Language tags."""

from __future__ import annotations

import pytest

from voxlet.errors import ConfigError
from voxlet.words.language import check_language, describe_language, same_language


@pytest.mark.parametrize(
    ("tag", "usual"),
    [
        ("en", "en"),
        ("AR-eg", "ar-EG"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("es-419", "es-419"),
        ("zh-yue", "zh-yue"),
        ("de-1996", "de-1996"),
        ("sl-rozaj-biske", "sl-rozaj-biske"),
        ("en-u-nu-latn", "en-u-nu-latn"),
        ("en-x-Ours", "en-x-ours"),
        ("und", "und"),
        ("arb", "arb"),
    ],
)
def test_a_tag_in_its_usual_case(tag, usual):
    assert check_language(tag) == usual


@pytest.mark.parametrize(
    "tag", ["", "e", "english", "Englisch", "en_US", "en-", "12", "en-x", "én", " en", "en\n", "e" * 99]
)
def test_what_is_no_tag(tag):
    with pytest.raises(
        ConfigError, match=r"^language: .* is not a language tag; give a BCP 47 tag, such as en"
    ) as caught:
        check_language(tag)
    assert "\n" not in str(caught.value)


def test_the_same_language():
    assert same_language("en", "en-GB")
    assert not same_language("en", "ar")
    assert not same_language("und", "und")
    assert not same_language("und", "en")


def test_what_is_lost_without_a_language_is_said_with_its_remedy():
    assert describe_language("ar") == "language: ar"
    line = describe_language("und")
    assert line.startswith("language: not known, so scores will compare these words with no other corpus")
    assert line.endswith("--language en")
    assert "\n" not in line
