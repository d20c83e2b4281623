"""The continuous bucket."""

import pytest

from daemon.pacing.level import Level


def test_it_never_holds_more_than_its_capacity() -> None:
    """An hour of idling does not save up more than one full bucket."""
    level = Level(10.0, 1.0, 5.0, 0.0)
    assert level.now(3600.0) == 10.0
    level.take(10.0, 3600.0)
    assert level.now(3600.0) == 0.0


@pytest.mark.parametrize(("amount", "wait"), [(5.0, 0.0), (7.0, 2.0), (10.0, 5.0), (20.0, 5.0)])
def test_the_wait_is_what_the_refill_needs(amount: float, wait: float) -> None:
    """More than the capacity waits until it is full."""
    assert Level(10.0, 1.0, 5.0, 0.0).wait_s(amount, 0.0) == pytest.approx(wait)


def test_without_refill_the_wait_is_infinite() -> None:
    """Others use all that flows back."""
    assert Level(10.0, 0.0, 0.0, 0.0).wait_s(1.0, 0.0) == float("inf")
