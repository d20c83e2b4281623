"""How often something happened lately."""

import random

from daemon.pacing.lately import PARTS, Lately


def test_few_are_counted_exactly() -> None:
    """What is younger than the period counts, what is as old as it no longer."""
    lately = Lately(60.0)
    for now in (0.0, 10.0, 10.0, 59.0):
        lately.note(now)
    assert lately.count == 4
    for now, count in ((59.9, 4), (60.0, 3), (70.0, 1), (500.0, 0)):
        lately.forget(now)
        assert lately.count == count


def test_many_are_counted_nearly_exactly_in_little_memory() -> None:
    """A hundred thousand in two minutes: the count is right but for those of a thousandth of the time."""
    rng, lately, now, all_of_them = random.Random(5), Lately(120.0), 0.0, list[float]()
    for _ in range(200_000):
        now += rng.expovariate(1000.0)
        lately.note(now)
        all_of_them.append(now)
    exact = sum(at > now - 120.0 for at in all_of_them)
    unsure = sum(now - 120.0 < at <= now - 120.0 + 120.0 / PARTS for at in all_of_them)
    assert exact - unsure <= lately.count <= exact
    assert len(lately._instants) <= 2 * PARTS + 2
