"""Find the speech in a clip: its stretches, bounds and level, whatever noise, hum or clicks surround it."""
