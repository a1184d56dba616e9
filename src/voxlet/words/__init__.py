"""Words: which spellings are the same word, numbers, languages."""
