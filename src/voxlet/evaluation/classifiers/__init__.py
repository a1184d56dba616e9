"""Independent recognisers, trained on real clips only: in-corpus, cross-corpus, off-the-shelf."""
