"""The pools' state and the queue, as JSON-ready values and in words."""

from __future__ import annotations

from typing import Any

from daemon.model import Priority
from daemon.pacing.block import WHOLE_HOST, Block
from daemon.pacing.days import DayCount, RollingDay
from daemon.pacing.eta import Spread, expected, span_s, spread_of
from daemon.pacing.ledger import Ledger
from daemon.pacing.pool import Limit, Pool, period_word
from daemon.pacing.queue import Entry
from daemon.pacing.reasons import duration, number
from daemon.phrases import Phrase, phrase

INFINITE = float("inf")


def ledger_json(ledger: Ledger, now: float) -> dict[str, Any]:
    """One limit; what is not known is null."""
    cap = ledger.cap
    left = ledger.avail(now) if cap is not None else None
    a = ledger.anchor
    return {
        "dimension": ledger.dimension, "period": period_word(ledger), "period_s": ledger.period_s, "limit": cap,
        "remaining": max(0.0, left) if left is not None else None,
        "used": min(cap, cap - left) if cap is not None and left is not None else None,
        "used_by_us": ledger.log.window.total, "used_by_others": ledger.foreign or ledger.other_rate * ledger.period_s,
        "shape": ledger.shape, "slices": ledger.slices, "source": ledger.source,
        "seen_s": now - ledger.seen_at if ledger.seen_at is not None else None,
        "full_in_s": max(0.0, a.full_at - now) if a is not None and a.full_at is not None else None,
        "held_s": max(0.0, ledger.hold_until - now),
    }  # fmt: skip


def day_json(day: DayCount) -> dict[str, Any]:
    return {
        "dimension": day.dimension, "period": day.period, "period_s": None, "limit": day.cap, "remaining": day.left(),
        "used": day.cap - day.left(), "used_by_us": day.used, "used_by_others": 0.0,
        "shape": "bucket" if isinstance(day, RollingDay) else "calendar", "slices": 1,
        "source": "config", "seen_s": None, "full_in_s": day.resets_in_s(), "held_s": 0.0,
    }  # fmt: skip


def pool_json(pool: Pool, block: Block | None, now: float) -> dict[str, Any]:
    """The status of one pool."""
    waiting = pool.waiting
    known = [ledger for ledger in pool.ledgers if ledger.cap is not None]
    return {
        "host": pool.scope.host, "group": pool.scope.group, "key": pool.scope.key,
        "state": state(pool, block, waiting, now), "words": words(pool, block, waiting, now),
        "dims": [ledger_json(ledger, now) for ledger in known] + [day_json(day) for day in pool.days],
        "in_flight": pool.in_flight, "in_flight_limit": int(pool.slots.limit), "waiting": waiting,
        "blocked": blocked_json(block, now) if block is not None else None,
        "refused_last_hour": sum(1 for at in pool.refusals if now - at <= 3600),
    }  # fmt: skip


def blocked_json(block: Block, now: float) -> dict[str, Any]:
    """What a person must put right, or had to; `due`: the next call tries whether it still holds."""
    return {"subtype": block.finding.subtype, "since_s": now - block.since, "due": block.is_due(now)}


def state(pool: Pool, block: Block | None, waiting: int, now: float) -> str:
    """blocked, limited, waiting, running, idle, or learning while no limit is known."""
    if block is not None and not block.is_due(now):
        return "blocked"
    if waiting and pool.stop is not None and (pool.stop.ledger or pool.stop.day or pool.stop.wait_s < INFINITE):
        return "limited"
    if waiting:
        return "waiting"
    if pool.in_flight:
        return "running" if any(ledger.cap is not None for ledger in pool.ledgers) else "learning"
    return "idle"


