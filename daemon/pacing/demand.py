"""Room for interactive calls in a limit that empties in windows.

A bucket refills continuously, so a call that goes first waits for one refill at most. A window that a batch has
filled stays full until it ends: batch calls leave a part of it, and other calls do so while interactive calls have been
seen lately. What is kept shrinks to nothing until the window is open again, so nothing is wasted: a fixed one at its
end, a moving one when the bulk of what it holds leaves it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from daemon.pacing.ledger import Ledger

INFINITE = float("inf")
MOVING = 0.95
"""A moving window keeps what came late for as long: a little less is enough, and a batch ends sooner (measured: 1.08 of
the shortest time with all of it, 1.04 with this; nineteen of twenty interactive calls wait 0.6 s of a 6 s minute)."""
LATELY = 10.0
"""Minutes after a person's call in which one slot is kept for the next."""
BULK = 0.1
"""So much of a moving window must leave it before what is kept for interactive calls is no longer needed."""


@dataclass(slots=True)
class Demand:
    """What interactive calls have taken lately."""

    share: float = 0.15
    """Keep this part of a limit, and more, up to twice as much, when interactive calls have lately taken more."""
    _seen: deque[tuple[float, float]] = field(default_factory=lambda: deque(maxlen=64))

    def note(self, now: float, share: float = 0.0) -> None:
        """An interactive call goes; SHARE is the largest part that it takes of any limit."""
        self._seen.append((now, share))

    def wanted(self, ledger: Ledger, priority: int, now: float) -> bool:
        """True if a call of this class must leave something of LEDGER."""
        if priority == 0 or ledger.shape == "bucket":
            return False
        return priority == 2 or self.lately(ledger, now)

    def reserve(self, ledger: Ledger, priority: int, now: float, waiting: float = INFINITE) -> float:
        """Return how much of LEDGER a call of this class must leave. Batch leaves something in any case: who asks next
        is not known before he does. When all that is WAITING fits, half of it is enough: no more will come."""
        cap = ledger.cap
        if cap is None or not self.wanted(ledger, priority, now):
            return 0.0
        kept = self._kept(ledger, cap, now, waiting)
        return kept * min(1.0, max(0.0, _opens_at(ledger, cap, now) - now) / ledger.period_s)

    def reserve_slice(self, ledger: Ledger, priority: int, now: float) -> float:
        """Return how much of a slice a call of this class must leave at its beginning, where a limit holds in
        slices."""
        if priority == 0 or ledger.slices <= 1 or ledger.cap is None or not (priority == 2 or self.lately(ledger, now)):
            return 0.0
        return self.share * ledger.cap / ledger.slices

    def keeps_slot(self, priority: int, most: float, now: float, minute_s: float) -> bool:
        """True if a call of this class must leave one of MOST slots, for the person who asks next: one has lately. An
        answer may take minutes, and a slot is not free before one has ended."""
        return priority > 0 and most >= 3 and bool(self._seen) and now - self._seen[-1][0] <= LATELY * minute_s

    def opens_in_s(self, ledger: Ledger, cost: float, now: float, waiting: float = INFINITE) -> float:
        """What is kept shrinks: return the seconds until COST fits beside it; infinity when it does not."""
        cap = ledger.cap
        if cap is None or ledger.shape == "bucket":
            return INFINITE
        spare = ledger.avail(now) - cost
        if spare < 0:
            return INFINITE
        kept = self._kept(ledger, cap, now, waiting)
        return max(0.001, _opens_at(ledger, cap, now) - min(1.0, spare / kept) * ledger.period_s - now)

    def _kept(self, ledger: Ledger, cap: float, now: float, waiting: float) -> float:
        taken = sum(share for at, share in self._seen if at > now - ledger.period_s)
        part = min(max(self.share, 1.25 * taken), 2.0 * self.share)
        whole = part * cap * (1.0 if ledger.shape == "fixed" else MOVING)
        return 0.4 * whole if waiting * ledger.scale <= ledger.avail(now) else whole

    def lately(self, ledger: Ledger, now: float) -> bool:
        """True if interactive calls came within two periods."""
        return bool(self._seen) and now - self._seen[-1][0] <= 2 * ledger.period_s


def _opens_at(ledger: Ledger, cap: float, now: float) -> float:
    """When a good part of the window is free again; a whole period from NOW when it holds little."""
    if ledger.shape == "fixed" and ledger.boundary is not None:
        return ledger.boundary + ledger.period_s
    log = ledger.log
    if log.window.calls <= 0 or log.window.total < BULK * cap:
        return now + ledger.period_s
    return log.nth(log.window, int(BULK * cap / log.window.total * log.window.calls)).at + ledger.period_s
