"""A sound file's bytes to samples: which kind it is, where its samples lie, what decodes them.

kinds       endings, and what the first bytes say
chunks      where the samples lie, whatever the outer header claims
decoders    libsndfile, or FFmpeg for what it does not read
channels    the channel, or difference of two, that holds speech
"""