def words(pool: Pool, block: Block | None, waiting: int, now: float) -> Phrase:
    """The state in one sentence."""
    if block is not None and block.finding.subtype in WHOLE_HOST:
        return phrase("pool.shut")
    if block is not None:
        kind, ago = block.finding.subtype.replace("_", " "), duration(now - block.since)
        if block.is_due(now):
            return phrase("pool.due", subtype=kind, ago=ago)
        return phrase("pool.plan" if block.finding.subtype == "plan_window" else "pool.blocked", subtype=kind)
    stop = pool.stop
    held = next((entry.held for entry in pool.delayed if entry.held), "") if stop is None else ""
    if held:
        return phrase("pool.waits", why=held)
    if not waiting or stop is None:
        return phrase("pool.running", n=pool.in_flight) if pool.in_flight else phrase("pool.idle")
    if stop.ledger is not None and stop.ledger.cap is not None:
        cap = stop.ledger.cap
        used, wait = number(min(cap, cap - stop.ledger.avail(now))), duration(pool.wake - now)
        return phrase("pool.limited", why=stop.why, used=used, limit=number(cap), wait=wait)
    if stop.day is not None and not stop.kept:
        rolls = isinstance(stop.day, RollingDay)
        wait = duration(stop.wait_s if rolls else stop.day.resets_in_s())
        return phrase("pool.day_rolls" if rolls else "pool.day", why=stop.why, limit=number(stop.day.cap), wait=wait)
    if stop.day is not None:
        return phrase("pool.looks", why=stop.why, wait=duration(min(stop.wait_s, stop.day.kept_s())))
    if stop.wait_s < INFINITE:
        return phrase("pool.looks", why=stop.why, wait=duration(pool.wake - now))
    return phrase("pool.waits", why=stop.why)


def queue_json(pool: Pool, block: Block | None, now: float, wall: float) -> list[dict[str, Any]]:
    """All waiting calls of one pool in the order in which they are likely to go, each with its expected time."""
    rows: list[dict[str, Any]] = []
    ahead: dict[Limit, float] = {}
    spread = spread_of(pool.past)
    entries = pool.queue.in_order() + pool.delayed.in_order()
    for place, entry in enumerate(entries, 1):
        rows.append(_row(pool, block, entry, place, ahead, now, wall, spread))
        for limit in pool.all_limits:
            ahead[limit] = ahead.get(limit, 0.0) + entry.costs.get(limit.dimension, 0.0) * limit.scale
    return rows


def _row(
    pool: Pool, block: Block | None, entry: Entry, place: int, ahead: dict[Limit, float], now: float, wall: float,
    spread: Spread | None,
) -> dict[str, Any]:  # fmt: skip
    eta, _, cause, why = expected(pool, entry, ahead, place - 1, now)
    stop = None if pool.stop is None or (pool.stop.kept and entry.came != Priority.BATCH) else pool.stop
    ledger = cause or (stop.ledger if stop is not None else None)
    known = ledger is not None and ledger.source != "guess" and ledger.shape != "unknown"
    contested = entry.came > 0 and ledger is not None and pool.demand.lately(ledger, now)
    if entry.told is None and eta is not None:
        entry.told = (now, eta)
    low, high = (None, None) if eta is None else span_s(eta, known=known, contested=contested, spread=spread)
    waits_for = why or (stop.why if stop is not None else phrase("waits.turn"))
    if block is not None:
        waits_for = phrase("waits.probe")
    if entry.held and entry.ready_at > now:
        waits_for = entry.held
    return {
        "id": entry.call.id, "ref": entry.call.ref, "place": place, "client": entry.call.client,
        "priority": entry.priority.name.lower(), "model": entry.model, "host": pool.scope.host, "waits_for": waits_for,
        "dimension": ledger.dimension if ledger is not None else None,
        "window": period_word(ledger) if ledger is not None else None,
        "eta_at": _at(wall, eta), "eta_low_at": _at(wall, low), "eta_high_at": _at(wall, high),
        "since": wall - (now - entry.arrived), "attempts": entry.setback.permit.attempt if entry.setback else 0,
    }  # fmt: skip


def _at(wall: float, seconds: float | None) -> float | None:
    """The instant in so many SECONDS; of infinity and of what nobody knows there is none."""
    return wall + seconds if seconds is not None and seconds < INFINITE else None
