"""Pure functions from clips, or from what classifiers said of them, to figures."""
