"""Spellings of Arabic commands: by English name, in Arabic script, and in Latin letters.

The corpus Arabic Speech Commands has English names for its words. Which Arabic word stands for a name was
found from its recordings: of the translations of a name, it is the one whose reading by eSpeak NG is nearest
to 14 speakers' takes; `benchmarks/arabic_words.py` repeats this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from voxlet.words.language import same_language
from voxlet.words.spelling import fold, loosen

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ARABIC = "ar"
# By English name: in Arabic script, also without a hamza that is often left out, then in Latin letters.
WORDS: dict[str, tuple[str, ...]] = {
    "zero": ("صفر", "sifr"),
    "one": ("واحد", "wahid"),
    "two": ("اثنان", "إثنان", "ithnan"),
    "three": ("ثلاثة", "thalatha"),
    "four": ("أربعة", "اربعة", "arbaa", "arba'a"),
    "five": ("خمسة", "khamsa"),
    "six": ("ستة", "sitta"),
    "seven": ("سبعة", "sabaa", "sab'a"),
    "eight": ("ثمانية", "thamaniya"),
    "nine": ("تسعة", "tisaa", "tis'a"),
    "yes": ("نعم", "naam", "na'am"),
    "no": ("لا", "la"),
    "stop": ("توقف", "tawaqquf"),
    "enable": ("تفعيل", "tafil", "taf'il"),
    "disable": ("تعطيل", "tatil", "ta'til"),
    "ok": ("موافق", "muwafiq"),
    "cancel": ("إلغاء", "الغاء", "ilgha", "ilgha'"),
    "open": ("فتح", "fath"),
    "close": ("إغلاق", "اغلاق", "ighlaq"),
    "zoom in": ("تكبير", "takbir"),
    "zoom out": ("تصغير", "tasghir"),
    "previous": ("السابق", "as-sabiq", "alsabiq"),
    "next": ("التالي", "at-tali", "altali"),
    "send": ("إرسال", "ارسال", "irsal"),
    "receive": ("استقبال", "istiqbal"),
    "rotate": ("تدوير", "tadwir"),
    "record": ("تسجيل", "tasjil"),
    "enter": ("إدخال", "ادخال", "idkhal"),
    "digit": ("رقم", "raqm"),
    "direction": ("اتجاه", "إتجاه", "ittijah"),
    "options": ("خيارات", "khiyarat"),
    "undo": ("تراجع", "taraju", "taraju'"),
}


def spellings_of(labels: Sequence[str], language: str) -> Mapping[str, tuple[str, ...]]:
    """Other spellings of labels in a language: for each known label, whichever spelling it has, the others.

    >>> spellings_of(["zero", "open sesame"], "ar-EG"), spellings_of(["zero"], "en")
    ({'zero': ('صفر', 'sifr')}, {})
    >>> spellings_of(["صِفْر"], "ar")
    {'صِفْر': ('zero', 'صفر', 'sifr')}
    """
    if not same_language(language, ARABIC):
        return {}
    alike = {loosen(fold(one)): (name, *ways) for name, ways in WORDS.items() for one in (name, *ways)}
    taken = {fold(label) for label in labels}
    found = {label: alike.get(loosen(fold(label)), ()) for label in labels}
    return {
        label: others
        for label, ways in found.items()
        if (others := tuple(way for way in ways if fold(way) not in taken))
    }
