"""The comparison: the study's models and ours on one split, measured alike, as a report."""
