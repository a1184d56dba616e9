"""Voices that travel: pushed to and pulled from the Hugging Face hub, or any address with a digest."""
