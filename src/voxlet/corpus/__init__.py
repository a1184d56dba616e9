"""Real recordings, from a folder or a download to arrays that a model can be trained on.

catalog, download, unpack   known corpora: where they come from, fetching and verifying them
listing                     which word each file says and who speaks
scan, corpus                whether it can be a clip
prepare, splits, dataset    clips of one rate, length and level; training, validation and test clips
metadata, inspection, report   a corpus in figures, and its page
"""
