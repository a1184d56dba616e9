"""Speech without PyTorch: text to words, voice files, utterances."""
