"""How long until something fits, for each way of counting."""

import pytest

from daemon.pacing.learning import set_boundary
from daemon.pacing.ledger import Ledger
from daemon.pacing.reshaping import reshape
from daemon.pacing.waits import edge_wait_s, refill_wait_s, slice_wait_s


def test_a_bucket_refills_at_its_rate() -> None:
    """Ten a minute: one more every six seconds."""
    ledger = Ledger("requests", 60.0, ceiling=10)
    reshape(ledger, 0.0, shape="bucket")
    for seq in range(10):
        ledger.take(seq, 1.0, 0.0)
    assert refill_wait_s(ledger, 1.0, 10.0, 0.0) == pytest.approx(6.0)


def test_a_fixed_window_opens_at_its_boundary() -> None:
    """What was used before it does not matter after it."""
    ledger = Ledger("requests", 60.0, ceiling=10)
    reshape(ledger, 0.0, shape="fixed")
    set_boundary(ledger, -20.0, 0.0)
    for seq in range(10):
        ledger.take(seq, 1.0, 0.0)
    wait = ledger.wait_s(1.0, 1.0)
    assert wait == pytest.approx(39.0, abs=0.1)
    assert ledger.wait_s(10.0, 1.0 + wait + 0.001) == 0


def test_just_before_a_boundary_a_call_is_held_back() -> None:
    """It might be counted on either side."""
    ledger = Ledger("requests", 60.0, ceiling=10)
    reshape(ledger, 0.0, shape="fixed")
    set_boundary(ledger, 0.0, 0.0)
    assert edge_wait_s(ledger, 30.0) == 0
    assert 0 < edge_wait_s(ledger, 59.99) < 0.1


def test_slices_let_through_a_part_at_a_time() -> None:
    """Sixty a minute in six slices: ten each ten seconds."""
    ledger = Ledger("requests", 60.0, ceiling=60)
    reshape(ledger, 0.0, slices=6)
    for seq in range(10):
        assert ledger.wait_s(1.0, 0.0) == 0
        ledger.take(seq, 1.0, 0.0)
    assert slice_wait_s(ledger, 1.0, 60.0, 0.0) == pytest.approx(10.0 + ledger.guard_s)
    ledger.slice_boundary = 4.0
    assert slice_wait_s(ledger, 1.0, 60.0, 0.0) == pytest.approx(4.0, abs=0.1)
