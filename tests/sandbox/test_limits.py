"""The judge's own limiters, in tables on a simulated clock."""

from __future__ import annotations

import math
import random

import pytest

from daemon.sandbox.limits import Bucket, Fixed, Limiter, Slices, Sliding, limiter
from daemon.sandbox.settings import SHAPES, Shape


def admissions(lim: Limiter, cost: float, until: float, step: float = 0.01) -> list[float]:
    """Knock every STEP seconds; return when it was let in."""
    out = []
    for tick in range(round(until / step)):
        now = tick * step
        if lim.wait_s(cost, now) == 0:
            lim.take(cost, now)
            out.append(now)
    return out


def test_bucket_refills_continuously():
    """A full bucket lets a burst of its limit through, then one unit each period/limit."""
    times = admissions(Bucket(60, 60), 1, until=10)
    assert times[:60] == [t * 0.01 for t in range(60)]
    assert times[60:64] == pytest.approx([1.0, 2.0, 3.0, 4.0], abs=0.011)


@pytest.mark.parametrize(
    ("used", "requested", "limit", "wait_s"),
    [(28039, 3906, 30000, 3.89), (250_000, 149_514, 250_000, 35.883), (11_972, 4_351, 15_000, 5.292)],
)
def test_bucket_wait_is_the_arithmetic_of_public_429s(used: float, requested: float, limit: float, wait_s: float):
    """(used + requested - limit) / limit * 60, as computed from public OpenAI and Groq errors."""
    bucket = Bucket(limit, 60)
    bucket.take(used, 100.0)
    assert bucket.wait_s(requested, 100.0) == pytest.approx(wait_s, abs=0.01)


def test_fixed_window_lets_two_limits_pass_around_its_edge():
    """The whole limit comes back at the edge, and not before."""
    fixed = Fixed(20, 60)
    for _ in range(20):
        fixed.take(1, 59.0)
    assert fixed.wait_s(1, 59.0) == pytest.approx(1.0)
    assert fixed.wait_s(20, 60.0) == 0


def test_fixed_windows_begin_at_their_origin():
    """With an origin of 5, the edge is at 65."""
    fixed = Fixed(1, 60, origin=5.0)
    fixed.take(1, 6.0)
    assert fixed.wait_s(1, 6.0) == pytest.approx(59.0)
    assert fixed.full_s(6.0) == pytest.approx(59.0)


def test_sliding_log_waits_for_the_oldest_that_is_enough():
    """Room for a big cost comes when enough old entries are out of the period."""
    sliding = Sliding(10, 60)
    for now, cost in ((0.0, 2.0), (10.0, 3.0), (20.0, 5.0)):
        sliding.take(cost, now)
    table = {1.0: 40.0, 2.0: 40.0, 3.0: 50.0, 5.0: 50.0, 6.0: 60.0, 10.0: 60.0}
    assert {cost: sliding.wait_s(cost, 20.0) for cost in table} == pytest.approx(table)
    assert sliding.wait_s(2.0, 60.0) == 0
    assert sliding.full_s(20.0) == pytest.approx(60.0)


def test_slices_hold_both_the_slice_and_the_minute():
    """60 a minute in 6 slices: ten at the start of each slice; 10 a minute in 6 slices: two a slice, ten a minute."""
    times = admissions(Slices(60, 60, 6), 1, until=30)
    assert [sum(start <= t < start + 10 for t in times) for start in (0, 10, 20)] == [10, 10, 10]
    assert max(t % 10 for t in times) < 0.2
    few = admissions(Slices(10, 60, 6), 1, until=60, step=0.05)
    assert [sum(start <= t < start + 10 for t in few) for start in range(0, 60, 10)] == [2] * 6
    minute = admissions(Slices(10, 60, 6), 1, until=600, step=0.05)
    assert len(minute) == 10 + 10 * 9 + 9


