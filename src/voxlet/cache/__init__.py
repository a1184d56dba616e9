"""The cache folder: what lies in it, who uses it, what goes first."""
