"""Limits that nobody states."""

import pytest

from daemon.pacing.guess import begin
from daemon.pacing.ledger import Ledger


def filled(n: int = 60) -> Ledger:
    """N calls went through within half a second of a six second minute."""
    ledger = Ledger("requests", 6.0, 6.0)
    for seq in range(n):
        ledger.take(seq, 1.0, 100.0 + 0.5 * seq / n)
    return ledger


def test_a_bare_refusal_limits_to_what_went() -> None:
    """And a first look comes after a thirtieth of the period."""
    ledger = filled()
    begin(ledger, 1.0, None, 100.6)
    assert ledger.ceiling == 60
    assert ledger.source == "guess"
    assert ledger.look_at == 100.6 + 0.2


def test_what_was_in_flight_at_the_first_refusal_did_not_go() -> None:
    """Two more are refused: the guess is smaller by these."""
    ledger = filled()
    guess = begin(ledger, 1.0, None, 100.6, 100.58)
    for charge in ledger.log.entries[-2:]:
        ledger.undo(charge)
        guess.refused(None, 100.61, 100.59)
    assert ledger.ceiling == 58


def test_a_little_that_fits_again_is_a_bucket_s_refill() -> None:
    """Two calls go through after a look, the third is refused."""
    ledger = filled()
    guess = begin(ledger, 1.0, None, 100.6)
    for seq in range(2):
        ledger.take(70 + seq, 1.0, 100.8 + seq / 100)
        guess.passed(100.8 + seq / 100, 101.0)
    guess.refused(None, 101.1, 101.05)
    assert ledger.shape == "bucket"
    assert 50 <= (ledger.ceiling or 0) <= 60


def test_all_that_fits_again_is_a_window_and_its_length_is_looked_for() -> None:
    """Ten went, and ten again: the shortest usual length that may be is tried next, until one goes through."""
    ledger = filled(10)
    guess = begin(ledger, 1.0, None, 100.6)
    for seq in range(10):
        ledger.take(70 + seq, 1.0, 100.9 + seq / 100)
        guess.passed(100.9 + seq / 100, 101.1)
    assert guess.state == "timing"
    assert ledger.look_at == pytest.approx(100.9 + 0.2 + 0.05)
    for at in (101.15, 101.45, 101.55):
        guess.refused(None, at + 0.01, at)
    ledger.take(90, 1.0, 101.95)
    guess.passed(101.95, 102.1)
    assert ledger.shape == "fixed"
    assert ledger.period_s == 1.0


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
    guess.state = "sure"
    for seq in range(54):
        ledger.take(100 + seq, 1.0, 108.0)
    guess.passed(108.0, 108.1)
    assert (ledger.ceiling or 0) > 54


def test_what_the_user_states_is_never_exceeded() -> None:
    """However much went through: the config's limit is a ceiling."""
    ledger = filled()
    ledger.ceiling, ledger.source = 40.0, "config"
    guess = begin(ledger, 1.0, None, 100.6)
    ledger.take(90, 1.0, 103.0)
    guess.passed(103.0, 103.2)
    assert ledger.ceiling == 40
    assert ledger.source == "config"
