"""Encoders trained by others, on other speech than any generator here: of words, of voices."""
