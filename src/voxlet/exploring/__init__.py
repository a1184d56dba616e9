"""The latent space of a trained model, seen, heard and steered."""
