"""Calls that look."""

from daemon.model import Reading
from daemon.pacing.learning import observe
from daemon.pacing.ledger import Ledger
from daemon.pacing.looks import held_s, hold_long, look_in_s, looks_for_refunds, passed_look
from daemon.pacing.reshaping import reshape


def test_after_a_told_wait_one_call_may_look_whatever_our_own_sum_says() -> None:
    """The provider knows better than our sum of a whole period; one call, not a burst."""
    ledger = Ledger("requests", 60.0, ceiling=2)
    for seq in range(2):
        ledger.take(seq, 1.0, 0.0)
    ledger.told_at = 10.0
    assert ledger.wait_s(1.0, 5.0) > 50
    assert look_in_s(ledger, 5.0) == 5.0
    ledger.take(3, 1.0, 10.0)
    assert look_in_s(ledger, 10.0) == float("inf")


def test_a_limit_in_the_config_looks_by_what_the_headers_say() -> None:
    """Its own ledger has no answers; the one of the headers knows when the window is said to end."""
    heard, told = Ledger("tokens", 60.0), Ledger("tokens", 60.0, ceiling=100)
    charge = heard.take(1, 1.0, 0.0)
    observe(heard, Reading("tokens", 100, 0, 20.0), charge=charge, seq=1, sent_at=0.0, now=0.1, early=True)
    told.take(1, 100.0, 0.0)
    assert look_in_s(told, 1.0) == float("inf")
    told.heard_by = heard
    assert 19 < look_in_s(told, 1.0) < 20


def test_where_no_reset_is_said_what_remains_lets_one_look() -> None:
    """Our own sum is used up, and the answer leaves three: one may go now, and shows whether it refills."""
    ledger = Ledger("requests", 60.0)
    for seq in range(10):
        charge = ledger.take(seq, 1.0, float(seq) / 10)
    observe(ledger, Reading("requests", 10, 3), charge=charge, seq=9, sent_at=0.9, now=1.0, early=True)
    assert ledger.wait_s(1.0, 1.0) > 10
    assert look_in_s(ledger, 1.0) == 0
    assert look_in_s(ledger, 20.0) == float("inf"), "an old answer says nothing"


def test_a_look_in_a_slice_shows_that_unused_tokens_come_back() -> None:
    """Three of four slices' worth was reserved and not used: a call beyond it goes, and that it was let through says
    it."""
    ledger = Ledger("tokens", 60.0, limit=600)
    reshape(ledger, 0.0, shape="bucket", slices=6)
    ledger.slice_boundary = 0.0
    ledger.settle(ledger.take(1, 90.0, 0.5), 20.0, 1.0)
    assert looks_for_refunds(ledger, 50.0, 1.5)
    ledger.take(2, 50.0, 1.5)
    assert ledger.refund_look == 2
    passed_look(ledger, 2)
    assert ledger.refunds
    assert ledger.wait_s(20.0, 1.6) == 0


def test_a_long_hold_lets_one_look_now_and_then() -> None:
    """Two hours were named: after ten minutes one call may go, and ten minutes later the next. One that is let through
    opens it; what one is told counts, though it is less."""
    ledger = Ledger("requests", 60.0)
    hold_long(ledger, 7200.0, 600.0, 0.0, 1)
    assert (look_in_s(ledger, 0.0), held_s(ledger, 1.0, 0.0)) == (600.0, 7200.0)
    assert (look_in_s(ledger, 600.0), held_s(ledger, 1.0, 600.0)) == (0.0, 0.0)
    assert held_s(ledger, 0.0, 0.0) == 0, "a call that takes nothing of it"
    ledger.take(2, 1.0, 600.0)
    assert (look_in_s(ledger, 600.0), held_s(ledger, 1.0, 600.0)) == (600.0, 6600.0)
    hold_long(ledger, 700.0, 600.0, 601.0, 2)
    assert ledger.wait_s(1.0, 601.0) == 99.0
    passed_look(ledger, 1)
    assert ledger.wait_s(1.0, 601.0) == 99.0
    passed_look(ledger, 2)
    assert ledger.wait_s(1.0, 601.0) == 0


def test_a_look_at_what_should_be_whole_again_is_made_once() -> None:
    """It is refused without a word: the same old answer is no reason for the next one."""
    ledger = Ledger("requests", 60.0)
    for seq in range(10):
        charge = ledger.take(seq, 1.0, 0.0)
    observe(ledger, Reading("requests", 10, 0, 2.0), charge=charge, seq=9, sent_at=0.0, now=0.1, early=True)
    assert look_in_s(ledger, 3.0) == 0
    ledger.undo(ledger.take(10, 1.0, 3.0))
    assert look_in_s(ledger, 3.1) == float("inf")
