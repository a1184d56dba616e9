"""One archive of recordings: downloaded and unpacked, without trust in server or content."""
