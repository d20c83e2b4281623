"""When will it go? From the ledgers' arithmetic, in closed form. For people: an estimate and an honest range."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from math import ceil
from typing import NamedTuple

from daemon.pacing.ledger import Ledger
from daemon.pacing.looks import look_in_s
from daemon.pacing.pool import Limit, Pool, period_word
from daemon.pacing.queue import Entry
from daemon.pacing.reasons import per, used_up
from daemon.pacing.stops import NOBODY, kept_day, slot_in_s

INFINITE = float("inf")
SURELY = 0.5
"""At least so much of what others' answers are expected to take passes before a slot is free."""


class Expected(NamedTuple):
    """When a call will go."""

    wait_s: float | None
    """None: nobody knows, as it waits for answers and none has ended yet."""
    least_s: float
    """It will not go before that."""
    cause: Ledger | None = None
    """The limit that decides, if it is one of a day."""
    why: str | None = None
    """The same in words; None: no limit decides."""


def expected(pool: Pool, entry: Entry, ahead: Mapping[Limit, float], places: int, now: float) -> Expected:
    """When ENTRY will go, after so many calls as stand before it (PLACES) and what they take of each limit (AHEAD)."""
    wait, cause = max(0.0, pool.hold_until - now, entry.ready_at - now), None
    why: str | None = None
    for ledger in pool.ledgers:
        cost = entry.costs.get(ledger.dimension, 0.0) * ledger.scale
        opens = when_s(ledger, ahead.get(ledger, 0.0) + cost, now, cost) if cost > 0 else 0.0
        if opens > 0 and places == 0 and pool.ramp.unanswered == 0:
            opens = min(opens, look_in_s(ledger, now))  # the first in line looks, whatever our own sum says
        if opens > wait:
            wait, cause, why = opens, ledger, used_up(ledger.dimension, period_word(ledger))
    least = wait
    for day in pool.days:
        cost = entry.costs.get(day.dimension, 0.0)
        if cost > 0:
            least = max(least, day.wait_s(cost))  # who stands before it for another day's sake may be passed
            opens = day.wait_s(cost, ahead=ahead.get(day, 0.0))
            if opens > wait:
                wait, cause, why = opens, None, per(day.dimension, day.period)
    kept = kept_day(pool, entry, ahead)
    if kept is not None and kept.wait_s > wait:
        alone = kept_day(pool, entry)
        if kept.may_open:
            return Expected(None, least, None, kept.why)
        wait, cause, why = kept.wait_s, None, kept.why
        least = max(least, 0.0 if alone is None or alone.may_open else alone.wait_s)
    slot = slot_in_s(pool, entry, places, now)
    if slot is None or slot <= wait:
        return Expected(wait if slot is not None and wait < INFINITE else None, least, cause, why)
    return Expected(slot, max(least, SURELY * slot))


def expected_behind(pool: Pool, entry: Entry, now: float) -> Expected:
    """When ENTRY would go if it came now, behind what waits in its class and above; at once behind nobody, when it has
    had a place and comes back to it."""
    if entry.tag is not None and not entry.number:
        return expected(pool, entry, NOBODY, 0, now)
    itself = 1 if entry.number else 0
    ahead: dict[Limit, float] = {}
    for limit in pool.all_limits:
        own = itself * entry.costs.get(limit.dimension, 0.0)
        ahead[limit] = (pool.queue.backlog(limit.dimension, entry.priority) - own) * limit.scale
    return expected(pool, entry, ahead, pool.queue.standing(entry.priority) - itself, now)


def when_s(ledger: Ledger, amount: float, now: float, own: float = 0.0) -> float:
    """Return the seconds until AMOUNT more than now is used will have been let through, if all goes at the limit's
    rate. OWN: the size of the last of these calls, of which only whole ones fit into a slice."""
    cap = ledger.cap
    held = max(0.0, ledger.hold_until - now)
    if cap is None or cap <= 0:
        return held
    lack = amount - max(0.0, ledger.avail(now))
    refill = _refill(ledger, lack, cap, now) if lack > 1e-9 else 0.0
    return max(held, _sliced(ledger, amount, cap, now, own), refill)


def _refill(ledger: Ledger, lack: float, cap: float, now: float) -> float:
    period = ledger.period_s
    if ledger.shape == "bucket":
        return lack * period / cap
    if ledger.shape == "fixed" and ledger.boundary is not None:
        windows = int((lack - 1e-9) // cap)
        return ledger.boundary + period - now + windows * period
    whole = int((lack - 1e-9) // cap)  # a lack of just one limit is one window, not two
    rest = lack - whole * cap
    first = ledger.log.exit_of(max(rest, 1e-6), ledger.log.window, ledger.guard_s) - now
    return min(max(0.0, first), period) + whole * period


def _sliced(ledger: Ledger, amount: float, cap: float, now: float, own: float) -> float:
    """Slices let through a part of the limit at a time, and whole calls only."""
    if ledger.slices <= 1:
        return 0.0
    length = ledger.period_s / ledger.slices
    each = max(own, cap / ledger.slices - ledger.slice_others, 1e-9)
    each = each // own * own if own > 0 else each
    if ledger.slice_boundary is None:
        return int((amount - 1e-9) // each) * length
    begun = ledger.slice_boundary + (now - ledger.slice_boundary) // length * length
    left = max(0.0, each - ledger.log.since_mark(ledger.log.slice_mark, begun))
    slices = ceil((amount - left) / each - 1e-9)
    return begun + slices * length - now if slices > 0 else 0.0


Spread = tuple[float, float]
"""How much sooner and later calls went than was said, as factors."""


def spread_of(past: Collection[float]) -> Spread | None:
    """Return the spread of what was said lately (waits as parts of what was expected), without the tenth at either
    end; None while there are few."""
    if len(past) < 8:
        return None
    ranked = sorted(past)
    return ranked[len(ranked) // 10], ranked[-1 - len(ranked) // 10]


def span_s(eta_s: float, *, known: bool, contested: bool = False, spread: Spread | None = None) -> tuple[float, float]:
    """Return the range in which it will probably go: 10 % either way when it is known how the provider counts, much
    wider when that is guessed, later when it is CONTESTED by calls that come meanwhile and go first, and as wide as the
    SPREAD of what was said lately."""
    low, high, more = (0.9, 1.1, 0.5) if known else (0.5, 2.0, 2.0)
    high = max(high, 1.5) if contested else high
    if spread is not None:
        low, high = min(low, spread[0]), max(high, spread[1])
    return low * eta_s, high * eta_s + more
