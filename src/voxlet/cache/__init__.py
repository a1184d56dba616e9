"""The cache folder: its entries, the processes that use them, and the order in which they are removed."""
