"""Commands that train models or use trained ones: one file per command."""
