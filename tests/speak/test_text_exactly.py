"""Text to labels and pauses, to the letter: whole results and whole error messages."""

from __future__ import annotations

import pytest

from voxlet.errors import TextError
from voxlet.speak.text import LISTED, QUOTED, Pause, Spoken, Vocabulary, normalise, parse
from voxlet.words.digits import DIGIT_WORDS

WORD, GROUP, PHRASE, LINE = Pause


def message(text: str, labels=("yes", "no")) -> str:
    with pytest.raises(TextError) as caught:
        parse(text, labels)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one", [("one", 0, LINE)]),
        ("one two", [("one", 0, WORD), ("two", 4, LINE)]),
        ("12", [("one", 0, WORD), ("two", 1, LINE)]),
        ("one 23", [("one", 0, GROUP), ("two", 4, WORD), ("three", 5, LINE)]),
        ("12 three", [("one", 0, WORD), ("two", 1, GROUP), ("three", 3, LINE)]),
        ("1 2 34", [("one", 0, WORD), ("two", 2, GROUP), ("three", 4, WORD), ("four", 5, LINE)]),
        ("one , (two", [("one", 0, PHRASE), ("two", 7, LINE)]),
        ("one ( , two", [("one", 0, PHRASE), ("two", 8, LINE)]),
        ("1\n2\n3", [("one", 0, LINE), ("two", 2, LINE), ("three", 4, LINE)]),
        ("1,\n\n(2\r\n 3", [("one", 0, LINE), ("two", 5, LINE), ("three", 9, LINE)]),
        ("\n1", [("one", 1, LINE)]),
    ],
)
def test_labels_positions_and_pauses(text, expected):
    assert parse(text, DIGIT_WORDS) == [Spoken(*row) for row in expected]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\v", "\f", "\x85", "\u2028", "\u2029"])
def test_every_kind_of_line_end_is_one(end):
    assert [word.pause for word in parse(f"one{end}two", DIGIT_WORDS)] == [LINE, LINE]
    assert message(f"yes{end}maybe").startswith("line 2, character 1: ")


def test_a_word_between_digits_and_letters():
    assert parse("x12ab", ("x", "one", "two", "a", "b")) == [
        Spoken("x", 0, WORD),
        Spoken("one", 1, WORD),
        Spoken("two", 2, WORD),
        Spoken("a", 3, WORD),
        Spoken("b", 4, LINE),
    ]
    assert parse("2two", ("two",)) == [Spoken("two", 0, WORD), Spoken("two", 1, LINE)]


def test_a_run_of_digits_that_is_a_label_is_that_label():
    labels = ("42", "four", "two")
    assert parse("42 a42", (*labels, "a")) == [
        Spoken("42", 0, GROUP),
        Spoken("a", 3, WORD),
        Spoken("42", 4, LINE),
    ]
    assert [word.label for word in parse("424", labels)] == ["four", "two", "four"]


def test_digits_of_other_scripts_that_are_labels_come_before_their_words():
    assert [word.label for word in parse("٤ 4 ٤٤", ("٤", "four"))] == ["٤", "four", "٤", "٤"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("turn left", [("turn left", 0, LINE)]),
        ("turn left now", [("turn left now", 0, LINE)]),
        ("TURN \t left_now left", [("turn left now", 0, WORD), ("left", 16, LINE)]),
        ("turn left no", [("turn left", 0, WORD), ("no", 10, LINE)]),
        ("no turn left", [("no", 0, WORD), ("turn left", 3, LINE)]),
        ("12 turn left 1", [("one", 0, WORD), ("two", 1, GROUP), ("turn left", 3, WORD), ("one", 13, LINE)]),
    ],
)
def test_the_longest_label_of_several_words_is_said(text, expected):
    labels = ("turn left", "turn left now", "left", "no", "one", "two")
    assert parse(text, labels) == [Spoken(*row) for row in expected]


@pytest.mark.parametrize("text", ["saturn left", "turn leftover", "turn left1", "1turn left"])
def test_a_label_of_several_words_does_not_begin_or_end_inside_a_word(text):
    assert "cannot say" in message(text, ("turn left", "one"))


