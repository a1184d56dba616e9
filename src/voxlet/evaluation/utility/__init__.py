"""What are generated clips of use for? A small recogniser trained with and without them."""
