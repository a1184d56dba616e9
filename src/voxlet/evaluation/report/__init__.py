"""Reports of a scorecard: in sentences, as a page, with players."""
