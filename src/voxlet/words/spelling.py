"""Which spellings are the same word: the folding that labels, texts and looked-up names share.

The same are
- letters in any case, composed or not (NFC, NFD), in any compatibility form (NFKC): `Yes`, `ＹＥＳ`, `ﬁve`;
- all apostrophes: `don't`, `don’t`, `donʼt`, `don´t`;
- inside a word, spaces of any width, underscores, hyphens and dashes: `turn left`, `turn_left`, `turn–left`.
  At the ends of a word, a hyphen counts: `-5` is not `5`, and `a-` is not `a`.

Characters that only affect typesetting are ignored: soft hyphens, zero-width spaces, direction marks,
variation selectors, the Arabic tatweel. Joiners count where they tell words apart: U+200C after an Arabic
letter (Persian has pairs of words that differ only in it) or a virama, U+200D after a virama, as in Unicode's
rule for identifiers (UAX 31, A1, A2 and B). Vowel marks of Arabic and Hebrew count (`عَلَم` is a flag,
`عِلْم` is knowledge), but most people write neither them nor joiners: without these (`loosen`), a word is
found if only one word matches.

Characters with another meaning are kept: `x²` is not `x2`, and `½` is not `1/2`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

APOSTROPHES = frozenset("'`´‘’‛ʹʻʼʽˈ′‵＇՚׳᾽᾿Ꞌꞌ")
HYPHENS = "-‐‑‒–֊־᐀᠆⁃﹣－"
DASHES = "—―⸗⸚⸺⸻⹀⹝〜〰゠︱︲﹘\U00010ead"
MINUS = "−"
_OTHER_MEANING = ("<super>", "<sub>", "<fraction>")
_IGNORED = frozenset("\u034f\u0640\u180b\u180c\u180d\u180f") | {
    *map(chr, range(0xFE00, 0xFE10)),
    *map(chr, range(0xE0100, 0xE01F0)),
}
_NON_JOINER, _JOINER = "\u200c", "\u200d"
_VIRAMA = 9  # canonical combining class

_GAPS = re.compile(rf"[\s_{DASHES}{MINUS}{HYPHENS[1:]}-]+")
_SPACES = re.compile(r"[\s_]*")
_OPTIONAL = re.compile(
    "[\u200c\u200d"  # joiners
    "\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7"  # Hebrew
    "\u064b-\u0652\u0656-\u065f\u0670\u06d6-\u06dc]"  # Arabic; U+0653 to U+0655 make other letters
)


@lru_cache(maxsize=1024)
def fold(word: str) -> str:
    """The common form of all spellings of a word, its parts separated by single spaces.

    >>> fold("Turn_Left") == fold("turn‑left"), fold("don’t"), fold("-5"), fold("x²")
    (True, "don't", '-5', 'x²')
    """
    text = "".join(characters(word)[0])
    start, stop = 0, len(text)
    while start < stop and _is_gap(text[start]):
        start += 1
    while start < stop and _is_gap(text[stop - 1]):
        stop -= 1
    if start == stop:
        return "-" if _has_hyphen(text) else text or word
    before, inner, after = text[:start], text[start:stop], text[stop:]
    return "-" * _has_hyphen(before) + _GAPS.sub(" ", inner) + "-" * _has_hyphen(after)


def loosen(folded: str) -> str:
    """A folded word without the vowel marks and joiners that most people do not write."""
    return folded if folded.isascii() else _OPTIONAL.sub("", folded)


@dataclass(frozen=True)
class Flat:
    """A folded text with one space for each gap, and each character's position; last, the text's length."""

    text: str
    origins: tuple[int, ...]


def flatten(folded: str, *, loose: bool = False) -> Flat:
    """A folded text with a single space for each gap and, if `loose`, without optional marks."""
    kept: list[str] = []
    origins: list[int] = []
    after_gap = False
    for index, character in enumerate(folded):
        gap = _is_gap(character)
        if not (gap and after_gap) and not (loose and _OPTIONAL.fullmatch(character)):
            kept.append(" " if gap else character)
            origins.append(index)
        after_gap = gap
    return Flat("".join(kept), (*origins, len(folded)))


def find(word: str, words: Iterable[str]) -> str | None:
    """The one of `words` that `word` means: itself, else the only one with the same folding; None otherwise.

    >>> find("ann", ("Ann", "Bob")), find("ann", ("Ann", "ANN")), find("Ann", ("Ann", "ANN"))
    ('Ann', None, 'Ann')
    """
    known = tuple(words)
    if word in known:
        return word
    folded = fold(word)
    alike = [one for one in known if fold(one) == folded]
    return alike[0] if len(alike) == 1 else None


def characters(text: str) -> tuple[Sequence[str], Sequence[int]]:
    """The folded characters of a text, with gaps unchanged, and the position in the text of each."""
    if text.isascii():
        return text.lower().replace("`", "'"), range(len(text))
    found: list[str] = []
    positions: list[int] = []
    for start, cluster in _clusters(text):
        folded = _fold_cluster(cluster)
        found += folded
        positions += [start] * len(folded)
    return found, positions


def is_blank(text: str) -> bool:
    """Whether a text contains only spaces and characters that only affect typesetting.

    >>> is_blank(" \u200b"), is_blank("-")
    (True, False)
    """
    return not "".join(characters(text)[0]).strip()


def _is_gap(character: str) -> bool:
    return _GAPS.match(character) is not None


def _has_hyphen(gap: str) -> bool:
    return _SPACES.fullmatch(gap) is None


def _clusters(text: str) -> Iterator[tuple[int, str]]:
    """Characters with their marks, or the parts of a Hangul syllable, each with its start."""
    start, cluster = 0, ""
    for index, character in enumerate(text):
        if not character.isascii() and _is_ignored(character) and not _joins(text, index):
            continue
        if cluster and _continues(cluster[-1], character):
            cluster += character
            continue
        if cluster:
            yield start, cluster
        start, cluster = index, character
    if cluster:
        yield start, cluster


def _continues(before: str, character: str) -> bool:
    return not character.isascii() and (
        unicodedata.category(character)[0] == "M"
        or ("\u1160" <= character <= "\u11ff" and "\u1100" <= before <= "\ud7a3")
    )


@lru_cache(maxsize=4096)
def _is_ignored(character: str) -> bool:
    return character in _IGNORED or unicodedata.category(character) == "Cf"


def _joins(text: str, index: int) -> bool:
    """Whether the character at `index` is a joiner that tells words apart."""
    if text[index] not in (_NON_JOINER, _JOINER) or not 0 < index < len(text) - 1:
        return False
    before, after = text[index - 1], text[index + 1]
    is_arabic = text[index] == _NON_JOINER and unicodedata.bidirectional(before) == "AL"
    return (is_arabic or unicodedata.combining(before) == _VIRAMA) and unicodedata.category(after)[0] == "L"


@lru_cache(maxsize=4096)
def _fold_cluster(cluster: str) -> str:
    if cluster in APOSTROPHES:
        return "'"
    if unicodedata.decomposition(cluster[0]).startswith(_OTHER_MEANING):
        return cluster
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", cluster).casefold())
    folded = folded.replace("i\u0307", "i")  # from the Turkish capital İ
    return "".join("'" if character in APOSTROPHES else character for character in folded)
