"""Scores of generated clips beside the same scores of real ones: classifiers, metrics, the scorecard."""
