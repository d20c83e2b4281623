"""What keeps a call from going, if anything does, and for how long: what holds every call of a pool alike, its limits,
and the end of a day that is kept for persons."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from daemon.model import Priority
from daemon.pacing.looks import look_in_s
from daemon.pacing.others import stale
from daemon.pacing.pool import INFINITE, Limit, Pool, Stop, period_word
from daemon.pacing.queue import Entry
from daemon.pacing.reasons import per
from daemon.pacing.settings import patience
from daemon.pacing.slots import Slots
from daemon.phrases import phrase

NOBODY: Final[Mapping[Limit, float]] = {}
"""What is taken ahead of a call before which nobody stands."""
LOOKS = 0.1
"""The part of a period after which one more call looks what others have left, though the last one is not answered."""


def stop_of(pool: Pool, entry: Entry, now: float) -> Stop | None:
    """What keeps ENTRY from going, if anything does; that others stand before it does not count."""
    return gate(pool, entry, now) or by_limits(pool, entry, now)


def gate(pool: Pool, entry: Entry, now: float) -> Stop | None:
    """What holds every call alike: a shared wait, slots, careful growth."""
    if pool.hold_until > now:
        return Stop(pool.hold_until - now, why=pool.hold_why)
    if pool.outage.since is not None and not entry.choice:
        own = entry.came  # who has risen is still no person
        wait = pool.outage.wait_s(own, patience(pool.settings, own)[0], now)
        if wait > 0:
            return Stop(wait, why=phrase("waits.away", host=pool.scope.host))
    for slots in pool.all_slots:
        if not slots.free(urgent=entry.rank == 0, kept=_slots_kept(pool, entry, slots, now)):
            return Stop(INFINITE, why=phrase("waits.slot", n=slots.used))
    wait = pool.ramp.wait_s(now)
    if wait > 0:
        return Stop(wait, why=_why_one_by_one(pool))
    if entry.priority == 2 and pool.batch_hold > now:
        return Stop(pool.batch_hold - now, why=phrase("waits.busy"))
    if pool.ramp.unanswered:
        looks_s = max([LOOKS * ledger.period_s for ledger in pool.ledgers if stale(ledger, now)], default=0.0)
        if pool.ramp.last_at + looks_s > now:
            return Stop(pool.ramp.last_at + looks_s - now, why=phrase("waits.one_answer"))
    return None


def _slots_kept(pool: Pool, entry: Entry, slots: Slots, now: float) -> int:
    """How many of SLOTS ENTRY must leave."""
    return slots.stated and pool.demand.keeps_slot(entry.rank, slots.limit, now, pool.origin.minute_s)


def slot_in_s(pool: Pool, entry: Entry, ahead: int, now: float) -> float | None:
    """Return the seconds until ENTRY has a slot, with so many calls AHEAD of it; None when nobody knows."""
    longest = 0.0
    for slots in pool.all_slots:
        wait = slots.free_in_s(ahead, now, urgent=entry.rank == 0, kept=_slots_kept(pool, entry, slots, now))
        if wait is None:
            return None
        longest = max(longest, wait)
    return longest


def _why_one_by_one(pool: Pool) -> str:
    """Why calls keep a gap between them."""
    if not pool.ramp.heard:
        return phrase("waits.first")
    return phrase("waits.gap" if any(ledger.cap for ledger in pool.ledgers) else "waits.gap_blind")


def by_limits(pool: Pool, entry: Entry, now: float) -> Stop | None:
    """Which limit holds ENTRY, if any: the one that holds it longest."""
    pool.weigh_again(entry)
    worst: Stop | None = None
    rank = int(entry.rank)
    for ledger in pool.ledgers:
        if ledger.limit is None and ledger.ceiling is None and ledger.hold_until <= now:
            continue
        if entry.choice and ledger.hold_until > max(now, ledger.ask_at):
            continue
        cost = entry.costs.get(ledger.dimension, 0.0) * ledger.scale
        if cost <= 0:
            continue
        if pool.demand.wanted(ledger, rank, now):
            waiting = pool.queue.backlog(ledger.dimension, Priority.BATCH)
            wait = ledger.wait_s(cost, now, pool.demand.reserve(ledger, rank, now, waiting))
            if wait > 0 and now >= ledger.hold_until:
                wait = min(wait, pool.demand.opens_in_s(ledger, cost, now, waiting))
        else:
            kept = pool.demand.reserve_slice(ledger, rank, now) if ledger.slices > 1 else 0.0
            wait = ledger.wait_s(cost, now, kept=kept)
        if wait > 0 and pool.ramp.unanswered == 0:
            wait = min(wait, look_in_s(ledger, now))
        if wait > 0 and (worst is None or wait > worst.wait_s):
            worst = Stop(wait, ledger, why=per(ledger.dimension, period_word(ledger)))
    for day in pool.days:
        cost = entry.costs.get(day.dimension, 0.0)
        wait = day.wait_s(cost) if cost > 0 else 0.0
        if wait > 0 and (worst is None or wait > worst.wait_s):
            worst = Stop(wait, day=day, why=per(day.dimension, day.period))
    end = kept_day(pool, entry) if pool.days else None
    return end if end is not None and (worst is None or end.wait_s > worst.wait_s) else worst


def kept_day(pool: Pool, entry: Entry, ahead: Mapping[Limit, float] = NOBODY) -> Stop | None:
    """For how long what is left of a day or month is kept from ENTRY, which comes behind what others take AHEAD of
    it, if it is: batch leaves the end of it to persons, for a while after the last one has asked."""
    longest, may_open = None, True
    for day in pool.days if entry.came == 2 else ():
        cost, before, kept_s = entry.costs.get(day.dimension, 0.0), ahead.get(day, 0.0), day.kept_s()
        if cost <= 0 or kept_s <= 0 or day.wait_s(cost, ahead=before) > 0:
            continue
        wait = min(kept_s, day.wait_s(cost, day.reserve, before))
        if wait > 0:
            may_open = may_open and day.may_open(cost, before)
            if longest is None or wait > longest.wait_s:
                longest = Stop(wait, day=day, kept=True, why=phrase("waits.kept"))
    if longest is not None:
        longest.may_open = may_open
    return longest
