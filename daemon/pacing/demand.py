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


@dataclass(slots=True)
class Demand:
    """What interactive calls have taken lately."""

    share: float = 0.15
    """Never keep more than this part of a limit."""
    _seen: deque[tuple[float, Costs]] = field(default_factory=lambda: deque(maxlen=256))

    def note(self, now: float, costs: Costs) -> None:
        """An interactive call goes."""
        self._seen.append((now, costs))

    def reserve(self, ledger: Ledger, now: float) -> float:
        """Return how much of LEDGER other calls must leave."""
        if not self._seen or ledger.shape == "bucket":
            return 0.0
        period, cap = ledger.period_s, ledger.cap
        if cap is None or now - self._seen[-1][0] > 2 * period:
            return 0.0
        lately = present = largest = 0.0
        begun = ledger.boundary if ledger.shape == "fixed" and ledger.boundary is not None else now - period
        for at, costs in reversed(self._seen):
            if at <= now - 2 * period:
                break
            cost = costs.get(ledger.dimension, 0.0)
            lately += cost
            largest = max(largest, cost)
            present += cost if at >= begun else 0.0
        expected = 0.6 * lately + largest
        if ledger.shape == "fixed" and ledger.boundary is not None:
            left = max(0.0, ledger.boundary + period - now) / period
            return min(self.share * cap, max(expected, 2 * largest)) * left
        return min(self.share * cap, max(expected - present, largest))

    def reserve_day(self, now: float) -> bool:
        """True if interactive calls were seen in the last hour: batch then leaves them the end of a day's limit."""
        return bool(self._seen) and now - self._seen[-1][0] <= 3600.0
