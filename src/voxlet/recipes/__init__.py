"""Training recipes: presets, clip VAEs, voices, and the functions that open a trained run."""
