"""Labels as they are kept and shown: digits as words, one spelling for each word, and their order."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from voxlet.digits import DIGIT_WORDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voxlet.corpus.listing.entry import Entry

NUMBER_WORDS = (*DIGIT_WORDS, "ten", "eleven", "twelve")
DIGITS = frozenset("0123456789")

_APOSTROPHES = dict.fromkeys(map(ord, "\u2018\u2019\u201b\u02bc\u02b9\u2032\uff07`\u00b4"), "'")
_GAPS = re.compile(r"[\s_\u2010-\u2015\u2212\ufe58\ufe63\uff0d-]+")
_OTHER_MEANING = ("<super>", "<sub>", "<fraction>")  # `x²` is another label than `x2`


def tidy_label(text: str) -> str:
    """The label as it is written, in one form of Unicode, on one line and without space around it."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def as_words(labels: Iterable[str]) -> dict[str, str]:
    """Each distinct label and what it is called: the digits 0 to 9 are words where all labels are digits.

    >>> as_words(["7", "0"]), as_words(["7", "yes"])
    ({'7': 'seven', '0': 'zero'}, {'7': '7', 'yes': 'yes'})
    """
    distinct = dict.fromkeys(labels)
    if DIGITS.issuperset(distinct):
        return {label: DIGIT_WORDS[int(label)] for label in distinct}
    return {label: label for label in distinct}


def fold_label(label: str) -> str:
    """What two spellings of the same word share: without case, gaps alike, in compatibility form.

    >>> fold_label("Turn_Left") == fold_label("turn-left"), fold_label("don\u2019t")
    (True, "don't")
    """
    text = unicodedata.normalize("NFC", label).translate(_APOSTROPHES).replace("\u00ad", "")
    pieces = (
        "".join(piece) if other else _compatible("".join(piece))
        for other, piece in groupby(text, lambda c: unicodedata.decomposition(c).startswith(_OTHER_MEANING))
    )
    return _GAPS.sub(" ", "".join(pieces)).strip() or label


def _compatible(text: str) -> str:
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def merge_labels(entries: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """The entries with one spelling for each word, the most frequent one, and what was merged, in lines."""
    counts = Counter(entry.label for entry in entries if entry.label)
    words: dict[str, list[str]] = {}
    for label in counts:
        words.setdefault(fold_label(label), []).append(label)
    spelling: dict[str, str] = {}
    notes = []
    for labels in words.values():
        # Of two that are equally frequent, the one in small letters.
        best, *others = sorted(labels, key=lambda label: (-counts[label], label != label.lower(), label))
        spelling |= dict.fromkeys(labels, best)
        if others:
            named = ", ".join(f"{label!r} ({counts[label]:,})" for label in others)
            notes.append(f"one word in several spellings: {named} counted as {best!r} ({counts[best]:,})")
    merged = [replace(entry, label=spelling.get(entry.label, entry.label)) for entry in entries]
    return merged, notes


def sort_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """Each label once: in numerical order where all are number words, otherwise in alphabetical order.

    >>> sort_labels(["two", "one", "ten", "one"]), sort_labels(["yes", "two", "no"])
    (('one', 'two', 'ten'), ('no', 'two', 'yes'))
    """
    distinct = set(labels)
    if distinct <= set(NUMBER_WORDS):
        return tuple(word for word in NUMBER_WORDS if word in distinct)
    return tuple(sorted(distinct))
