"""The comparison: the study's models and ours, trained on one split, measured alike, and reported."""
