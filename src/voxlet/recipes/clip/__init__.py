"""Clip VAEs: one latent vector for a whole clip, over its log spectrogram."""
