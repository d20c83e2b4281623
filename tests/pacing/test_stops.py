"""What keeps a call from going: what holds all alike, a limit, the end of a day."""

import pytest
from test_pool import TOKENS, admit, entry, pool_of
from world import origin

from daemon.model import Limit, Priority, Reading
from daemon.pacing.pool import Pool
from daemon.pacing.stops import INFINITE, by_limits, gate, slot_in_s, stop_of


def test_why_calls_keep_a_gap_between_them() -> None:
    """Before the first answer, after it while no limit is told, and with one: three things, said apart."""
    where = origin()

    def why(pool: Pool) -> str:
        pool.ramp.burst = 99
        pool.ramp.sent(10.0)
        stop = gate(pool, entry(pool, "x", 1), 10.001)
        assert stop is not None
        return stop.why

    new, blind, told = pool_of(where), pool_of(where), pool_of(where)
    assert why(new) == "the answers to the first calls: the limits are not known yet"
    blind.ramp.answered()
    assert why(blind) == "a short gap after the call before it: the provider has told no limit so far"
    told.ramp.answered()
    told.ledger_for(Reading("requests", 500, 499, 0.1)).limit = 500.0
    assert why(told) == "a short gap after the call before it"


def test_who_has_heard_nothing_for_a_while_looks_again_and_again() -> None:
    """Others use the key, and an answer may take minutes: one call each tenth of the period finds out what they have
    left, and none waits for the answer to another."""
    pool = pool_of(origin(TOKENS, minute_s=60.0))
    ledger = pool.ledgers[-1]
    ledger.shape, ledger.foreign, ledger.seen_at = "sliding", 300.0, 0.0
    one = entry(pool, "one", 10)
    assert gate(pool, one, 30.0) is None
    pool.ramp.sent(30.0)
    stop = gate(pool, one, 31.0)
    assert stop is not None
    assert stop.wait_s == 5.0
    assert gate(pool, one, 36.0) is None
    ledger.seen_at = 31.0
    assert gate(pool, one, 31.5) is None


def test_the_limit_that_holds_longest_is_named() -> None:
    """Requests are free in a second, tokens in half a minute: a person is told of the tokens."""
    pool = pool_of(origin(Limit("requests", 1, 1.0, "second"), TOKENS, minute_s=60.0))
    pool.queue.push(entry(pool, "first", 1000))
    assert admit(pool, 0.0) == ["first"]
    stop = by_limits(pool, entry(pool, "next", 500), 0.0)
    assert stop is not None
    assert stop.ledger is not None
    assert (stop.ledger.dimension, stop.why) == ("tokens", "tokens per minute")
    assert stop.wait_s > 20
    assert stop_of(pool, entry(pool, "next", 500), 120.0) is None


@pytest.mark.parametrize(("priority", "held"), [(Priority.INTERACTIVE, False), (Priority.BATCH, True)])
def test_what_holds_batch_alone(priority: Priority, held: bool) -> None:
    """After a refusal batch makes room for a while, and a person does not; a shared wait holds both."""
    pool = pool_of(origin(TOKENS, minute_s=60.0))
    pool.batch_hold = 5.0
    assert (stop_of(pool, entry(pool, "x", 1, priority), 0.0) is not None) == held
    pool.hold_until, pool.hold_why = 8.0, "the provider said so"
    stop = stop_of(pool, entry(pool, "x", 1, priority), 0.0)
    assert stop is not None
    assert (stop.wait_s, stop.why) == (8.0, "the provider said so")


def test_all_places_are_taken() -> None:
    """Nobody knows when a call that runs ends: the wait has no end of its own, and says how many run."""
    pool = pool_of(origin(Limit("concurrency", 2)))
    for slots in pool.all_slots:
        slots.used = 2
    stop = gate(pool, entry(pool, "x", 1), 0.0)
    assert stop is not None
    assert stop.wait_s == INFINITE
    assert "2" in stop.why
    assert slot_in_s(pool, entry(pool, "x", 1), 0, 0.0) is None