def test_a_cost_above_a_slice_uses_up_the_next_slices():
    """40 tokens against 10 a slice go into an untouched slice and close this one and the next three."""
    slices = Slices(60, 60, 6)
    assert slices.wait_s(40, 0.0) == 0
    slices.take(40, 0.0)
    assert slices.wait_s(1, 0.0) == pytest.approx(40.0)
    assert slices.slice_used(10.0) == pytest.approx(30.0)
    slices.take(0, 40.0)
    assert slices.wait_s(1, 40.0) == 0


@pytest.mark.parametrize("shape", SHAPES)
def test_more_than_the_limit_never_fits(shape: Shape):
    """The wait is infinite, also for a limit of 0."""
    assert limiter(shape, 10, 60).wait_s(11, 0.0) == math.inf
    assert limiter(shape, 0, 60).wait_s(1, 0.0) == math.inf


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(20))
def test_the_told_wait_is_exact(shape: Shape, seed: int):
    """On random schedules: after the told wait it fits, a little before it does not."""
    rng = random.Random(seed)
    lim = limiter(shape, 30, 60, slices=6, origin=rng.uniform(0, 60))
    now = 1000.0
    for _ in range(300):
        now += rng.expovariate(1.0)
        cost = rng.uniform(0.5, 12)
        wait = lim.wait_s(cost, now)
        if wait:
            assert lim.wait_s(cost, now + wait * 0.99) > 0, f"seed {seed}"
            now += wait
            assert lim.wait_s(cost, now) == 0, f"seed {seed}"
        lim.take(cost, now)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(20))
def test_no_schedule_gets_more_than_the_shape_allows(shape: Shape, seed: int):
    """In any minute at most the limit (sliding), or twice it (bucket and fixed windows); in a window the limit."""
    rng = random.Random(seed)
    lim, now, taken = limiter(shape, 30, 60, slices=6), 0.0, []
    while now < 600:
        cost = rng.uniform(0.5, 5)
        if lim.wait_s(cost, now) == 0:
            lim.take(cost, now)
            taken.append((now, cost))
        now += rng.uniform(0, 0.7)
    most = {"sliding": 30, "bucket": 60, "fixed": 60, "slices": 60}[shape]
    for start, _ in taken:
        assert sum(cost for t, cost in taken if start <= t < start + 59.999) <= most + 1e-6, f"seed {seed}"
    if shape == "fixed":
        for window in range(10):
            assert sum(cost for t, cost in taken if t // 60 == window) <= 30 + 1e-6, f"seed {seed}"
    if shape == "slices":
        for window in range(60):
            assert sum(cost for t, cost in taken if t // 10 == window) <= 5 + 1e-6, f"seed {seed}"


@pytest.mark.parametrize("shape", SHAPES)
def test_giving_back_makes_room_at_once(shape: Shape):
    """What was reserved and not used is free again, in the same window."""
    lim = limiter(shape, 60, 60, slices=1)
    lim.take(50, 1.0)
    assert lim.used(1.0) == 50
    lim.give_back(40, taken_at=1.0, now=2.0)
    assert lim.used(2.0) == pytest.approx(9 if shape in ("bucket", "slices") else 10)
    assert lim.wait_s(50, 2.0) == 0


def test_giving_back_to_a_window_that_is_over_changes_nothing():
    """A refund for an old fixed window is lost, as its figures are."""
    fixed = Fixed(10, 60)
    fixed.take(10, 59.0)
    fixed.take(4, 61.0)
    fixed.give_back(9, taken_at=59.0, now=61.0)
    assert fixed.used(61.0) == 4


def test_refused_requests_cannot_dig_a_hole():
    """A bucket that is empty stays empty, it does not go below; a slice neither."""
    bucket, slices = Bucket(10, 60), Slices(60, 60, 6)
    for _ in range(100):
        bucket.take(1, 0.0)
        slices.take(1, 0.0)
    assert bucket.wait_s(1, 0.0) == pytest.approx(6.0)
    assert slices.wait_s(1, 0.0) == pytest.approx(10.0)
