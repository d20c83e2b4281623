"""Which of the models that were used lately with the same key has room now, by what its answers said. Pure."""

from __future__ import annotations

from daemon.pacing.account import Account
from daemon.pacing.pool import Pool
from daemon.pacing.queue import Costs

LATELY_S = 86400.0
FREE = 0.2
"""The part of each limit that must be left: a model that is nearly used up is no way out."""
MOST = 3

_ALIKE = frozenset({"chat", "responses", "messages", "generate"})
"""Kinds of call of which a model that takes one takes the others' work as well."""


def with_room(account: Account, pool: Pool, kind: str, costs: Costs, now: float) -> tuple[str, ...]:
    """Names of up to three models (or groups of models) other than POOL's, that with the most room first.

    A model counts when the provider let a call of the same KIND through within a day, when at least one of its limits
    is known, and when no limit, queue or block is in the way of a call that costs COSTS.
    """
    found = []
    for other in account.pools.values():
        if other is pool or not other.scope.group or account.block_of(other) is not None:
            continue
        if now - other.passed_at <= LATELY_S and _serves(other, kind) and not _busy(other, now):
            free = _free(other, costs, now)
            if free >= FREE:
                found.append((-free, other.scope.group))
    return tuple(name for _, name in sorted(found)[:MOST])


def _serves(pool: Pool, kind: str) -> bool:
    return kind in pool.kinds or (kind in _ALIKE and bool(_ALIKE & pool.kinds))


def _busy(pool: Pool, now: float) -> bool:
    return bool(pool.waiting) or pool.hold_until > now or not pool.slots.free()


def _free(pool: Pool, costs: Costs, now: float) -> float:
    """The smallest part that is left of any limit; 0 when a call would wait, or when nothing is known."""
    parts = []
    for ledger in pool.ledgers:
        cap, need = ledger.cap, costs.get(ledger.dimension, 0.0) * ledger.scale
        if ledger.hold_until > now:
            return 0.0
        if cap:
            left = ledger.avail(now)
            parts.append(left / cap if left >= need else 0.0)
    parts += [day.left() / day.cap if day.wait_s(costs.get(day.dimension, 0.0)) <= 0 else 0.0 for day in pool.days]
    return min(parts, default=0.0)
