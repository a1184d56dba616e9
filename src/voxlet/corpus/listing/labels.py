"""Normalisation of labels: digits as words, one spelling for each word, and sorting."""

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
    """The label in Unicode form NFC with normalised white space; empty if it has no visible character."""
    return "" if is_blank(text) else " ".join(unicodedata.normalize("NFC", text).split())


def as_words(labels: Iterable[str]) -> dict[str, str]:
    """Map each distinct label to its name: if all labels are digits, 0 to 9 become words.

    >>> as_words(["7", "0"]), as_words(["7", "yes"])
    ({'7': 'seven', '0': 'zero'}, {'7': '7', 'yes': 'yes'})
    """
    folded = {label: fold(label) for label in labels}
    if DIGITS.issuperset(folded.values()):
        return {label: DIGIT_WORDS[int(digit)] for label, digit in folded.items()}
    return {label: label for label in folded}


def merge_labels(entries: Sequence[Entry]) -> tuple[list[Entry], list[str]]:
    """The entries with the most frequent spelling of each word, and notes on the spellings merged."""
    counts = Counter(entry.label for entry in entries if entry.label)
    words: dict[str, list[str]] = {}
    for label in counts:
        words.setdefault(fold(label), []).append(label)
    spelling: dict[str, str] = {}
    notes = []
    for labels in words.values():
        # If two are equally frequent, prefer lower case.
        best, *others = sorted(labels, key=lambda label: (-counts[label], label != label.lower(), label))
        spelling |= dict.fromkeys(labels, best)
        if others:
            named = ", ".join(f"{label!r} ({counts[label]:,})" for label in others)
            notes.append(f"one word in several spellings: {named} counted as {best!r} ({counts[best]:,})")
    merged = [replace(entry, label=spelling.get(entry.label, entry.label)) for entry in entries]
    return merged, notes


def sort_labels(labels: Iterable[str]) -> tuple[str, ...]:
    """The distinct labels, in numerical order if all are numbers, otherwise in alphabetical order.

    >>> sort_labels(["two", "one", "ten", "one"]), sort_labels(["10", "2"]), sort_labels(["two", "no"])
    (('one', 'two', 'ten'), ('2', '10'), ('no', 'two'))
    """
    distinct = sorted(set(labels))
    numbers = {label: number_of(fold(label)) for label in distinct}
    if None in numbers.values():
        return tuple(distinct)
    return tuple(sorted(distinct, key=lambda label: numbers[label] or 0))
