"""What speaks, without PyTorch: text to words, the voice file, one utterance."""
