"""What can be measured of any clip: speed, pitch, noise floor, bandwidth, reverberation, hum, clarity."""