def test_signs_in_a_voice_that_has_them():
    labels = ("point", "plus", "minus", *DIGIT_WORDS)
    assert parse("+1-2.3", labels) == [
        Spoken("plus", 0, WORD),
        Spoken("one", 1, GROUP),
        Spoken("two", 3, WORD),
        Spoken("point", 4, WORD),
        Spoken("three", 5, LINE),
    ]
    # A sign stands alone, so a space beside it ends no group; the pause after 12 is that of the space.
    assert parse("1 -2", labels)[0].pause == WORD
    assert parse("12 -2", labels)[1].pause == GROUP
    assert parse(".5", labels) == [Spoken("point", 0, WORD), Spoken("five", 1, LINE)]
    assert parse("one-two", labels) == [Spoken("one", 0, GROUP), Spoken("two", 4, LINE)]


def test_signs_in_a_voice_without_them():
    assert parse("1, +2 3", DIGIT_WORDS) == [
        Spoken("one", 0, PHRASE),
        Spoken("two", 4, WORD),
        Spoken("three", 6, LINE),
    ]
    assert parse("1 +2", DIGIT_WORDS)[0].pause == GROUP
    assert parse("1 - 2", DIGIT_WORDS)[0].pause == GROUP
    assert parse("123 -4567", DIGIT_WORDS)[2].pause == GROUP
    assert message("1 -2", DIGIT_WORDS).startswith("character 3: cannot say '-', a minus; this voice can say")
    assert parse("1.2", DIGIT_WORDS)[0].pause == PHRASE


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Yes 4,", ("yes 4,", "www d,", [0, 1, 2, 3, 4, 5])),
        ("e\u0301t", ("ét", "ww", [0, 2])),
        ("\u200bß\u00ad4", ("ss4", "wwd", [1, 1, 3])),
        ("４²", ("4²", "dw", [0, 1])),
        ("ﬁ½x", ("fi½x", "wwww", [0, 0, 1, 2])),
        ("\u1112\u1161x", ("하x", "ww", [0, 2])),
        ("\u1112\u1161\u11abx", ("한x", "ww", [0, 3])),
        ("하\u11ab", ("한", "w", [0])),
        ("é a", ("é a", "w w", [0, 1, 2])),
    ],
)
def test_characters_are_folded_and_keep_their_positions(line, expected):
    found = normalise(line)
    assert (found.folded, found.kinds, list(found.positions)) == expected


@pytest.mark.parametrize(
    ("pair", "together"),
    [
        ("\u1100\u1160", True),
        ("\u1100\u11ff", True),
        ("\ud7a3\u11ff", True),
        ("\u10ff\u1160", False),
        ("\u1100\u115f", False),
        ("\u1100\u1200", False),
        ("\ud7b0\u1161", False),
    ],
)
def test_parts_of_a_hangul_syllable_stand_at_one_position(pair, together):
    assert list(normalise(pair).positions) == ([0, 0] if together else [0, 1])


@pytest.mark.parametrize(
    ("text", "where", "quoted"),
    [
        ("maybe", "character 1", "maybe"),
        ("yes maybe, no", "character 5", "maybe"),
        ("yes\nno\nno maybe", "line 3, character 4", "maybe"),
        ("no\nyes%no", "line 2, character 4", "%"),
        ("yes2no", "character 4", "2"),
        ("yesno2", "character 1", "yesno"),
        ("no!maybe\n", "character 4", "maybe"),
        ("ß%", "character 1", "ß"),
        ("maybe\u0301 no", "character 1", "maybe\u0301"),
        ("no \u200b%", "character 5", "%"),
        ("yes +no", "character 5", "+"),
        ("x" * QUOTED, "character 1", "x" * QUOTED),
        ("x" * (QUOTED + 1), "character 1", "x" * QUOTED + "…"),
    ],
)
def test_what_cannot_be_said(text, where, quoted):
    assert message(text) == f"{where}: cannot say {quoted!r}; this voice can say: yes, no"


def test_no_words():
    assert message(" ,\n") == "there is nothing to say in the text; this voice can say: yes, no"


def test_a_vocabulary_names_its_first_labels_and_its_digits():
    many = [f"word{number}" for number in range(LISTED + 2)]
    named = ", ".join(many[:LISTED])
    assert str(Vocabulary(many[:LISTED])) == named
    assert str(Vocabulary(many[: LISTED + 1])) == f"{named} and 1 more"
    assert str(Vocabulary(many)) == f"{named} and 2 more"
    assert str(Vocabulary(("yes", "two", "nine"))) == "yes, two, nine; digits: 29"
    assert str(Vocabulary(("3", "three", "four"))) == "3, three, four; digits: 4"


def test_the_first_of_labels_that_are_written_alike_is_said():
    assert [word.label for word in parse("yes", ("Yes", "YES"))] == ["Yes"]
