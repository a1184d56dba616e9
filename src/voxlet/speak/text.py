"""Text to labels and pauses: `555-0102`, `four zero nine one`, `+1 (555) 010-2345`, several lines.

Nothing here is bound to digits: a word is said if it is one of the voice's labels, in any case, in any script
and in any compatibility form (NFKC). A digit of any script (`4`, `４`, `٤`) stands for the label that is this
digit or its English word, where the voice has one. Labels of a single character may be written together
(`4091`, `abc`), longer ones need something between them.

What stands between words becomes a pause, the strongest mark of several counts:

    WORD    nothing, or a space between single words or digits: `4091`, `4 0 9 1`, `four zero`
    GROUP   a space beside a run of digits, a dash, bracket, slash, quote or colon: `555 0102`, `555-0102`
    PHRASE  a comma, semicolon, full stop, `!` or `?`
    LINE    the end of a line

Three signs are said where the voice has a label for them: the full stop in front of a digit (`point`), and
`+` and `-` in front of a number (`plus`, `minus`). Where it has none, the full stop is a PHRASE pause, so
`3.14` is heard as three, pause, one four, and the others are silent, as in telephone numbers. Any other
character is an error: a voice that skips `%` or `²` in silence says something else than what is written.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from voxlet.digits import DIGIT_WORDS
from voxlet.errors import TextError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LISTED = 24  # labels that an error message names at most
QUOTED = 24  # characters of the text that an error message repeats at most


class Pause(IntEnum):
    """What follows a word, weakest first."""

    WORD = 0
    GROUP = 1
    PHRASE = 2
    LINE = 3


@dataclass(frozen=True)
class Spoken:
    """One word to say: its label, where it stands in the text (from 0), and the pause after it."""

    label: str
    position: int
    pause: Pause


# Kinds of character, one letter each, so that a line's kinds are a string that regular expressions can read.
DIGIT, LETTER, SPACE, IGNORED, UNKNOWN = "d", "w", " ", "", "?"
PAUSES = {"-": Pause.GROUP, "+": Pause.GROUP, "|": Pause.GROUP, ".": Pause.PHRASE, ",": Pause.PHRASE}
SIGNS = {".": "point", "+": "plus", "-": "minus"}
KINDS = (
    dict.fromkeys(".٫", ".")
    | dict.fromkeys(",;!?،؛؟٬。、…¡¿।", ",")
    | dict.fromkeys("/\\'\"`´:_·", "|")
    | dict.fromkeys("+", "+")
    | dict.fromkeys("−", "-")
)
CATEGORIES = {"Pd": "-", "Ps": "|", "Pe": "|", "Pi": "|", "Pf": "|", "Nd": DIGIT, "Cf": IGNORED}
MAJOR_CATEGORIES = {"L": LETTER, "M": LETTER, "N": LETTER, "Z": SPACE}
OTHER_MEANING = ("<super>", "<sub>", "<fraction>")  # `5²` is not "five two", `½` not "one two"

TOKEN = re.compile("[dw]+|.")
SIGN = re.compile(r"(?<!\.)\.(?=d)|(?<![dw])[-+](?=d)")
LINE_END = re.compile("\r\n|[\n\r\v\f\x85\u2028\u2029]")


@lru_cache(maxsize=4096)
def kind(character: str) -> str:
    """The kind of one normalised character: a digit, a letter, a space, ignored, unknown or a mark."""
    if character in KINDS:
        return KINDS[character]
    if character in "\t\n\r\v\f\x85":
        return SPACE
    category = unicodedata.category(character)
    return CATEGORIES.get(category, MAJOR_CATEGORIES.get(category[0], UNKNOWN))


@lru_cache(maxsize=4096)
def fold(cluster: str) -> str:
    """Compatibility form without case; what would lose its meaning that way (`²`, `½`) stays as it is."""
    if unicodedata.decomposition(cluster[0]).startswith(OTHER_MEANING):
        return "\ufffd"
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", cluster).casefold())


def normalise(line: str) -> tuple[str, str, Sequence[int]]:
    """Folded characters, their kinds, and the position in `line` that each comes from; all of one length."""
    if line.isascii():
        folded = line.lower()
        return folded, "".join(map(kind, folded)), range(len(line))
    characters: list[str] = []
    kinds: list[str] = []
    positions: list[int] = []
    start = 0
    while start < len(line):
        stop = start + 1
        # A character and the marks on it are folded together; so are the parts of a Hangul syllable.
        while stop < len(line) and not line[stop].isascii() and _continues(line[stop - 1], line[stop]):
            stop += 1
        for character in fold(line[start:stop]):
            if found := kind(character):
                characters.append(character)
                kinds.append(found)
                positions.append(start)
        start = stop
    return "".join(characters), "".join(kinds), positions


def _continues(before: str, character: str) -> bool:
    return unicodedata.category(character)[0] == "M" or (
        "\u1160" <= character <= "\u11ff" and "\u1100" <= before <= "\ud7a3"
    )


class Vocabulary:
    """The labels of a voice, ready to be found in text."""

    def __init__(self, labels: Sequence[str]) -> None:
        self.labels = tuple(labels)
        self.words: dict[str, str] = {}
        for label in labels:
            self.words.setdefault(normalise(label)[0], label)
        for digit, word in enumerate(DIGIT_WORDS):
            if word in self.words:
                self.words.setdefault(str(digit), self.words[word])
        # Labels of several words, or with a mark inside (`turn left`, `turn_left`, `x-ray`, `don't`).
        marked = [found for found in self.words if set("".join(map(kind, found))) - {DIGIT, LETTER}]
        self.phrases = {self._loose(found): self.words[found] for found in marked}
        alternatives = sorted((re.escape(found) for found in self.phrases), key=len, reverse=True)
        spaced = (found.replace(r"\ ", r"[\s_]+").replace(" ", r"[\s_]+") for found in alternatives)
        self.phrase = re.compile(f"(?:{'|'.join(spaced)})") if alternatives else None

    @staticmethod
    def _loose(text: str) -> str:
        return re.sub(r"[\s_]+", " ", text)

    def phrase_at(self, folded: str, kinds: str, start: int) -> tuple[str, int] | None:
        """The label of several words that begins at `start`, and where it ends."""
        found = self.phrase.match(folded, start) if self.phrase else None
        if found is None or _inside_word(kinds, start) or _inside_word(kinds, found.end()):
            return None
        return self.phrases[self._loose(found.group())], found.end()

    def split(self, run: str, kinds: str) -> Iterator[tuple[str | None, int, int]]:
        """Labels and their bounds in a run of letters and digits; None for what is not a label."""
        if run in self.words:
            yield self.words[run], 0, len(run)
            return
        for piece in re.finditer("d+|w+", kinds):
            start, stop = piece.span()
            if run[start:stop] in self.words:
                yield self.words[run[start:stop]], start, stop
            elif kinds[start] == DIGIT:
                for index in range(start, stop):
                    digit = run[index] if run[index] in self.words else str(unicodedata.decimal(run[index]))
                    yield self.words.get(digit), index, index + 1
            elif all(letter in self.words for letter in run[start:stop]):
                for index in range(start, stop):
                    yield self.words[run[index]], index, index + 1
            else:
                yield None, start, stop

    def __str__(self) -> str:
        named = ", ".join(self.labels[:LISTED])
        more = len(self.labels) - LISTED
        digits = [digit for digit in "0123456789" if digit in self.words and digit not in self.labels]
        return (
            f"this voice can say: {named}"
            + (f" and {more} more" if more > 0 else "")
            + (f"; digits: {''.join(digits)}" if digits else "")
        )


@dataclass(frozen=True)
class _Found:
    spoken: Spoken
    single: bool  # stands alone rather than in a run of digits: a space beside it is not a group's end


def words(text: str, labels: Sequence[str]) -> Iterator[Spoken]:
    """The words of `text` one by one, each with the pause after it; memory is that of the longest line.

    Raises:
        TextError: At the first thing that is not a label, a digit of the voice or a pause, or at the end if
            there was no word at all.
    """
    vocabulary = _vocabulary(tuple(labels))
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
        raise TextError("there is nothing to say in the text", remedy=str(vocabulary))
    yield replace(last.spoken, pause=Pause.LINE)


_vocabulary = lru_cache(maxsize=16)(Vocabulary)


def _lines(text: str) -> Iterator[str]:
    """The lines of `text`, ends kept, without a copy of the whole."""
    start = 0
    for end in LINE_END.finditer(text):
        yield text[start : end.end()]
        start = end.end()
    yield text[start:]


def _inside_word(kinds: str, index: int) -> bool:
    """Whether a word goes on across the border in front of `index`."""
    return 0 < index < len(kinds) and kinds[index - 1] in (DIGIT, LETTER) and kinds[index] in (DIGIT, LETTER)


def _line_words(line: str, number: int, offset: int, vocabulary: Vocabulary) -> Iterator[_Found | Pause]:
    """Words and pauses of one line in order; a space is `Pause.WORD`."""
    folded, kinds, positions = normalise(line)

    def found(label: str, index: int, *, single: bool) -> _Found:
        return _Found(Spoken(label, offset + positions[index], Pause.WORD), single)

    def refusal(start: int, stop: int) -> TextError:
        first = positions[start]
        after = positions[stop] if stop < len(positions) else len(line)
        quoted = line[first : max(after, first + 1)].rstrip() or line[first]
        if len(quoted) > QUOTED:
            quoted = f"{quoted[:QUOTED]}…"
        where = f"character {first + 1}" if number == 1 else f"line {number}, character {first + 1}"
        return TextError(f"cannot say {quoted!r}", where=where, remedy=str(vocabulary))

    index = 0
    while index < len(folded):
        if phrase := vocabulary.phrase_at(folded, kinds, index):
            yield found(phrase[0], index, single=True)
            index = phrase[1]
            continue
        token = TOKEN.match(kinds, index)
        assert token is not None  # its last alternative takes any character
        mark, stop = kinds[index], token.end()
        if mark in (DIGIT, LETTER):
            single = True
            for label, start, end in vocabulary.split(folded[index:stop], kinds[index:stop]):
                single = single and end == stop - index
                if label is None:
                    raise refusal(index + start, index + end)
                yield found(label, index + start, single=single)
        elif mark == SPACE:
            yield Pause.WORD
        else:
            sign = SIGN.match(kinds, index) is not None
            if sign and SIGNS[mark] in vocabulary.words:
                yield found(vocabulary.words[SIGNS[mark]], index, single=True)
            elif mark in PAUSES and (sign or mark != "+"):
                yield PAUSES[mark]
            else:
                raise refusal(index, stop)
        index = stop


def parse(text: str, labels: Sequence[str]) -> list[Spoken]:
    """All words of `text`; see `words`."""
    return list(words(text, labels))
