"""Text to labels and pauses."""

from __future__ import annotations

import re
from random import Random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from voxlet.errors import TextError
from voxlet.speak.text import Pause, Spoken, parse, words
from voxlet.words.digits import DIGIT_WORDS
from work import growth

MARKS = {Pause.WORD: " ", Pause.GROUP: "/", Pause.PHRASE: ",", Pause.LINE: "."}


def shown(text: str, labels=DIGIT_WORDS) -> str:
    """Return labels, digit words as digits, each with a mark for the pause after it."""
    digits = {word: str(number) for number, word in enumerate(DIGIT_WORDS)}
    return "".join(digits.get(word.label, word.label) + MARKS[word.pause] for word in parse(text, labels))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4091", "4 0 9 1."),
        ("four zero nine one", "4 0 9 1."),
        ("Four ZERO nInE one", "4 0 9 1."),
        ("4 0 9 1", "4 0 9 1."),
        ("four 0 nine 1", "4 0 9 1."),
        ("555-0102", "5 5 5/0 1 0 2."),
        ("555 0102", "5 5 5/0 1 0 2."),
        ("1 555", "1/5 5 5."),
        ("+1 (555) 010-2345", "1/5 5 5/0 1 0/2 3 4 5."),
        ("3.14", "3,1 4."),
        ("1,000", "1,0 0 0."),
        ("12:30", "1 2/3 0."),
        ("one, two; three. four! five? six", "1,2,3,4,5,6."),
        ("one - two", "1/2."),
        ("one,- (two", "1,2."),
        ("12\n34", "1 2.3 4."),
        ("12,\r\n\r\n 34\n", "1 2.3 4."),
        ("1\u20282\u00853", "1.2.3."),
        ("5 — 6", "5/6."),
        ("555 -0102", "5 5 5/0 1 0 2."),
        ("\"4\"\t'0'", "4/0."),
        ("４０９１　Ｆｏｕｒ", "4 0 9 1/4."),
        ("٤٠٩١", "4 0 9 1."),
        ("४०", "4 0."),
        ("𝟜𝟘 ①", "4 0/1."),
        ("ﬁve", "5."),
        ("\ufeff4\u200b2\u00ad", "4 2."),
        ("5，5。5、5", "5,5,5,5."),
        ("...4...", "4."),
    ],
)
def test_what_is_said_and_where_pauses_fall(text, expected):
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("text", "position", "quoted"),
    [
        ("4x1", 2, "x"),
        ("4091 sold", 6, "sold"),
        ("ten", 1, "ten"),
        ("fourzero", 1, "fourzero"),
        ("1st", 2, "st"),
        ("5%", 2, "%"),
        ("1+1", 2, "+"),
        ("2=2", 2, "="),
        ("5²", 2, "²"),
        ("1½", 2, "½"),
        ("4 \x00", 3, "\x00"),
        ("4\ud800", 2, "\ud800"),
        ("fo\u0301ur", 1, "fo\u0301ur"),
        ("\u200b\u200b€", 3, "€"),
        ("５５ａ", 3, "ａ"),
    ],
)
def test_what_cannot_be_said_is_named_with_its_position(text, position, quoted):
    with pytest.raises(TextError) as caught:
        parse(text, DIGIT_WORDS)
    line = str(caught.value)
    assert line.startswith(f"character {position}: ")
    assert f"cannot say {quoted!r};" in line
    assert "zero, one, two" in line
    assert "\n" not in line


def test_errors_beyond_the_first_line_name_the_line():
    with pytest.raises(TextError, match=r"^line 3, character 2: cannot say 'x'"):
        parse("1\n2\n3x", DIGIT_WORDS)


@pytest.mark.parametrize("text", ["", " ", "\n\n", "...", "( - )", "\u200b"])
def test_text_without_words(text):
    with pytest.raises(TextError, match="nothing to say"):
        parse(text, DIGIT_WORDS)


def test_long_mistakes_and_long_vocabularies_make_short_errors():
    with pytest.raises(TextError) as caught:
        parse("z" * 10_000, [f"word{number}" for number in range(5_000)])
    assert len(str(caught.value)) < 400
    assert "and 4976 more" in str(caught.value)


def test_nothing_is_bound_to_digits():
    assert shown("yes No YES, no", ("yes", "no")) == "yes no yes,no."
    with pytest.raises(TextError, match=r"cannot say '4'; this voice can say: yes, no$"):
        parse("4", ("yes", "no"))
    with pytest.raises(TextError, match=r"digits: 01$"):
        parse("012", ("zero", "one"))


