"""Sharing voices: pushed to and pulled from the Hugging Face hub, or pulled from any URL with a digest."""
