"""Prepared clips as rows on disk."""
