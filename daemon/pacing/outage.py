"""A provider that cannot be reached, or has no capacity, for a while: its calls wait, and one at a time looks whether
it is back. No clock.

A few failures in a row, of different calls, are an outage. The pauses between the looks grow; where the provider names
a time, that is waited. A look that is let through ends it.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field

from daemon.model import Priority

INFINITE = float("inf")
FEW = 3
"""Failures in a row that are an outage."""
PART = 1 / 3
"""They are so much of the calls sent since the first of them: stray faults are less, where answers take long."""
LOOK_S = 10.0
"""A look that has not failed by then has probably come through, and its answer takes long: another may go."""
FORGET_S = 120.0
"""Nobody has looked for so long: nothing is known any more."""


@dataclass(slots=True)
class Outage:
    """What is known of it, in one pool."""

    base_s: float
    """The first pause; also how long a person's call waits for its turn to look, where no time is named."""
    cap_s: float
    """The longest one."""
    unit: float = 1.0
    """What a second of the settings is."""
    since: float | None = None
    """When it began; None: there is none."""
    looker: str | None = None
    """Id of the call that looks."""
    looks: int = 0
    failed_at: float = -INFINITE
    """The last failure."""
    opens_at: float = -INFINITE
    """The next look."""
    named_at: float = -INFINITE
    """Before this instant the provider wants no call."""
    began: float = INFINITE
    """When the first call of the row was sent."""
    _row: set[str] = field(default_factory=set)
    _ends_at: float = INFINITE
    _sent: deque[float] = field(default_factory=lambda: deque(maxlen=32))

    def wait_s(self, priority: int, patience_s: float, now: float) -> float:
        """Seconds until a call of PRIORITY may go, as far as is known; what was named is believed for PATIENCE_S."""
        if self.since is None:
            return 0.0
        named_at = min(self.named_at, self.failed_at + patience_s)
        look_at = max(named_at, self.opens_at)
        if priority == Priority.INTERACTIVE:
            look_at = max(named_at, min(self.opens_at, self.failed_at + self.base_s * self.unit))
        if self.looker is not None:
            look_at = max(look_at, self._ends_at)
        return max(0.0, look_at - now)

    def goes(self, call_id: str, now: float) -> None:
        """A call is sent."""
        if self.since is not None and now > max(self.opens_at, self.named_at) + FORGET_S * self.unit:
            self._over()
        self._sent.append(now)
        if self.since is not None:
            self.looker, self._ends_at = call_id, now + LOOK_S * self.unit

    def left(self, call_id: str) -> None:
        """A call has ended, however it did."""
        if self.looker == call_id:
            self.looker = None

    def failed(self, call_id: str, sent_at: float, named_s: float | None, now: float, rng: random.Random) -> None:
        """A call was not let through for want of capacity, or did not arrive."""
        self.failed_at = now
        if named_s is not None:
            self.named_at = max(self.named_at, now + named_s)
        if self.since is not None:
            if self.looker == call_id:
                self.looker = None
                self._pause(now, rng)
            return
        self.began = min(self.began, sent_at)
        self._row.add(call_id)
        if len(self._row) >= max(FEW, PART * sum(at >= self.began for at in self._sent)):
            self.since = now
            self._pause(now, rng)

    def passed(self, sent_at: float) -> None:
        """A call was let through. One that was sent before the failures began says nothing."""
        if sent_at > (self.began if self.since is None else self.since):
            self._over()

    def shift(self, seconds: float) -> None:
        """The machine slept, and our clock did not count it."""
        self.opens_at -= seconds
        self.named_at -= seconds
        self._ends_at -= seconds

    def _pause(self, now: float, rng: random.Random) -> None:
        """The pause before the next look: twice as long each time, and never the same for two machines."""
        pause_s = min(self.cap_s, self.base_s * 2.0 ** min(self.looks, 30)) * rng.uniform(0.5, 1.0)
        self.looks += 1
        self.opens_at = now + pause_s * self.unit

    def _over(self) -> None:
        self.since, self.looker, self.looks, self.began = None, None, 0, INFINITE
        self.opens_at = self.named_at = -INFINITE
        self._row.clear()
