"""Downloading one file: resumed, retried, within bounds of size and speed."""
