"""Labels as they are kept and shown: digits as words, one spelling for each word, and their order."""

from __future__ import annotations

import unicodedata
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from voxlet.words.digits import DIGIT_WORDS, number_of
from voxlet.words.spelling import fold, is_blank

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from voxlet.corpus.listing.entry import Entry

DIGITS = frozenset("0123456789")


def tidy_label(text: str) -> str:
    """The label as it is written, in one form of Unicode, on one line and without space around it; none
    where nothing of it can be seen."""
    return "" if is_blank(text) else " ".join(unicodedata.normalize("NFC", text).split())


def as_words(labels: Iterable[str]) -> dict[str, str]:
    """Each distinct label and what it is called: the digits 0 to 9 are words where all labels are digits.

    >>> as_words(["7", "0"]), as_words(["7", "yes"])
    ({'7': 'seven', '0': 'zero'}, {'7': '7', 'yes': 'yes'})
    """
    folded = {label: fold(label) for label in labels}
    if DIGITS.issuperset(folded.values()):
        return {label: DIGIT_WORDS[int(digit)] for label, digit in folded.items()}
    return {label: label for label in folded}


def merge_labels(entries: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """The entries with one spelling for each word, the most frequent one, and what was merged, in lines."""
    counts = Counter(entry.label for entry in entries if entry.label)
    words: dict[str, list[str]] = {}
    for label in counts:
        words.setdefault(fold(label), []).append(label)
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
    """Each label once: in numerical order where all are numbers, otherwise in alphabetical order.

    >>> sort_labels(["two", "one", "ten", "one"]), sort_labels(["10", "2"]), sort_labels(["two", "no"])
    (('one', 'two', 'ten'), ('2', '10'), ('no', 'two'))
    """
    distinct = sorted(set(labels))
    numbers = {label: number_of(fold(label)) for label in distinct}
    if None in numbers.values():
        return tuple(distinct)
    return tuple(sorted(distinct, key=lambda label: numbers[label] or 0))
