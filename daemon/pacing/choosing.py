"""Who of a pool goes next: the head of its line, or who may pass it while it waits. The one step that moves a pool."""

from __future__ import annotations

from daemon.pacing.pool import Pool, Stop
from daemon.pacing.queue import Entry
from daemon.pacing.stops import stop_of

INFINITE = float("inf")
SCAN = 16
"""How many calls behind a big one are looked at."""


def choose(pool: Pool, now: float) -> Entry | None:
    """Return the call that may go now, or None, and then `wake` says when to ask again."""
    pool.wake = pool.delayed.next_at()
    pool.stop = None
    head = pool.queue.head(now)
    if head is None:
        return None
    stop = stop_of(pool, head, now)
    while stop is not None and stop.day is not None and (better := pool.queue.head_above(head)) is not None:
        pool.wake = min(pool.wake, now + stop.wait_s)  # who waits for tomorrow stands in nobody's way today
        head, stop = better, stop_of(pool, better, now)
    if stop is None:
        return head
    pool.stop = stop
    pool.wake = min(pool.wake, now + stop.wait_s)
    if pool.outage.since is not None and head.rose and (person := _person(pool, now)) is not None:
        return person
    if stop.ledger is None and stop.day is None and head.rank == 0:
        return None
    return _passing(pool, head, stop, now)


def _person(pool: Pool, now: float) -> Entry | None:
    """During an outage a person's call looks sooner than those that have risen to its class and stand before it."""
    first = pool.queue.lanes[0].head(risen=False)
    if first is None:
        return None
    stop = stop_of(pool, first, now)
    if stop is not None:
        pool.wake = min(pool.wake, now + stop.wait_s)
    return first if stop is None else None


def _passing(pool: Pool, head: Entry, stop: Stop, now: float) -> Entry | None:
    """Return a small call that may pass HEAD, which waits for a limit: up to a quarter of its size in all.

    An interactive call may always pass others (`_gives_way`), and so may whatever fits into the rest of a window or
    slice that the head cannot use.
    """
    ledger = stop.ledger
    if ledger is not None and ledger.hold_until > now:
        return None
    if stop.kept:  # what others still find beside the end of a day that is kept for persons, it cannot use
        behind = pool.queue.next_heads(SCAN, head)
        return next((entry for entry in behind if stop_of(pool, entry, now) is None), None)
    dimension = ledger.dimension if ledger is not None else "requests"
    room = ledger.avail(now) if ledger is not None else INFINITE
    if not any(_gives_way(head, better) for better in pool.queue.betters(head)):
        if ledger is None or dimension in ("requests", "concurrency") or room <= 0:
            return None
        if pool.smallest is not None and pool.smallest[0] is ledger and pool.smallest[1] > room:
            return None
    smallest = INFINITE
    allowed = pool.settings.bypass * head.costs.get(dimension, 0.0) - head.bypassed
    for entry in pool.queue.next_heads(SCAN, head):
        cost = entry.costs.get(dimension, 0.0)
        smallest = min(smallest, cost)
        way = free = _gives_way(head, entry)
        if not free and ledger is not None:
            free = ledger.closes_before(now + stop.wait_s, cost, head.costs.get(dimension, 0.0), now)
        if (free or cost <= allowed) and stop_of(pool, entry, now) is None:
            head.bypassed += 0.0 if free else cost
            if way and head.rose:
                head.let_pass(entry, pool.settings.floor)
            return entry
    if ledger is not None:
        pool.smallest = (ledger, smallest)
    return None


def _gives_way(head: Entry, other: Entry) -> bool:
    """True if OTHER may go before HEAD, which waits: a person's call before all others, and any before one that has
    risen from a class below its own, as that leaves something to it still."""
    return other.rank < head.rank and (other.rank == 0 or head.rose)
