"""Recipes of voices: wave VAE, flow prior, few-step student, and the voice file that holds them."""
