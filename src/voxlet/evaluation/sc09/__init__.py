"""The protocol by which generated digits of Speech Commands (SC09) are compared in papers."""
