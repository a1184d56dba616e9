"""Networks, and the mathematics of their latent spaces."""
