"""Real recordings: from a folder or a download to arrays for training.

catalog, download, unpack   catalogued corpora: their sources, downloading and verifying them
listing                     which word each file says, and who speaks
scan, corpus                which files are usable as clips
merge, held_out             several corpora as one; which recordings a base may learn from
prepare, rows               clips of one sampling rate, length and level, cached on disk
splits, dataset             training, validation and test clips
attributes                  pitch, noise, bandwidth and other measures of a clip
look, speakers              statistics of a corpus, advice, an HTML page; speaker metadata
recording                   new takes from a microphone or a long recording
"""
