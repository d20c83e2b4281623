"""Amounts at instants, added up over any stretch of time."""

import random

import pytest

from daemon.pacing.sums import MOST, RunningSum


def test_any_stretch() -> None:
    """The sum over any stretch is that of the amounts in it, its start not counted, its end counted."""
    rng, sums, now, known = random.Random(3), RunningSum(), 0.0, list[tuple[float, float]]()
    assert not sums
    for _ in range(3000):
        now += rng.choice((0.0, 0.5, 2.0))
        known.append((now, rng.random()))
        sums.add(*known[-1])
    for _ in range(300):
        start, end = rng.uniform(-5, now + 5), rng.uniform(-5, now + 5)
        expected = sum(amount for at, amount in known if start < at <= end)
        assert sums.between(start, end) == pytest.approx(expected, abs=1e-9)
    at = known[100][0]
    assert sums.between(at, at) == 0.0
    assert sums.between(at, float("inf")) == pytest.approx(sum(a for t, a in known if t > at))


def test_it_does_not_grow_for_ever() -> None:
    """The oldest are forgotten, the sums of the others stay right."""
    sums = RunningSum()
    for n in range(5 * MOST):
        sums.add(float(n), 1.0)
    assert len(sums._instants) < 2 * MOST
    assert sums.between(5 * MOST - 101.0, float("inf")) == 100.0


def test_sleep_makes_everything_older() -> None:
    """After a sleep that the clock did not count, what came before is further back."""
    sums = RunningSum()
    sums.add(10.0, 1.0)
    sums.shift(100.0)
    assert sums.between(0.0, 20.0) == 0.0
    assert sums.between(-91.0, -90.0) == 1.0
