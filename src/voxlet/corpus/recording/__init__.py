"""New recordings: words from a microphone, or cut out of one long recording."""
