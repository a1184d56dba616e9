"""How a data set is written: each format is a module with a class, all with the same three functions."""
