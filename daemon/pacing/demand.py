"""Room for interactive calls in a limit that empties in windows.

A bucket refills continuously, so a call that goes first waits for one refill at most. A window that a batch has
filled stays full until it ends: while interactive calls have been seen lately, other calls leave as much as these are
likely to need. In a fixed window what is kept shrinks to nothing towards its end, so nothing is wasted.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from daemon.pacing.ledger import Ledger

Costs = dict[str, float]
LEAVES = 0.05
"""What batch leaves of a moving window even when no interactive call has been seen."""


@dataclass(slots=True)
class Demand:
    """What interactive calls have taken lately."""

    share: float = 0.15
    """Never keep more than this part of a limit."""
    _seen: deque[tuple[float, Costs]] = field(default_factory=lambda: deque(maxlen=256))

    def note(self, now: float, costs: Costs) -> None:
        """An interactive call goes."""
        self._seen.append((now, costs))

    def reserve(self, ledger: Ledger, priority: int, now: float) -> float:
        """Return how much of LEDGER a call of this class must leave. Batch leaves something in any case."""
        cap = ledger.cap
        if priority == 0 or cap is None or ledger.shape == "bucket":
            return 0.0
        expected = self._expected(ledger, now)
        if expected <= 0 and priority < 2:
            return 0.0
        if ledger.shape == "fixed" and ledger.boundary is not None:
            left = max(0.0, ledger.boundary + ledger.period_s - now) / ledger.period_s
            return self.share * cap * left
        return min(self.share * cap, max(expected, LEAVES * cap))

    def opens_in_s(self, ledger: Ledger, cost: float, now: float) -> float:
        """In a fixed window what is kept shrinks: return the seconds until COST fits beside it; infinity elsewhere."""
        cap = ledger.cap
        if cap is None or ledger.shape != "fixed" or ledger.boundary is None:
            return float("inf")
        spare = ledger.avail(now) - cost
        if spare < 0:
            return float("inf")
        left = min(1.0, spare / (self.share * cap)) * ledger.period_s
        return max(0.001, ledger.boundary + ledger.period_s - left - now)

    def _expected(self, ledger: Ledger, now: float) -> float:
        """What interactive calls will probably still take from a moving window."""
        period = ledger.period_s
        if not self._seen or now - self._seen[-1][0] > 2 * period:
            return 0.0
        lately = present = largest = 0.0
        for at, costs in reversed(self._seen):
            if at <= now - 2 * period:
                break
            cost = costs.get(ledger.dimension, 0.0)
            lately += cost
            largest = max(largest, cost)
            present += cost if at > now - period else 0.0
        return max(0.6 * lately + largest - present, largest)

    def reserve_day(self, now: float) -> bool:
        """True if interactive calls were seen in the last hour: batch then leaves them the end of a day's limit."""
        return bool(self._seen) and now - self._seen[-1][0] <= 3600.0
