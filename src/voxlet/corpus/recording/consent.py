"""Whose voice takes are of: what was answered lies beside them."""

OWN, GIVEN, LICENCE = "own", "given", "licence"  # by the corpus's licence, where it is a known one
NOTE = "consent.txt"  # what was answered, beside takes that were recorded here
