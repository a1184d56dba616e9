"""A look at a corpus: figures, advice, pictures."""
