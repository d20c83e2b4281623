"""Room for interactive calls."""

from daemon.pacing.demand import Demand
from daemon.pacing.learning import set_boundary
from daemon.pacing.ledger import Ledger
from daemon.pacing.reshaping import reshape


def ledger_of(shape: str) -> Ledger:
    ledger = Ledger("requests", 60.0, ceiling=100)
    reshape(ledger, 0.0, shape=shape)  # type: ignore[arg-type]
    if shape == "fixed":
        set_boundary(ledger, 0.0, 0.0)
    return ledger


def test_a_bucket_needs_no_reserve() -> None:
    """It refills continuously."""
    demand = Demand()
    demand.note(0.0)
    assert demand.reserve(ledger_of("bucket"), 1, 1.0) == 0


def test_without_interactive_calls_only_batch_leaves_something() -> None:
    """A normal call may fill the limit; who says `batch` expects others."""
    demand, ledger = Demand(), ledger_of("sliding")
    assert demand.reserve(ledger, 1, 1.0) == 0
    assert demand.reserve(ledger, 2, 1.0) == 14.25
    assert demand.reserve(ledger, 0, 1.0) == 0


def test_after_interactive_calls_others_leave_what_these_will_need() -> None:
    """Never more than the share; nothing after two quiet periods."""
    demand, ledger = Demand(0.15), ledger_of("sliding")
    for at in range(40):
        demand.note(float(at))
    assert demand.reserve(ledger, 1, 100.0) == 14.25
    assert demand.reserve(ledger, 1, 200.0) == 0


def test_in_a_fixed_window_the_reserve_shrinks_to_nothing() -> None:
    """Nothing is wasted at its end, and the instant at which it opens is known."""
    demand, ledger = Demand(0.15), ledger_of("fixed")
    demand.note(0.0)
    assert demand.reserve(ledger, 1, 0.0) == 15
    assert demand.reserve(ledger, 1, 30.0) == 7.5
    for seq in range(90):
        ledger.take(seq, 1.0, 1.0)
    opens = demand.opens_in_s(ledger, 1.0, 1.0)
    assert ledger.wait_s(1.0, 1.0 + opens + 0.01, demand.reserve(ledger, 1, 1.0 + opens + 0.01)) == 0


def test_in_a_moving_window_it_shrinks_until_the_bulk_leaves() -> None:
    """Eighty calls came at once: they leave after a period, and nothing need be kept then."""
    demand, ledger = Demand(0.15), ledger_of("sliding")
    for seq in range(80):
        ledger.take(seq, 1.0, 10.0)
    kept = [demand.reserve(ledger, 2, 10.0 + at) for at in (0.0, 30.0, 60.0)]
    assert kept == [14.25, 7.125, 0.0]
    opens = demand.opens_in_s(ledger, 7.5, 10.0)
    assert demand.reserve(ledger, 2, 10.0 + opens) <= 12.5


def test_the_last_of_a_batch_need_not_leave_so_much() -> None:
    """All that waits fits: it is not held up for long."""
    demand, ledger = Demand(0.15), ledger_of("sliding")
    assert demand.reserve(ledger, 2, 0.0, waiting=50.0) < 0.5 * demand.reserve(ledger, 2, 0.0, waiting=500.0)


def test_in_slices_a_batch_leaves_a_part_of_each() -> None:
    """At the beginning of a slice a part is kept, at its end nothing; who is interactive may have it at any time."""
    demand, ledger = Demand(0.15), Ledger("tokens", 60.0, ceiling=600)
    reshape(ledger, 0.0, shape="bucket", slices=6)
    ledger.slice_boundary = 0.0
    ledger.take(1, 90.0, 0.1)
    batch, person = (demand.reserve_slice(ledger, priority, 0.2) for priority in (2, 0))
    assert (batch, person) == (15.0, 0.0)
    assert ledger.wait_s(10.0, 0.2, kept=person) == 0
    wait = ledger.wait_s(10.0, 0.2, kept=batch)
    assert 9.5 < wait < 9.9
    assert ledger.wait_s(10.0, 0.2 + wait, kept=batch) == 0
