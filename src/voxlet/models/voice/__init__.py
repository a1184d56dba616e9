"""The networks of a voice: wave VAE, flow prior, style encoder, discriminators."""
