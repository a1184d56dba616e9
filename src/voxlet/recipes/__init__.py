"""What is trained and how it ends: presets, the recipes of clip VAEs and of voices, the door to a run."""
