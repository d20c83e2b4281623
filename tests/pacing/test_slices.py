"""Limits that hold in slices."""

import pytest

from daemon.pacing.ledger import Ledger
from daemon.pacing.reshaping import reshape
from daemon.pacing.slices import doubt_slices, learn_slices, overhang


def test_a_refusal_in_spite_of_room_reveals_slices() -> None:
    """Ten of sixty went, the eleventh is refused for 0.74 s of a six second minute: the limit holds in sixths."""
    ledger = Ledger("requests", 6.0, limit=60)
    for seq in range(10):
        ledger.take(seq, 1.0, 100.0 + 0.02 * seq)
    assert learn_slices(ledger, 1.0, 0.74, 100.26) == 6
    assert ledger.slice_boundary == pytest.approx(101.0)


def test_a_refusal_that_no_usual_slice_explains_changes_nothing() -> None:
    """Two calls in an hour do not overrun any slice."""
    ledger = Ledger("requests", 60.0, limit=60)
    assert learn_slices(ledger, 1.0, 50.0, 100.0) is None
    assert ledger.slices == 1


def test_others_may_have_filled_a_slice() -> None:
    """Seven of ours went, and the refusal's own headers leave plenty: three of somebody else's were in that slice."""
    ledger = Ledger("requests", 6.0, limit=60)
    for seq in range(7):
        ledger.take(seq, 1.0, 100.0 + 0.02 * seq)
    assert learn_slices(ledger, 1.0, 0.8, 100.2) is None
    assert learn_slices(ledger, 1.0, 0.8, 100.2, surely=True) == 6


def test_others_had_at_least_what_a_refused_call_would_have_left() -> None:
    """Slices of a thousand: 500 of ours went, and one of 495 is refused. Somebody had six, and not 500; but when one of
    ten is refused, he had nearly all."""
    for cost, theirs in ((495.0, 0.6), (10.0, 491.0)):
        ledger = Ledger("tokens", 6.0, limit=6000)
        reshape(ledger, 99.0, slices=6)
        ledger.sliced_at, ledger.slice_boundary = 99.0, 100.0
        ledger.take(1, 500.0, 100.1)
        assert learn_slices(ledger, cost, 0.78, 100.22, 100.2, surely=True) == 6
        assert ledger.slice_others == pytest.approx(theirs)


def test_a_wait_in_whole_seconds_tells_how_long_slices_are_not_when_they_begin() -> None:
    """Twenty went within a second and a half of a minute, then "1": what any second lets through is kept."""
    ledger = Ledger("requests", 60.0, limit=600)
    for seq in range(20):
        ledger.take(seq, 1.0, 100.0 + 0.05 * seq)
    assert learn_slices(ledger, 1.0, 2.0, 101.0) == 30
    assert ledger.slice_boundary is None


def test_a_slow_network_blurs_when_slices_begin() -> None:
    """Two refusals of calls that were 0.1 and 0.15 s on their way agree on slices of a second, though what they name
    differs by more than the usual guard; the shorter way tells more."""
    ledger = Ledger("requests", 60.0, limit=60)
    ledger.take(1, 1.0, 100.05)
    assert learn_slices(ledger, 1.0, 0.90, 100.25, 100.1) == 60
    ledger.take(2, 1.0, 101.2)
    assert learn_slices(ledger, 1.0, 0.70, 101.4, 101.3) == 60
    assert ledger.slice_boundary == pytest.approx(102.1)


def test_after_a_day_slices_are_doubted() -> None:
    """They may have been abolished: fewer are tried, and a refusal brings them back."""
    ledger = Ledger("requests", 60.0, limit=60)
    reshape(ledger, 0.0, slices=6)
    ledger.sliced_at = 0.0
    doubt_slices(ledger, 80_000.0)
    assert ledger.slices == 6
    doubt_slices(ledger, 90_000.0)
    assert ledger.slices == 5


def test_what_is_larger_than_a_slice_uses_up_the_next_ones_where_that_was_seen() -> None:
    """Three slices and a half at once: after a refusal in the second one it is known that they are used up, too."""
    ledger = Ledger("tokens", 60.0, ceiling=600)
    reshape(ledger, 0.0, shape="bucket", slices=6)
    ledger.slice_boundary = 0.0
    ledger.take(1, 350.0, 0.5)
    assert ledger.wait_s(50.0, 10.5) == 0
    assert overhang(ledger, 10.5) == 250
    ledger.carries = True
    wait = ledger.wait_s(50.0, 10.5)
    assert 19.5 <= wait < 19.6
    assert ledger.wait_s(50.0, 10.5 + wait) == 0
    assert ledger.wait_s(80.0, 10.5 + wait) > 0
    assert overhang(ledger, 45.0) == 0
