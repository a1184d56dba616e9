"""Consent: whose voice the takes are, as answered and stored beside them."""

OWN, GIVEN, LICENCE = "own", "given", "licence"  # own voice; consent given; by the corpus's licence
NOTE = "consent.txt"  # file with the answer, beside takes that were recorded here
