"""The language of words: a BCP 47 tag, such as `en`, `ar-EG` or `zh-Hant`."""

from __future__ import annotations

import re

from voxlet.errors import ConfigError

UNKNOWN_LANGUAGE = "und"
MOST_CHARACTERS = 35  # RFC 5646, 4.4.1

# RFC 5646, 2.1. No language of four to eight letters is registered: `english` is none.
_TAG = re.compile(
    r"(?P<language>[a-z]{2,3})(?P<extended>(?:-[a-z]{3}){0,3})(?P<script>-[a-z]{4})?"
    r"(?P<region>-(?:[a-z]{2}|\d{3}))?"
    r"(?P<rest>(?:-(?:[a-z0-9]{5,8}|\d[a-z0-9]{3}))*(?:-[a-wyz0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?)",
    re.ASCII,
)


def check_language(tag: str) -> str:
    """The language tag in its usual case, if it is well-formed.

    Raises:
        ConfigError: The tag is not well-formed.

    >>> check_language("AR-eg"), check_language("zh-hant")
    ('ar-EG', 'zh-Hant')
    """
    found = _TAG.fullmatch(tag.lower()) if len(tag) <= MOST_CHARACTERS else None
    if found is None:
        raise ConfigError(
            f"{tag[:MOST_CHARACTERS]!r} is not a language tag",
            where="language",
            remedy="give a BCP 47 tag, such as en for English, ar for Arabic or pt-BR",
        )
    script, region = found["script"] or "", found["region"] or ""
    return f"{found['language']}{found['extended']}{script.title()}{region.upper()}{found['rest']}"


def same_language(one: str, other: str) -> bool:
    """Whether two checked tags are of the same language; the unknown language is not even equal to itself.

    >>> same_language("en-GB", "en"), same_language("en", "ar"), same_language("und", "und")
    (True, False, False)
    """
    first, second = one.partition("-")[0], other.partition("-")[0]
    return first == second != UNKNOWN_LANGUAGE


def describe_language(tag: str) -> str:
    """A line on the language of recordings and, if it is unknown, on what is lost by that."""
    if tag != UNKNOWN_LANGUAGE:
        return f"language: {tag}"
    return (
        "language: not known, so scores will compare these words with no other corpus and ask no other "
        "recogniser; if they are English, say so: --language en"
    )
