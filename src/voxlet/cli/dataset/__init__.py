"""`voxlet dataset`: labelled clips by the hundred thousand."""
