"""What of a clip is speech: its stretches, bounds and level, whatever noise, hum or clicks surround it."""
