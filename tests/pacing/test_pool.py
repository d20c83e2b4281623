"""The synchronous core of one pool."""

from world import call, origin

from daemon.model import Limit, Origin, Priority, Reading
from daemon.pacing.costs import costs_of
from daemon.pacing.limits import own_limits, shared_limits
from daemon.pacing.pool import Pool, period_word
from daemon.pacing.queue import Entry
from daemon.pacing.settings import PacingSettings

TOKENS = Limit("tokens", 1000, 60.0, "minute")


def wall() -> float:
    return 1.7e9


def pool_of(where: Origin) -> Pool:
    one = call("x", where)
    own, shared = own_limits(where, one.scope, "m", wall, None), shared_limits(where, "k", wall, None)
    pool = Pool(one.scope, where, shared, own, PacingSettings())
    pool.ramp.settled = True
    return pool


def entry(pool: Pool, name: str, tokens: float, priority: Priority = Priority.NORMAL) -> Entry:
    one = Entry(call(name, pool.origin, priority=priority), costs_of((tokens, 0, 0, 0)), 0.0, priority)
    one.share = pool.share_of(one.costs)
    return one


def admit(pool: Pool, now: float) -> list[str]:
    """Let go whoever may."""
    names = []
    while (one := pool.choose(now)) is not None:
        pool.queue.admitted(one)
        for ledger in pool.ledgers:
            if one.costs.get(ledger.dimension):
                ledger.take(len(names), one.costs[ledger.dimension], now)
        names.append(one.call.id)
    return names


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
        day.answered(day.take(seq, 1.0, 0.0))
    pool.demand.note(0.0)
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
    assert admit(pool, 3601.0) == ["batch0", "batch1", "batch2"]


def test_the_stop_says_which_limit_and_how_long() -> None:
    """For status and for the timer."""
    pool = pool_of(origin(TOKENS, minute_s=60.0))
    pool.queue.push(entry(pool, "fill", 1000))
    admit(pool, 0.0)
    pool.queue.push(entry(pool, "next", 10))
    assert pool.choose(1.0) is None
    assert pool.stop is not None
    assert pool.stop.why == "tokens per minute"
    assert 59 < pool.wake - 1.0 < 59.2
    assert "waiting, next in 59" in repr(pool)


def test_backoff_holds_one_call_and_not_the_others() -> None:
    """A call that has to wait before it is sent again stands beside the line."""
    pool = pool_of(origin(TOKENS, minute_s=60.0))
    late = entry(pool, "late", 10)
    late.ready_at = 5.0
    late.future = object()  # type: ignore[assignment]
    pool.push(late, 0.0)
    pool.push(entry(pool, "now", 10), 0.0)
    assert admit(pool, 0.0) == ["now"]
    assert pool.choose(1.0) is None
    assert pool.wake == 5.0
    pool.wake_delayed(5.0)
    assert admit(pool, 5.0) == ["late"]


def test_a_reading_finds_its_ledger() -> None:
    """By dimension and stated period; a minute is the origin's minute, a day is a day."""
    pool = pool_of(origin(minute_s=6.0))
    minute = pool.ledger_for(Reading("requests", 10, 9, 1.0, 60.0))
    assert minute.period_s == 6.0
    assert pool.ledger_for(Reading("requests", 10, 9, 1.0)) is minute
    day = pool.ledger_for(Reading("requests", 1000, 9, 1.0, 86_400.0))
    assert day.period_s == 86_400.0
    assert day is not minute
    assert pool.ledger_for(Reading("requests", 1000, 9, 1.0, 86_400.0)) is day
    assert [period_word(x) for x in (minute, day)] == ["minute", "day"]


def test_what_a_machine_slept_does_not_burst() -> None:
    """Careful growth begins anew."""
    pool = pool_of(origin(minute_s=60.0))
    pool.accepted = 100
    pool.resumed(0.0)
    assert pool.accepted == 0
    assert not pool.ramp.settled


def test_why_calls_keep_a_gap_between_them() -> None:
    """Before the first answer, after it while no limit is told, and with one: three things, said apart."""
    where = origin()

    def why(pool: Pool) -> str:
        pool.ramp.burst = 99
        pool.ramp.sent(10.0)
        stop = pool.gate(entry(pool, "x", 1), 10.001)
        assert stop is not None
        return stop.why

    new, blind, told = pool_of(where), pool_of(where), pool_of(where)
    assert why(new) == "the answers to the first calls: the limits are not known yet"
    blind.ramp.answered()
    assert why(blind) == "a short gap after the call before it: the provider has told no limit so far"
    told.ramp.answered()
    told.ledger_for(Reading("requests", 500, 499, 0.1)).limit = 500.0
    assert why(told) == "a short gap after the call before it"


def test_how_many_run_at_once_follows_what_is_stated() -> None:
    """64 where nothing is; as many as a minute lets through, or as the config says, where that is more."""
    assert pool_of(origin()).slots.limit == 64
    assert pool_of(origin(Limit("requests", 20, 60.0, "minute"))).slots.limit == 64
    assert pool_of(origin(Limit("requests", 600, 60.0, "minute"))).slots.limit == 600
    assert pool_of(origin(Limit("requests", 10, 1.0, "second"), minute_s=60.0)).slots.limit == 600
    assert pool_of(origin(Limit("requests", 5000, 86_400.0, "day"))).slots.limit == 64
    config = pool_of(origin(Limit("concurrency", 200)))
    assert [slots.limit for slots in config.all_slots] == [200, 200]
    fewer = pool_of(origin(Limit("concurrency", 8), Limit("requests", 600, 60.0, "minute")))
    assert min(slots.limit for slots in fewer.all_slots) == 8


def test_who_has_heard_nothing_for_a_while_looks_again_and_again() -> None:
    """Others use the key, and an answer may take minutes: one call each tenth of the period finds out what they have
    left, and none waits for the answer to another."""
    pool = pool_of(origin(TOKENS, minute_s=60.0))
    ledger = pool.ledgers[-1]
    ledger.shape, ledger.foreign, ledger.seen_at = "sliding", 300.0, 0.0
    one = entry(pool, "one", 10)
    assert pool.gate(one, 30.0) is None
    pool.ramp.sent(30.0)
    stop = pool.gate(one, 31.0)
    assert stop is not None
    assert stop.wait_s == 5.0
    assert pool.gate(one, 36.0) is None
    ledger.seen_at = 31.0
    assert pool.gate(one, 31.5) is None
