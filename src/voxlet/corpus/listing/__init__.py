"""List a folder of recordings without decoding any: files with label, speaker and take.

sound_files, entry    the files of a folder, and the entry of each in a listing
manifest, columns, json_table, finder   reading a table of recordings, and finding the files that it names
tables, transcripts   which tables or transcripts of a folder list its recordings
pattern, readings     parsing file names, and choosing the pattern that explains all of them best
labels, layouts       one spelling for each word; the choice between tables and file names, and its doubts
"""
