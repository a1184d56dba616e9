"""Real recordings: known sets and any folder, a look at them, prepared clips, splits."""
