"""Inspecting a corpus: statistics, advice and plots."""
