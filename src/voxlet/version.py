"""The version, alone, so that nothing has to import the package for it."""

__version__ = "0.2.0"
