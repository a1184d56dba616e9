"""A scorecard told: in sentences, as a page, with players."""