def test_labels_that_are_digits_come_before_their_words():
    assert [word.label for word in parse("45 four", ("4", "four", "five"))] == ["4", "five", "four"]


def test_labels_of_any_shape():
    labels = ("don't", "turn_left", "x-ray", "mp3", "a", "b", "#", "shut up", "零", "一")
    assert shown("Don't turn  left turn_left", labels) == "don't turn_left turn_left."
    assert shown("X-RAY mp3", labels) == "x-ray mp3."
    assert shown("ab ba", labels) == "a b/b a."
    assert shown("#a", labels) == "# a."
    assert shown("零一", labels) == "零 一."
    assert shown("shut up", labels) == "shut up."
    with pytest.raises(TextError):
        parse("shut ups", labels)


def test_composed_and_decomposed_labels_are_the_same():
    for label, text in (("été", "e\u0301te\u0301"), ("e\u0301te\u0301", "ÉTÉ"), ("한", "\u1112\u1161\u11ab")):
        assert [word.label for word in parse(text, (label,))] == [label]
    assert shown("शून्य १", ("शून्य", "one")) == "शून्य 1."


def test_signs_are_said_by_a_voice_that_has_them():
    labels = (*DIGIT_WORDS, "point", "plus", "minus")
    assert shown("3.14", labels) == "3 point 1 4."
    assert shown("-5 +5", labels) == "minus 5 plus 5."
    assert shown("5. 5-5...5", labels) == "5,5/5,5."


def test_positions_are_those_of_the_given_text():
    assert parse("\ufeff1\n ２", DIGIT_WORDS) == [
        Spoken("one", 1, Pause.LINE),
        Spoken("two", 4, Pause.LINE),
    ]


def test_words_come_one_by_one():
    found = words("1" * 1000 + "x", DIGIT_WORDS)
    assert next(found).label == "one"


@pytest.mark.parametrize(
    ("labels", "text", "words_each"),
    [
        (DIGIT_WORDS, lambda count: "409-1, " * count, 4),
        (("turn left", "turn"), lambda count: "turn" + "-" * 2 * count + "left " + "- " * 2 * count, 0),
    ],
    ids=["digits", "hyphens"],
)
def test_long_texts_take_linear_time(labels, text, words_each):
    def said(count):
        assert len(parse(text(count), labels)) == (words_each * count or 1)

    assert growth(said, 1000, 10_000) < 30  # ten; a hundred, if it grew with the square


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=40))
@example("\ud800")
@example("\u0301")
@example("4\u0301")
@example("\u1112\u1161\u11ab" * 3)
def test_searched_text_is_said_or_refused_in_one_line(text):
    check(text)


SPICE = [*DIGIT_WORDS, *"0123456789 .,-+()/:\n\t٤４½²%", "\r\n", "\u200d", "\u0301", "\u2028", " one ", "1-2"]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(SPICE), max_size=30).map("".join))
def test_searched_numbers_are_said_or_refused_in_one_line(text):
    check(text)


def test_ten_thousand_random_strings_are_said_or_refused_in_one_line():
    """More than Hypothesis could try in time: half of arbitrary characters, half that nearly make sense."""
    random = Random(0)
    for turn in range(10_000):
        length = random.randrange(30)
        if turn % 2:
            check("".join(chr(random.randrange(0x110000 if turn % 4 == 1 else 0x500)) for _ in range(length)))
        else:
            check("".join(random.choices(SPICE, k=length)))


def check(text: str) -> None:
    try:
        found = parse(text, DIGIT_WORDS)
    except TextError as error:
        line = str(error)
    else:
        line = None
    if line is not None:
        assert "\n" not in line
        assert re.search(r"^(line \d+, )?character \d+: cannot say|^there is nothing to say", line)
        return
    positions = [word.position for word in found]
    assert positions == sorted(set(positions))
    assert all(0 <= position < len(text) for position in positions)
    assert all(word.label in DIGIT_WORDS for word in found)
    assert found[-1].pause == Pause.LINE


def test_as_many_labels_as_a_voice_may_have_are_found_at_once():
    names = iter("abcdef")  # different labels each time, as results are cached by label

    def said(count):
        name = next(names)
        labels = [f"{name} {number} x-{number}" for number in range(count)]
        found = parse(f"{name}-99 X 99 " * 1000, labels)
        assert [word.label for word in found] == [f"{name} 99 x-99"] * 1000

    assert growth(said, 100, 10_000) < 50  # each is gone through once, not for every word
