"""Expected times."""

import pytest

from daemon.pacing.eta import span_s, when_s
from daemon.pacing.learning import set_boundary
from daemon.pacing.ledger import Ledger
from daemon.pacing.reshaping import reshape


@pytest.mark.parametrize(("amount", "expected"), [(0.5, 0.0), (1, 6.0), (10, 60.0), (25, 150.0)])
def test_a_used_up_bucket(amount: float, expected: float) -> None:
    """Ten a minute: each takes six seconds."""
    ledger = Ledger("requests", 60.0, ceiling=10)
    reshape(ledger, 0.0, shape="bucket")
    for seq in range(10):
        ledger.take(seq, 1.0, 0.0)
    if amount >= 1:
        assert when_s(ledger, amount, 0.0) == pytest.approx(expected)


@pytest.mark.parametrize(("amount", "expected"), [(1, 40.0), (10, 40.0), (11, 100.0), (25, 160.0)])
def test_a_used_up_fixed_window(amount: float, expected: float) -> None:
    """Ten at each boundary."""
    ledger = Ledger("requests", 60.0, ceiling=10)
    reshape(ledger, 0.0, shape="fixed")
    set_boundary(ledger, -20.0, 0.0)
    for seq in range(10):
        ledger.take(seq, 1.0, 0.0)
    assert when_s(ledger, amount, 0.0) == pytest.approx(expected)


def test_an_unknown_limit_has_no_wait_but_a_hold_has() -> None:
    """Nothing is invented."""
    ledger = Ledger("requests", 60.0)
    assert when_s(ledger, 100.0, 0.0) == 0
    ledger.hold(7.0, "told")
    assert when_s(ledger, 1.0, 0.0) == 7.0


def test_the_range_is_wider_when_limits_are_guessed() -> None:
    """An honest range."""
    low, high = span_s(10.0, known=True)
    assert low == 9.0
    assert high == pytest.approx(11.5)
    low, high = span_s(10.0, known=False)
    assert (low, high) == (5.0, 22.0)


@pytest.mark.parametrize(
    ("limit", "amount", "expected"), [(1, 1, 60.0), (1, 2, 120.0), (10, 10, 60.0), (10, 11, 120.0)]
)
def test_a_lack_of_a_whole_limit_is_one_window(limit: int, amount: float, expected: float) -> None:
    """One a minute: the second call goes a minute after the first, not two. With a second for the guard's margin."""
    ledger = Ledger("requests", 60.0, ceiling=limit)
    for seq in range(limit):
        ledger.take(seq, 1.0, 0.0)
    assert when_s(ledger, amount, 0.0) == pytest.approx(expected, abs=1.0)
