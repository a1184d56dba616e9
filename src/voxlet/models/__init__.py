"""Networks and the algebra of their latent spaces."""
