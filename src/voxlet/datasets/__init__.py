"""Labelled clips of a voice by the hundred thousand: planned, made on many cores, written in whole shards."""
