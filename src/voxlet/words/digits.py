"""Numbers and their English words, for texts, labels and catalogued corpora."""

from __future__ import annotations

DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")

MOST_DIGITS = 9  # nobody reads a longer run of digits as one number

_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

# Folded words to numbers; `spell` gives the first word of each.
NUMBERS: dict[str, int] = {
    word: number for number, word in enumerate((*DIGIT_WORDS, *_TEENS, "nineteen", *_TENS[:1]))
}
NUMBERS |= {word: 10 * number for number, word in enumerate(_TENS, start=2)}
NUMBERS |= {
    f"{tens} {unit}": 10 * number + digit
    for number, tens in enumerate(_TENS, start=2)
    for digit, unit in enumerate(DIGIT_WORDS)
    if digit
}
NUMBERS |= {"hundred": 100, "one hundred": 100, "thousand": 1000, "one thousand": 1000}
_WORDS = {number: word for word, number in reversed(NUMBERS.items())}


def number_of(word: str) -> int | None:
    """The number of a folded word: digits of any script without leading zeros, or English words.

    >>> number_of("12"), number_of("twelve"), number_of("twenty one"), number_of("07"), number_of("yes")
    (12, 12, 21, None, None)
    """
    if len(word) <= MOST_DIGITS and word.isdecimal():
        number = int(word)
        return number if len(str(number)) == len(word) else None
    return NUMBERS.get(word)


def spell(number: int) -> str | None:
    """The English word of a number; None if there is none.

    >>> spell(7), spell(21), spell(100), spell(101)
    ('seven', 'twenty one', 'hundred', None)
    """
    return _WORDS.get(number)
