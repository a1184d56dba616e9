"""Recognising Arabic words in any of their spellings."""

from __future__ import annotations

import pytest

from voxlet.corpus.catalog import CATALOG
from voxlet.errors import TextError
from voxlet.speak.text import parse
from voxlet.words.arabic import WORDS, spellings_of
from voxlet.words.spelling import fold, loosen


def test_no_spelling_is_two_words():
    ways = [loosen(fold(way)) for name, others in WORDS.items() for way in (name, *others)]
    assert len(set(ways)) == len(ways)
    assert WORDS.keys() <= set(CATALOG["arabic_speech_commands"].labels)


@pytest.mark.parametrize("language", ["en", "und", "fa"])
def test_words_of_other_languages_have_no_arabic_spelling(language):
    assert spellings_of(["zero", "صفر"], language) == {}


@pytest.mark.parametrize("written", range(3))
@pytest.mark.parametrize("labelled", range(3))
def test_a_word_is_found_by_any_of_its_spellings_whichever_is_the_label(labelled, written):
    ways = [(name, *others[:1], others[-1]) for name, others in WORDS.items()]
    labels = [way[labelled] for way in ways]
    spellings = spellings_of(labels, "ar")
    for label, way in zip(labels, ways, strict=True):
        assert [word.label for word in parse(way[written], labels, spellings)] == [label]


def test_digits_are_said_by_labels_in_arabic_script():
    labels = ("صِفْر", "واحد", "أربعة", "تسعة")
    said = [word.label for word in parse("4091 ٤٠٩١ four, sifr", labels, spellings_of(labels, "ar"))]
    assert said == ["أربعة", "صِفْر", "تسعة", "واحد", "أربعة", "صِفْر", "تسعة", "واحد", "أربعة", "صِفْر"]


def test_what_is_a_label_itself_is_no_spelling_of_another():
    labels = ("no", "la", "zero")
    assert spellings_of(labels, "ar") == {"no": ("لا",), "la": ("لا",), "zero": ("صفر", "sifr")}
    assert [word.label for word in parse("la no", labels, spellings_of(labels, "ar"))] == ["la", "no"]


def test_without_spellings_nothing_is_guessed():
    with pytest.raises(TextError, match="cannot say 'صفر'"):
        parse("صفر", ("zero",))
