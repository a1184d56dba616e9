"""Which spellings are the same word."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voxlet.words.spelling import DASHES, HYPHENS, characters, find, fold, loosen


@pytest.mark.parametrize(
    ("word", "folded"),
    [
        ("Yes", "yes"),
        ("  turn_ Left- now -", "turn left now-"),
        ("-5", "-5"),
        ("−5", "-5"),
        ("_yes_", "yes"),
        ("_", "_"),
        ("--", "-"),
        ("5²", "5²"),
        ("ŉ", "'n"),
        ("a\u00adb\ufeff", "ab"),
        ("x\u200cy x\u200dy", "xy xy"),
        ("مـــا", "ما"),
        ("ه\u200cا", "ه\u200cا"),
        ("ه\u200c", "ه"),
        ("ه\u200dا", "ها"),
        ("क्\u200dष क\u200dष", "क्\u200dष कष"),
    ],
)
def test_a_folded_word(word, folded):
    assert fold(word) == folded


def test_every_dash_of_unicode_is_a_gap():
    dashes = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Pd"}
    assert dashes <= {*HYPHENS, *DASHES}
    assert {fold(f"a{dash}b") for dash in dashes} == {"a b"}


def test_without_vowel_marks_and_joiners():
    assert loosen(fold("عَلَم")) == loosen(fold("عِلْم")) == "علم"
    assert loosen("می\u200cخواهم") == "میخواهم"
    assert loosen("שָׁלוֹם") == "שלום"
    assert loosen("أ") == "أ"  # another letter
    assert loosen("été") == "été"


def test_a_name_is_found_where_only_one_is_meant():
    assert find("GEORGE", ("george", "theo")) == "george"
    assert find("ann", ("Ann", "ann")) == "ann"
    assert find("ANN", ("Ann", "ann")) is None
    assert find("bob", ()) is None


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=12))
def test_folding_is_the_same_for_all_forms_of_unicode_and_done_once(text):
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFD", text)) == fold(unicodedata.normalize("NFC", text))
    folded, positions = characters(text)
    assert len(folded) == len(positions)
    assert list(positions) == sorted(positions)
