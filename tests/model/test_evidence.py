"""What was seen of a failure, as it is kept."""

import pytest

from daemon.model import Finding, mark


def test_evidence_is_added_to_what_was_seen_before() -> None:
    """In the order in which it was seen, with its values in their places; the finding itself stays as it was."""
    first = Finding(evidence=(mark("status", value=429),))
    both = first.seen(mark("together", call="c7"), mark("tried", place="h m", why="overloaded"))
    assert both.evidence == ("status 429", "went in one request with call c7", "also tried: h m (overloaded)")
    assert first.evidence == ("status 429",)


def test_a_value_that_is_missing_is_an_error() -> None:
    """No mark is kept with a hole in it."""
    with pytest.raises(KeyError, match="call"):
        mark("same")
