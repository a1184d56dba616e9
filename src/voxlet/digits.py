"""The ten digit words of English, which texts, labels and catalogued corpora share."""

from __future__ import annotations

DIGIT_WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
