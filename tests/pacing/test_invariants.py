"""What must hold on any schedule: property tests with limiters as judges. Hypothesis prints what fails."""

from hypothesis import given, settings
from hypothesis import strategies as st
from limiters import SHAPES

from daemon.model import Reading
from daemon.pacing.learning import observe
from daemon.pacing.ledger import Ledger
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
            ledger.hold(now + hint, "told")
            learn_slices(ledger, 1.0, hint, now)
        else:
            limiter.take(1.0, now)
        reading = Reading("requests", LIMIT, limiter.remaining(now), limiter.reset_s(now))
        observe(ledger, reading, charge=charge, seq=seq, sent_at=sent, now=now, early=True)
        assert ledger.log.window.total >= 0
    assert refused <= 1
