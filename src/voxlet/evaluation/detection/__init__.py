"""Real or generated? A classifier trained to tell them apart."""
