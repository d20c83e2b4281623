"""A call that waits joins another's permit: both go as one request, and only its tokens are charged."""

from __future__ import annotations

from daemon.model import Dimension
from daemon.pacing.account import Account
from daemon.pacing.blocks import Charge
from daemon.pacing.ledger import Ledger
from daemon.pacing.permit import Permit
from daemon.pacing.pool import Pool
from daemon.pacing.queue import Entry
from daemon.pacing.stops import by_limits

WITH_ANY_NUMBER: frozenset[Dimension] = frozenset({"requests", "concurrency"})
"""What one more call in the same request costs nothing of."""


class Joined(Exception):
    """`acquire` ends so for a call that goes with the permit of another one."""

    def __init__(self, lead: str) -> None:
        super().__init__(lead)
        self.lead = lead
        """Id of the call whose permit it is."""


def take_along(account: Account, pool: Pool, permit: Permit, entry: Entry, now: float) -> bool:
    """Let ENTRY leave the line and go with PERMIT, which has just been given; False if a limit does not allow it now.

    A key that is only being tried takes nobody along.
    """
    if account.block_of(pool) is not None:
        return False
    costs = {dimension: cost for dimension, cost in entry.costs.items() if dimension not in WITH_ANY_NUMBER}
    if by_limits(pool, Entry(entry.call, costs, entry.arrived, entry.priority, rose=entry.rose), now) is not None:
        return False
    _charge(pool, permit, entry, now)
    pool.queue.admitted(entry)
    if entry.came == 0:
        pool.demand.note(now, entry.share)
    return True


def _charge(pool: Pool, permit: Permit, entry: Entry, now: float) -> None:
    """What ENTRY costs, but for the request, on top of what PERMIT has taken."""
    for ledger in pool.ledgers:
        cost = entry.costs.get(ledger.dimension, 0.0) * ledger.scale
        if cost > 0 and ledger.dimension not in WITH_ANY_NUMBER:
            taken = permit.charge_of(ledger)
            if taken is not None:
                _enlarge(ledger, taken, cost, now)
            else:
                permit.charges.append((ledger, ledger.take(permit.seq, cost, now)))
    for day in pool.days:
        cost = entry.costs.get(day.dimension, 0.0)
        if cost > 0 and day.dimension not in WITH_ANY_NUMBER:
            counted = next((charge for one, charge in permit.days if one is day), None)
            if counted is not None:
                day.enlarge(counted, cost, person=entry.came == 0)
            else:
                permit.days.append((day, day.take(permit.seq, cost, now, person=entry.came == 0)))


def _enlarge(ledger: Ledger, charge: Charge, cost: float, now: float) -> None:
    """COST more goes with CHARGE, which was taken in this instant; how it ends is not known yet."""
    ledger.settle(charge, charge.amount + cost, now)
    ledger.log.cost(charge, None)
    charge.reserved += cost
    charge.least += cost
    charge.most += cost
