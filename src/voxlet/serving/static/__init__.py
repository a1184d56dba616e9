"""The page without a server of its own."""
