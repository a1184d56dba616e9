"""Which words of a text match a voice's labels: spellings, numbers, signs, the longest label."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from voxlet.errors import TextError
from voxlet.speak.text import parse
from voxlet.speak.voice_file import unfit
from voxlet.words.digits import DIGIT_WORDS
from voxlet.words.spelling import fold, is_blank

TENS = ("twenty", "thirty", "forty")
NUMBERS = (*DIGIT_WORDS, "ten", "eleven", "twelve", *TENS, "hundred")
SIGNED = (*DIGIT_WORDS, "minus")
DIGITS = tuple("0123456789")


@pytest.mark.parametrize(
    ("labels", "text", "said"),
    [
        # Spellings.
        (("don't",), "don’t", "don't"),
        (("don’t",), "DON'T", "don’t"),
        (("don't",), "don‘t donʼt don`t don´t don＇t don′t don‛t", "|".join(["don't"] * 7)),
        (("l’été",), "l'E\u0301TE\u0301", "l’été"),
        (("x-ray",), "x\u2011ray", "x-ray"),
        (("x-ray",), "x–ray", "x-ray"),
        (("x-ray",), "x ray X_RAY x—ray x\u2010ray", "x-ray|x-ray|x-ray|x-ray"),
        (("x-ray",), "x−ray", "x-ray"),
        (("new york",), "new-york New\u00a0York NEW\u202fYORK new\u3000york", "|".join(["new york"] * 4)),
        (("turn_left",), "turn  left", "turn_left"),
        (("naïve",), "nai\u0308ve", "naïve"),
        (("file",), "\ufb01le", "file"),
        (("yes",), "ＹＥＳ", "yes"),
        (("straße",), "STRASSE", "straße"),
        (("ΟΔΟΣ",), "οδος", "ΟΔΟΣ"),
        (("istanbul",), "İSTANBUL", "istanbul"),
        (("cooperate",), "co\u00adoperate", "cooperate"),
        (("ok",), "o\u200bk \u200eok\u200f o\ufe0fk", "ok|ok|ok"),
        (("سلام",), "ســـلام", "سلام"),
        (("سلام",), "سَلَام", "سلام"),
        (("عَلَم", "عِلْم"), "عِلْم عَلَم", "عِلْم|عَلَم"),
        (("عِلْم نافع",), "علم نافع", "عِلْم نافع"),
        (("زوم إن",), "زُومْ إن", "زوم إن"),
        (("می\u200cخواهم",), "میخواهم می\u200cخواهم", "می\u200cخواهم|می\u200cخواهم"),
        (("نام\u200cهای", "نامه\u200cای"), "نامه\u200cای", "نامه\u200cای"),
        (("क्ष", "क्\u200dष"), "क्\u200dष क्ष", "क्\u200dष|क्ष"),
        (("x²", "x2"), "x² x2", "x²|x2"),
        # The longest label.
        (("turn", "left", "turn left"), "turn left", "turn left"),
        (("turn", "left", "turn left"), "turn-left", "turn left"),
        (("turn", "left", "turn left"), "turn, left", "turn|left"),
        (("x", "ray", "x-ray"), "x-ray", "x-ray"),
        (("turn", "turn left", "turn left now"), "turn–left_now", "turn left now"),
        (("don", "t", "don't"), "don’t", "don't"),
        # Numbers.
        (NUMBERS, "10 11 12 20", "ten|eleven|twelve|twenty"),
        (NUMBERS, "21 35", "twenty|one|thirty|five"),
        (NUMBERS, "100", "hundred"),
        (NUMBERS, "13 101", "one|three|one|zero|one"),
        (NUMBERS, "4091 010", "four|zero|nine|one|zero|one|zero"),
        (NUMBERS, "１０ ١٠", "ten|ten"),
        (NUMBERS, "3.10", "three|one|zero"),
        (NUMBERS, "12:30", "twelve|thirty"),
        ((*NUMBERS, "twenty-one"), "21 twenty one", "twenty-one|twenty-one"),
        (DIGITS, "4091 four oh", "4|0|9|1|4|0"),
        ((*DIGITS, "10"), "10 ten 3.10", "10|10|3|1|0"),
        (DIGIT_WORDS, "10", "one|zero"),
        (("ten",), "10", "ten"),
        (("eno", "٤"), "4 ٤", "٤|٤"),
        (DIGIT_WORDS, "four oh nine O 4o91", "four|zero|nine|zero|four|zero|nine|one"),
        ((*DIGIT_WORDS, "oh"), "oh 0", "oh|zero"),
        ((*DIGIT_WORDS, "o"), "o 0", "o|zero"),
        # Signs.
        (SIGNED, "-5", "minus|five"),
        (SIGNED, "−5 5−3", "minus|five|five|minus|three"),
        (SIGNED, '2 -3 (-4) [-5] "-6"', "two|minus|three|minus|four|minus|five|minus|six"),
        (SIGNED, "\u20115 –5 ﹣5 －5", "|".join(["minus|five"] * 4)),
        (SIGNED, "-.5", "minus|five"),
        (SIGNED, "−five", "minus|five"),
        (SIGNED, "1-2 (3)-4", "one|two|three|four"),
        (SIGNED, "-555-0102", "five|five|five|zero|one|zero|two"),
        (SIGNED, "555-0102\n-5", "five|five|five|zero|one|zero|two|minus|five"),
        ((*DIGIT_WORDS, "negative"), "-5", "negative|five"),
        (("5", "-5"), "-5 5 −5 5-5", "-5|5|-5|5|5"),
        (("a", "a-", "a+"), "A- a A+", "a-|a|a+"),
    ],
)
def test_what_is_said(labels, text, said):
    assert [word.label for word in parse(text, labels)] == said.split("|")


@pytest.mark.parametrize(
    ("labels", "text", "where"),
    [
        (DIGIT_WORDS, "−5", 1),
        (DIGIT_WORDS, "-5", 1),
        (DIGIT_WORDS, "5 -5", 3),
        (DIGIT_WORDS, "(-5)", 2),
        (DIGIT_WORDS, "–5", 1),
        (DIGIT_WORDS, "5−3", 2),
        (DIGIT_WORDS, "5 − 3", 3),
        (DIGIT_WORDS, "555−0102", 4),
        (DIGIT_WORDS, "five −", 6),
        (("yes", "no"), "-yes −no", 6),
    ],
)
def test_a_minus_is_never_left_out(labels, text, where):
    with pytest.raises(
        TextError, match=rf"^character {where}: cannot say '.', a minus; this voice can say: "
    ):
        parse(text, labels)


@pytest.mark.parametrize(
    ("labels", "text"),
    [
        (("zero", "yes"), "oh"),  # not a voice with digits
        (("one", "two"), "o"),
        ((*DIGIT_WORDS, "oh"), "o"),
        (("عَلَم", "عِلْم"), "علم"),  # either could be meant
        (("x2",), "x²"),
        (("cafe",), "café"),
        (("turn left",), "turnleft"),
        (("twenty", "thirty"), "21"),
    ],
)
def test_what_is_another_word(labels, text):
    with pytest.raises(TextError, match="cannot say"):
        parse(text, labels)


LABELS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=12)


@settings(max_examples=500, deadline=None)
@given(LABELS)
@example("\u200b")
def test_any_label_is_said_as_it_is_written(label):
    if is_blank(label):
        assert unfit(label)  # no text could contain it, so no voice may have it
        return
    said = [word.label for word in parse(label, (label,))]
    assert said == [label]
    assert fold(fold(label)) == fold(label)
