"""What a folder of recordings holds before any is decoded: files, with label, speaker and take.

sound_files, entry    which files there are, and what is said of each
manifest              tables that list recordings
pattern, readings     what names of files say, and which reading explains all of them best
labels, layouts       one spelling for each word; a table or a reading, chosen and doubted
"""
