"""How a data set is written: each format a file, all with the same three functions."""
