"""Measures of a clip: speed, pitch, noise floor, bandwidth, reverberation, hum and clarity."""
