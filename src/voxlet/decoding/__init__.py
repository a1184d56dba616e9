"""Decode sound files: detect the kind, find the samples, decode them.

kinds       kinds of sound file, by suffix and by the first bytes
chunks      where the samples are, whatever the outer header claims
decoders    libsndfile, or FFmpeg for what libsndfile does not read
channels    the channel, or difference of two, that holds speech
rates       whether the header's sampling rate can be true
"""
