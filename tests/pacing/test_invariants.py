"""What must hold on any schedule: property tests with limiters as judges. Hypothesis prints what fails."""

import pytest
from effort import steps
from hypothesis import given, settings
from hypothesis import strategies as st
from limiters import SHAPES

from daemon.model import Reading
from daemon.pacing.demand import Demand
from daemon.pacing.eta import when_s
from daemon.pacing.learning import observe, set_boundary
from daemon.pacing.ledger import Ledger
from daemon.pacing.looks import look_in_s
from daemon.pacing.reshaping import reshape
from daemon.pacing.slices import learn_slices

LIMIT, PERIOD_S = 12.0, 6.0
schedules = st.lists(
    st.tuples(st.floats(0.0, 4.0), st.floats(0.5, 5.0), st.floats(0.0, 0.04)), min_size=5, max_size=60
)  # (gap, cost, time on the way)


@settings(max_examples=300, deadline=None)
@given(schedules, st.sampled_from(["bucket", "fixed", "sliding"]), st.floats(0.0, 6.0))
def test_a_told_limit_is_never_overrun_however_the_provider_counts(
    schedule: list[tuple[float, float, float]], shape: str, phase: float
) -> None:
    """Without a word from the provider: what our ledger lets go, bucket, fixed and sliding window all accept."""
    ledger, limiter, now, arrived = (
        Ledger("tokens", PERIOD_S, ceiling=LIMIT),
        SHAPES[shape](LIMIT, PERIOD_S),
        phase,
        0.0,
    )
    for seq, (gap, cost, way) in enumerate(schedule):
        now += gap
        now += ledger.wait_s(cost, now)
        assert ledger.wait_s(cost, now + 1e-6) == 0, "the stated wait was enough"
        now += 1e-6
        ledger.take(seq, cost, now)
        arrived = max(arrived, now + way)
        assert limiter.wait_s(cost, arrived) <= 1e-6
        limiter.take(cost, arrived)


@settings(max_examples=300, deadline=None)
@given(schedules, st.sampled_from(["bucket", "fixed", "sliding"]), st.floats(0.0, 6.0))
def test_learning_from_headers_provokes_no_refusals_beyond_the_first_window(
    schedule: list[tuple[float, float, float]], shape: str, phase: float
) -> None:
    """With honest headers and calls one after another, hardly any call is refused, whatever was learned on the way."""
    ledger, limiter, now, refused = Ledger("requests", PERIOD_S, PERIOD_S), SHAPES[shape](LIMIT, PERIOD_S), phase, 0
    for seq, (gap, _, way) in enumerate(schedule):
        now += gap / 8
        now += ledger.wait_s(1.0, now) + 1e-6
        charge = ledger.take(seq, 1.0, now)
        sent, now = now, now + way
        hint = limiter.wait_s(1.0, now)
        if hint > 1e-6:
            refused += 1
            ledger.undo(charge)
            ledger.hold(now + hint)
            learn_slices(ledger, 1.0, hint, now)
        else:
            limiter.take(1.0, now)
        reading = Reading("requests", LIMIT, limiter.remaining(now), limiter.reset_s(now))
        observe(ledger, reading, charge=charge, seq=seq, sent_at=sent, now=now, early=True)
        assert ledger.log.window.total >= 0
    assert refused <= 1


LARGE = 1e7


def busy(shape: str, count: int) -> tuple[Ledger, float]:
    """A nearly full ledger of SHAPE after COUNT calls in two minutes, evenly spaced, of which the last twenty still
    run; and the size of a call."""
    kind, _, parts = shape.partition("/")
    ledger, cost = Ledger("tokens", 60.0, limit=LARGE), 1.9 * LARGE / count
    reshape(ledger, 0.0, shape=kind, slices=int(parts or 1))  # type: ignore[arg-type]
    if kind == "fixed":
        set_boundary(ledger, 3.0, 0.0)
    if shape.endswith("/6"):
        ledger.slice_boundary = 3.0
    taken = []
    for seq in range(count):
        now = 120.0 * seq / count
        taken.append(ledger.take(seq, cost, now))
        if seq >= 20:
            ledger.settle(taken[seq - 20], 0.9 * cost, now)
            taken[seq - 20].ended = True
    return ledger, cost


def one_more(ledger: Ledger, seq: int, cost: float, now: float, later: float) -> None:
    """All that is asked of a limit for one call that has to wait, goes at NOW, and ends LATER."""
    demand = Demand()
    ledger.wait_s(0.2 * LARGE, now, demand.reserve(ledger, 2, now))
    look_in_s(ledger, now)
    when_s(ledger, 0.2 * LARGE, now, 0.2 * LARGE)
    charge = ledger.take(seq, cost, now)
    ledger.log.postpone(charge, now + 1e-6)
    left, reset = max(0.0, LARGE - ledger.log.window.total), 60.0 - (now - 3.0) % 60.0
    if ledger.shape == "sliding":
        reset = 60.0
    elif ledger.shape == "bucket":
        left, reset = 0.9 * LARGE, 6.0
    reading = Reading("tokens", LARGE, left, reset)
    observe(ledger, reading, charge=charge, seq=seq, sent_at=now, now=later, early=False)
    if ledger.slices > 1:
        learn_slices(ledger, cost, None, later, now, surely=True)
    ledger.settle(charge, 0.9 * cost, later)
    charge.ended = True


def effort_of(shape: str, count: int) -> int:
    """The steps of a hundred calls that follow upon COUNT."""
    ledger, cost = busy(shape, count)
    gap_s = 120.0 / count

    def work() -> None:
        for i in range(100):
            now = 120.0 + 21 * i * gap_s
            one_more(ledger, count + i, cost, now, now + 20 * gap_s)

    return steps(work)


@pytest.mark.parametrize("shape", ["unknown", "bucket", "fixed", "sliding", "sliding/6", "sliding/10", "bucket/6"])
def test_a_call_costs_the_same_after_a_thousand_calls_and_after_a_hundred_thousand(shape: str) -> None:
    """Counted in Python's own steps, and within a small factor; nothing walks through what went in the last two
    minutes, whatever is asked of a limit and however it is counted."""
    few, many = effort_of(shape, 1000), effort_of(shape, 100_000)
    assert many < 3 * few, (few, many)
