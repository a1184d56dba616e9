"""Each remedy that a message names is followed by a test in `tests/remedies`, or by any marked so."""

from __future__ import annotations

from remedies_in_sources import followed, remedies


def test_each_remedy_is_followed_by_a_test():
    """Mark the test that provokes the error and does what it says: `@pytest.mark.follows("file: text")`."""
    missing = {str(remedy) for remedy in remedies()} - followed()
    assert not missing, "\n".join(sorted(missing))


def test_no_test_follows_a_remedy_that_nothing_names():
    stale = followed() - {str(remedy) for remedy in remedies()}
    assert not stale, "\n".join(sorted(stale))
