"""The page as static files, which need no voxlet server."""
