"""voxlet: a voice from a folder of short recordings."""

__version__ = "0.1.0"
