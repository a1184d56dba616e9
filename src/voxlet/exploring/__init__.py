"""Explore the latent space of a trained model: look at it, listen to it, steer through it."""
