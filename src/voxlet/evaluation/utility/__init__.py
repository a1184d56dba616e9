"""Utility of generated clips: a small recogniser trained with and without them."""
