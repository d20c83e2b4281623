"""Limits that nobody states."""

from daemon.pacing.guess import begin
from daemon.pacing.ledger import Ledger


def filled(n: int = 60) -> Ledger:
    """N calls went through within half a second of a six second minute."""
    ledger = Ledger("requests", 6.0, 6.0)
    for seq in range(n):
        ledger.take(seq, 1.0, 100.0 + 0.5 * seq / n)
    return ledger


def test_a_bare_refusal_gives_ninety_percent_of_what_went() -> None:
    """And a first look after a thirtieth of the period."""
    ledger = filled()
    begin(ledger, 1.0, None, 100.6)
    assert ledger.ceiling == 54
    assert ledger.source == "guess"
    assert ledger.look_at == 100.6 + 0.2


def test_a_short_wait_is_a_bucket() -> None:
    """The named wait is no longer than one call's refill."""
    ledger = filled()
    begin(ledger, 1.0, 0.08, 100.6)
    assert ledger.shape == "bucket"
    assert 50 <= (ledger.ceiling or 0) <= 60


def test_two_named_ends_give_the_length_of_the_window() -> None:
    """Open again in 0.9 s, filled, and then one second later: windows of one second, whatever a minute is."""
    ledger = filled(10)
    guess = begin(ledger, 1.0, 0.9, 100.6)
    ledger.take(20, 1.0, 101.51)
    guess.passed(101.51, 101.55)
    assert ledger.shape == "fixed"
    for seq in range(9):
        ledger.take(21 + seq, 1.0, 101.6)
    guess.refused(0.85, 101.65)
    assert ledger.period_s == 1.0
    assert guess.sure


def test_looks_come_less_and_less_often() -> None:
    """Up to a quarter of the period."""
    guess = begin(filled(), 1.0, None, 100.6)
    waits = []
    for i in range(6):
        waits.append(guess.next_look_s())
        guess.refused(None, 101.0 + i)
    assert waits == sorted(waits)
    assert max(waits) == 1.5


def test_a_guess_that_was_too_low_grows() -> None:
    """A used-up period without refusal raises it by five percent."""
    ledger = filled()
    guess = begin(ledger, 1.0, None, 100.6)
    guess.sure = True
    for seq in range(54):
        ledger.take(100 + seq, 1.0, 108.0)
    guess.passed(108.0, 108.1)
    assert (ledger.ceiling or 0) > 54
