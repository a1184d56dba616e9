"""Convert text to labels and pauses: `555-0102`, `four zero nine one`, `+1 (555) 010-2345`, several lines.

Nothing here is specific to digits: a word can be said if it is one of the voice's labels, in any spelling
that counts as the same word (`voxlet.words.spelling`). If several labels match, the longest is said: `turn
left` rather than `turn`.
Labels of one character may be written together (`4091`, `abc`); longer ones must be separated.

A run of digits in any script (`4`, `４`, `٤`) is said in the first way that the voice has labels for:

    itself      a label with exactly this spelling: `42`
    a number    no leading zeros, and not after a decimal point: `10` as `ten`, `21` as `twenty one`
    two words   `21` as `twenty`, `one`
    digits      each as its own label or English word: `4091`

A label may have other spellings, which the voice file lists, such as `صفر` and `sifr` for an Arabic `zero`.

`oh` and `o` are zero in a voice that has zero, another digit and neither of the two words. Labels that are
numbers are also found by their words: `four` where the label is `4`.

Whatever stands between two words becomes a pause; of several marks, the strongest counts:

    WORD    nothing, or a space between single words or digits: `4091`, `4 0 9 1`, `four zero`
    GROUP   a space next to a run of digits, a dash, bracket, slash, quote or colon: `555 0102`, `555-0102`
    PHRASE  a comma, semicolon, full stop, `!` or `?`
    LINE    the end of a line

Three signs are said if the voice has a label for them:

    .   before a digit: `point`, else a PHRASE pause, so that `3.14` is heard as three, pause, one four
    +   before a number: `plus`, else nothing, as in telephone numbers
    −   `minus`, else `negative`, else an error: it is never left out

A hyphen or a short dash before a number is a minus (`-5`, `-.5`) unless it follows a word, a closing bracket
or another dash. In lines of seven or more digits, which are telephone numbers, it is a pause. The sign `−` is
always a minus.

Any other character is an error: a voice that silently skips `%` or `²` does not say what is written.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from voxlet.errors import TextError
from voxlet.words.digits import number_of, spell
from voxlet.words.spelling import HYPHENS, MINUS, characters, flatten, fold, loosen

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from voxlet.words.spelling import Flat

NONE: Mapping[str, Sequence[str]] = MappingProxyType({})
LISTED = 24  # most labels that an error message names
QUOTED = 24  # most characters of the text that an error message quotes


class Pause(IntEnum):
    """The pause after a word, weakest first."""

    WORD = 0
    GROUP = 1
    PHRASE = 2
    LINE = 3


@dataclass(frozen=True)
class Spoken:
    """One word to say: its label, its position in the text (from 0), and the pause after it."""

    label: str
    position: int
    pause: Pause


FEWEST_DIALLED = 7  # a line with so many digits is a telephone number: its hyphens are not minus signs

# Kinds of character, one letter each, so that a line's kinds form a string for regular expressions.
DIGIT, LETTER, SPACE, UNKNOWN = "d", "w", " ", "?"
PAUSES = dict.fromkeys("-—+|)", Pause.GROUP) | dict.fromkeys(".,", Pause.PHRASE)
SIGNS = {".": ("point",), "+": ("plus",), "-": ("minus", "negative"), MINUS: ("minus", "negative")}
KINDS = (
    dict.fromkeys(".٫", ".")
    | dict.fromkeys(",;!?،؛؟٬。、…¡¿।", ",")
    | dict.fromkeys("/\\'\":_·", "|")
    | dict.fromkeys("+", "+")
    | dict.fromkeys(HYPHENS, "-")
    | dict.fromkeys(MINUS, MINUS)
)
# A joiner (Cf) that folding has kept is part of a word.
CATEGORIES = {"Pd": "—", "Ps": "|", "Pe": ")", "Pi": "|", "Pf": "|", "Nd": DIGIT, "Cf": LETTER}
MAJOR_CATEGORIES = {"L": LETTER, "M": LETTER, "N": LETTER, "Z": SPACE}

TOKEN = re.compile("[dw]+|.")
POINT = re.compile(r"(?<!\.)\.(?=d)")
PLUS = re.compile(r"(?<![dw])\+(?=d)")
HYPHEN = re.compile(rf"(?<![dw)—{MINUS}-])-(?=\.?d)")
LINE_END = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")


@lru_cache(maxsize=4096)
def kind(character: str) -> str:
    """The kind of one folded character: a digit, a letter, a space, unknown or a mark."""
    if character in KINDS:
        return KINDS[character]
    if character in "\t\n\r\v\f\x85":
        return SPACE
    category = unicodedata.category(character)
    return CATEGORIES.get(category, MAJOR_CATEGORIES.get(category[0], UNKNOWN))


class Vocabulary:
    """The labels of a voice and their other spellings, indexed for a search in text."""

    def __init__(self, labels: Sequence[str], spellings: Iterable[tuple[str, Sequence[str]]] = ()) -> None:
        self.labels = tuple(labels)
        self.words: dict[str, str] = {}
        for one in labels:
            self.words.setdefault(fold(one), one)
        for one, ways in spellings:
            for way in ways:
                self.words.setdefault(fold(way), one)
        self.numbers = self._find_numbers()
        # Labels of several words, or with a mark inside (`turn left`, `turn_left`, `x-ray`, `don't`).
        self.phrases = {word for word in self.words if set(map(kind, word)) - {DIGIT, LETTER}}
        self.flat = {flatten(word).text for word in self.phrases}
        self.lengths = {  # of phrases, by their first character, longest first
            first: sorted({len(word) for word in self.flat if word[0] == first}, reverse=True)
            for first in {word[0] for word in self.flat}
        }

    def _find_numbers(self) -> dict[int, str]:
        """The labels that are numbers, by their value; adds number words and loose spellings to `words`."""
        folded = list(self.words.items())
        rows = [(number, *pair) for pair in folded if (number := number_of(pair[0])) is not None]
        # Of several labels for 4, `4` is preferred to `four`, and `four` to `٤`.
        rows.sort(key=lambda row: (row[1] != str(row[0]), row[1].isdecimal()))
        found: dict[int, str] = {}
        for number, _, label in rows:
            found.setdefault(number, label)
        for number, label in found.items():
            if spelt := spell(number):
                self.words.setdefault(spelt, label)
        if 0 in found and not found.keys().isdisjoint(range(1, 10)) and not self.words.keys() & {"o", "oh"}:
            self.words |= dict.fromkeys(("o", "oh"), found[0])
        bare = Counter(loose for loose, _ in {(loosen(word), label) for word, label in folded})
        for word, label in folded:
            if bare[loosen(word)] == 1:
                self.words.setdefault(loosen(word), label)
        return found

    def find(self, folded: str) -> str | None:
        """The label for a folded word or phrase, or None."""
        return self.words.get(folded) or self.words.get(loosen(folded))

    def sign(self, mark: str) -> str | None:
        """The label with which a sign of this kind is said, or None."""
        return next((self.words[word] for word in SIGNS[mark] if word in self.words), None)

    def phrase_at(self, line: Line, start: int) -> tuple[str, int] | None:
        """The longest label of several words that begins at `start`, and the index after it."""
        for flat in line.flat:
            place = bisect_left(flat.origins, start)
            if flat.origins[place] != start:  # `start` is within a gap
                continue
            for length in self.lengths.get(flat.text[place : place + 1], ()):
                piece = flat.text[place : place + length]
                if piece not in self.flat:
                    continue
                stop = flat.origins[place + len(piece)]
                word = fold(line.folded[start:stop])
                for found in (word, loosen(word)):
                    if found in self.phrases and not _is_cut(line.kinds, start, stop):
                        return self.words[found], stop
        return None

    def split(self, run: str, kinds: str, *, decimals: bool) -> Iterator[tuple[str | None, int, int]]:
        """Labels and their bounds in a run of letters and digits; None for parts that are not a label.

        Args:
            run: The run, folded.
            kinds: The kinds of its characters.
            decimals: Whether the run follows a decimal point: its first digits are then said one by one.
        """
        decimals = decimals and kinds[0] == DIGIT
        if not decimals and (label := self.find(run)):
            yield label, 0, len(run)
            return
        for piece in re.finditer("d+|w+", kinds):
            start, stop = piece.span()
            if decimals and start == 0:
                yield from self._digits(run[:stop])
            elif label := self.find(run[start:stop]):
                yield label, start, stop
            elif kinds[start] == DIGIT:
                for label, first, last in self._number(run[start:stop]):
                    yield label, start + first, start + last
            elif all(letter in self.words for letter in run[start:stop]):
                for index in range(start, stop):
                    yield self.words[run[index]], index, index + 1
            else:
                yield None, start, stop

    def _number(self, run: str) -> Iterator[tuple[str | None, int, int]]:
        """As `split`, for a run of digits: said as a number, as tens and a unit, or digit by digit."""
        number = number_of(run)
        tens, unit = divmod(number or 0, 10)
        if number in self.numbers:
            yield self.numbers[number], 0, len(run)
        elif 2 <= tens < 10 and {10 * tens, unit} <= self.numbers.keys():
            yield self.numbers[10 * tens], 0, 1
            yield self.numbers[unit], 1, 2
        else:
            yield from self._digits(run)

    def _digits(self, run: str) -> Iterator[tuple[str | None, int, int]]:
        for index, digit in enumerate(run):
            yield self.find(digit) or self.numbers.get(unicodedata.decimal(digit)), index, index + 1

    def __str__(self) -> str:
        named = ", ".join(self.labels[:LISTED])
        more = len(self.labels) - LISTED
        digits = [str(digit) for digit in range(10) if self.numbers.get(digit, str(digit)) != str(digit)]
        return (
            named
            + (f" and {more} more" if more > 0 else "")
            + (f"; digits: {''.join(digits)}" if digits else "")
        )


@dataclass(frozen=True)
class Line:
    """Folded characters, their kinds, and their positions in the original line; all of the same length.

    Labels of several words are searched in `flat`: the line as it is and, if different, the line without
    optional marks. It is empty if the voice has no such labels.
    """

    folded: str
    kinds: str
    positions: Sequence[int]
    flat: tuple[Flat, ...] = ()


def normalise(line: str, *, phrases: bool = False) -> Line:
    """A line of text, folded; with `phrases`, prepared for the search for labels of several words."""
    found, positions = characters(line)
    folded = "".join(found)
    flat = (flatten(folded),) if phrases else ()
    if phrases and loosen(folded) != folded:
        flat = (*flat, flatten(folded, loose=True))
    return Line(folded, "".join(map(kind, folded)), positions, flat)


@dataclass(frozen=True)
class _Found:
    spoken: Spoken
    single: bool  # stands alone, not in a run as in `4091`: a space next to it is no GROUP pause


def words(
    text: str, labels: Sequence[str], spellings: Mapping[str, Sequence[str]] = NONE
) -> Iterator[Spoken]:
    """The words of `text` one by one, each with the pause after it; memory use is that of the longest line.

    Args:
        text: The text to say.
        labels: The labels of the voice.
        spellings: Other spellings of some labels.

    Raises:
        TextError: Something is not a label, a digit of the voice or a pause (raised when it is reached), or
            there is no word at all (raised at the end).
    """
    vocabulary = _vocabulary(tuple(labels), tuple((label, tuple(ways)) for label, ways in spellings.items()))
    last: _Found | None = None
    offset = 0
    for number, line in enumerate(_lines(text), start=1):
        pause, spaced = (Pause.LINE if number > 1 else Pause.WORD), False
        for found in _line_words(line, number, offset, vocabulary):
            if isinstance(found, Pause):
                pause, spaced = max(pause, found), spaced or found == Pause.WORD
                continue
            if last is not None:
                if pause == Pause.WORD and spaced and not (last.single and found.single):
                    pause = Pause.GROUP
                yield replace(last.spoken, pause=pause)
            last, pause, spaced = found, Pause.WORD, False
        offset += len(line)
    if last is None:
        raise TextError("there is nothing to say in the text", remedy=f"this voice can say: {vocabulary}")
    yield replace(last.spoken, pause=Pause.LINE)


_vocabulary = lru_cache(maxsize=16)(Vocabulary)


def _lines(text: str) -> Iterator[str]:
    """The lines of `text` with their line ends, without copying the whole text."""
    start = 0
    for end in LINE_END.finditer(text):
        yield text[start : end.end()]
        start = end.end()
    yield text[start:]


def _is_cut(kinds: str, start: int, stop: int) -> bool:
    """Whether a word continues before `start` or after `stop`; a dash at either end is part of the phrase."""
    word, edge = (DIGIT, LETTER), (DIGIT, LETTER, "-", "—", MINUS)
    before = start > 0 and kinds[start - 1] in word and kinds[start] in edge
    return before or (stop < len(kinds) and kinds[stop] in word and kinds[stop - 1] in edge)


def _is_sign(kinds: str, index: int, *, dialled: bool) -> bool:
    """Whether the mark at `index` is a sign of the number after it."""
    mark = kinds[index]
    if mark == "-":
        return not dialled and HYPHEN.match(kinds, index) is not None
    return mark == MINUS or (POINT.match(kinds, index) or PLUS.match(kinds, index)) is not None


def _line_words(line: str, number: int, offset: int, vocabulary: Vocabulary) -> Iterator[_Found | Pause]:
    """Words and pauses of one line in order; a space is `Pause.WORD`."""
    read = normalise(line, phrases=bool(vocabulary.phrases))
    folded, kinds, positions = read.folded, read.kinds, read.positions
    dialled = kinds.count(DIGIT) >= FEWEST_DIALLED

    def found(label: str, index: int, *, single: bool) -> _Found:
        return _Found(Spoken(label, offset + positions[index], Pause.WORD), single)

    def refusal(start: int, stop: int, what: str = "") -> TextError:
        first = positions[start]
        after = positions[stop] if stop < len(positions) else len(line)
        quoted = line[first : max(after, first + 1)].rstrip() or line[first]
        if len(quoted) > QUOTED:
            quoted = f"{quoted[:QUOTED]}…"
        where = f"character {first + 1}" if number == 1 else f"line {number}, character {first + 1}"
        return TextError(
            f"cannot say {quoted!r}{what}", where=where, remedy=f"this voice can say: {vocabulary}"
        )

    index = 0
    while index < len(folded):
        if phrase := vocabulary.phrase_at(read, index):
            yield found(phrase[0], index, single=True)
            index = phrase[1]
            continue
        token = TOKEN.match(kinds, index)
        assert token is not None  # the last alternative of TOKEN matches any character
        mark, stop = kinds[index], token.end()
        if mark in (DIGIT, LETTER):
            single, decimals = True, index > 0 and POINT.match(kinds, index - 1) is not None
            run = vocabulary.split(folded[index:stop], kinds[index:stop], decimals=decimals)
            for label, start, end in run:
                single = single and end == stop - index
                if label is None:
                    raise refusal(index + start, index + end)
                yield found(label, index + start, single=single)
        elif mark == SPACE:
            yield Pause.WORD
        else:
            is_sign = _is_sign(kinds, index, dialled=dialled)
            if is_sign and (label := vocabulary.sign(mark)):
                yield found(label, index, single=True)
            elif is_sign and mark in ("-", MINUS):
                raise refusal(index, stop, ", a minus")
            elif mark in PAUSES and (is_sign or mark != "+"):
                yield PAUSES[mark]
            else:
                raise refusal(index, stop)
        index = stop


def parse(text: str, labels: Sequence[str], spellings: Mapping[str, Sequence[str]] = NONE) -> list[Spoken]:
    """All words of `text`; see `words`."""
    return list(words(text, labels, spellings))
