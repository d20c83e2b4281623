"""Who of a pool goes next, and who may pass whom."""

from test_pool import TOKENS, admit, entry, pool_of
from world import origin

from daemon.model import Limit, Priority
from daemon.pacing.choosing import choose


def test_small_calls_pass_a_big_one_up_to_a_quarter_of_its_size() -> None:
    """The pipe is not idle, and the big call is late by a quarter of its own refill at most."""
    pool = pool_of(origin(TOKENS, minute_s=60.0))
    for i in range(8):
        pool.queue.push(entry(pool, f"fill{i}", 100))
    assert len(admit(pool, 0.0)) == 8
    pool.queue.push(entry(pool, "big", 600))
    for i in range(10):
        pool.queue.push(entry(pool, f"small{i}", 50))
    passed = admit(pool, 1.0)
    assert passed == ["small0", "small1", "small2"]
    assert "big" in admit(pool, 62.0)


def test_interactive_may_always_pass_what_waits() -> None:
    """A batch call that does not fit yet holds up no editor."""
    pool = pool_of(origin(TOKENS, minute_s=60.0))
    pool.queue.push(entry(pool, "fill", 700))
    admit(pool, 0.0)
    pool.queue.push(entry(pool, "batch", 900, Priority.BATCH))
    pool.queue.push(entry(pool, "editor", 290, Priority.INTERACTIVE))
    assert admit(pool, 1.0) == ["editor"]


def test_who_has_risen_leaves_a_person_what_is_kept_and_is_passed_by_ten_at_most() -> None:
    """In a window normal calls leave something to persons, also when they have waited for a minute. These may pass
    them, until the lower classes' tenth has come to one call: whoever has risen starves no more than before."""
    pool = pool_of(origin(TOKENS, minute_s=60.0))
    pool.demand.note(100.0)
    pool.queue.push(entry(pool, "fill", 850, Priority.INTERACTIVE))
    assert admit(pool, 100.0) == ["fill"]
    for i in range(20):
        pool.queue.push(entry(pool, f"old{i}", 10))
    assert admit(pool, 101.0) == []
    for i in range(12):
        pool.queue.push(entry(pool, f"person{i}", 10, Priority.INTERACTIVE))
    assert admit(pool, 102.0) == [*(f"person{i}" for i in range(10)), "old0", "person10", "person11"]


def test_a_batch_that_waits_for_tomorrow_stands_in_nobodys_way_and_does_not_rise_into_the_reserve() -> None:
    """A day's limit is used up but for its last tenth, which is persons', and a batch waits for it. Whatever the batch
    is owed, and though it has waited for long enough to compete with normal calls, these go, and it does not."""
    pool = pool_of(origin(Limit("requests", 100, 86_400.0, "day"), minute_s=60.0))
    day = pool.days[0]
    for seq in range(90):
        day.answered(day.take(seq, 1.0, 0.0, person=True))
    for i in range(3):
        pool.queue.push(entry(pool, f"batch{i}", 0, Priority.BATCH))
    for now in (1.0, 290.0, 301.0, 600.0):
        pool.queue.owed = 1.0
        for i in range(2):
            pool.queue.push(entry(pool, f"normal{now}-{i}", 0))
        assert admit(pool, now) == [f"normal{now}-0", f"normal{now}-1"]
        assert pool.stop is not None
        assert pool.stop.day is day
    assert len(pool.queue) == 3
    assert {one.priority for one in pool.queue.entries()} == {Priority.NORMAL}
    day.person_at -= 3601.0
    assert admit(pool, 3601.0) == ["batch0", "batch1", "batch2"]


def test_the_stop_says_which_limit_and_how_long() -> None:
    """For status and for the timer."""
    pool = pool_of(origin(TOKENS, minute_s=60.0))
    pool.queue.push(entry(pool, "fill", 1000))
    admit(pool, 0.0)
    pool.queue.push(entry(pool, "next", 10))
    assert choose(pool, 1.0) is None
    assert pool.stop is not None
    assert pool.stop.why == "tokens per minute"
    assert 59 < pool.wake - 1.0 < 59.2
    assert "waiting, next in 59" in repr(pool)
