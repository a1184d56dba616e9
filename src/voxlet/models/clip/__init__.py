"""Clip VAEs: dense, convolutional, and convolutional along time."""
