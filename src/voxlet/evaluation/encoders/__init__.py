"""Encoders of words and of voices, trained by others on speech that no generator here is trained on."""
