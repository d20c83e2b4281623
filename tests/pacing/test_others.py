"""Others on the same key."""

import pytest

from daemon.pacing.ledger import Ledger
from daemon.pacing.others import crowded, stale
from daemon.pacing.reshaping import reshape
from daemon.pacing.shapes import Shape


def test_who_was_met_is_reckoned_with_for_ten_periods() -> None:
    """Also where nothing of his is seen just now."""
    ledger = Ledger("requests", 60.0, limit=10)
    assert not crowded(ledger, 100.0)
    ledger.met_others_at = 100.0
    assert crowded(ledger, 699.0)
    assert not crowded(ledger, 701.0)


def test_what_others_have_taken_is_news_for_a_fifth_of_a_period() -> None:
    """Of a bucket it does not matter: it refills whatever they take."""
    ledger = Ledger("requests", 60.0, limit=10)
    reshape(ledger, 0.0, shape="sliding")
    ledger.foreign, ledger.seen_at = 3.0, 0.0
    assert not stale(ledger, 11.0)
    assert stale(ledger, 13.0)
    reshape(ledger, 13.0, shape="bucket")
    assert not stale(ledger, 13.0)


@pytest.mark.parametrize("shape", ["fixed", "sliding", "bucket"])
def test_what_others_leave_is_enough_when_nothing_of_ours_counts(shape: Shape) -> None:
    """Others seem to use most of the limit, and a call needs more than they leave: it waits for an empty window, not
    for ever. The provider decides."""
    ledger = Ledger("tokens", 60.0, limit=2000)
    reshape(ledger, 0.0, shape=shape)
    ledger.boundary = 0.0 if shape == "fixed" else None
    ledger.foreign, ledger.other_rate, ledger.caution = 1250.0, 20.0, 200.0
    ledger.take(1, 500.0, 1.0)
    assert ledger.wait_s(1950.0, 2.0) > 0
    assert ledger.wait_s(1950.0, 130.0) == 0
