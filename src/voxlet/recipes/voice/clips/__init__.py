"""The clips that a voice learns from."""
