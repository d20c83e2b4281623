"""The synchronous core of one pool."""

from world import call, origin

from daemon.model import Limit, Origin, Priority, Reading
from daemon.pacing.choosing import choose
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
    while (one := choose(pool, now)) is not None:
        pool.queue.admitted(one)
        for ledger in pool.ledgers:
            if one.costs.get(ledger.dimension):
                ledger.take(len(names), one.costs[ledger.dimension], now)
        names.append(one.call.id)
    return names


def test_backoff_holds_one_call_and_not_the_others() -> None:
    """A call that has to wait before it is sent again stands beside the line."""
    pool = pool_of(origin(TOKENS, minute_s=60.0))
    late = entry(pool, "late", 10)
    late.ready_at = 5.0
    late.future = object()  # type: ignore[assignment]
    pool.push(late, 0.0)
    pool.push(entry(pool, "now", 10), 0.0)
    assert admit(pool, 0.0) == ["now"]
    assert choose(pool, 1.0) is None
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


def test_ever_new_periods_are_none() -> None:
    """A gateway that writes what is left of a window in the place of its length grows no ledger for each answer."""
    pool = pool_of(origin(minute_s=60.0))
    for left in range(3000, 2000, -1):
        pool.ledger_for(Reading("requests", 100, 50, 1.0, float(left)))
    assert len(pool.ledgers) < 12
    day = pool.ledger_for(Reading("tokens", 100, 50, 1.0, 86_400.0))
    assert day.period_s == 86_400.0


def test_what_a_machine_slept_does_not_burst() -> None:
    """Careful growth begins anew."""
    pool = pool_of(origin(minute_s=60.0))
    pool.accepted = 100
    pool.resumed(0.0)
    assert pool.accepted == 0
    assert not pool.ramp.settled


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
