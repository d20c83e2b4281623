"""When to send again, and how often at most. Pure arithmetic but for the random numbers passed in."""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field


def full_jitter_s(attempt: int, base_s: float, cap_s: float, rng: random.Random) -> float:
    """Return the wait after failure number ATTEMPT (from 1): uniform in 0..min(cap, base * 2^n)."""
    return rng.uniform(0.0, min(cap_s, base_s * 2.0 ** max(0, attempt - 1)))


def upward_jitter_s(told_s: float, rng: random.Random) -> float:
    """Return the told wait, never less, up to 5 % and 10 ms more: nobody else should wake in the same instant."""
    return told_s * (1.0 + rng.uniform(0.0, 0.05)) + 0.01


@dataclass(slots=True)
class RetryBudget:
    """Resends may be a small part of the calls of the last minutes: an overloaded provider does not get more work for
    it."""

    share: float
    least: int
    period_s: float = 60.0
    _sent: deque[float] = field(default_factory=deque)
    _resent: deque[float] = field(default_factory=deque)

    def sent(self, now: float) -> None:
        """A call has been sent for the first time."""
        self._sent.append(now)
        self._forget(now)

    def spend(self, now: float) -> bool:
        """Return True, and count it, if one more resend is within the budget."""
        self._forget(now)
        if len(self._resent) >= max(float(self.least), self.share * len(self._sent)):
            return False
        self._resent.append(now)
        return True

    def _forget(self, now: float) -> None:
        for times in (self._sent, self._resent):
            while times and times[0] <= now - self.period_s:
                times.popleft()


@dataclass(slots=True)
class Breaker:
    """Overload (503, 529): sees how many of the last calls were refused for it; batch then waits with that
    probability."""

    period_s: float = 120.0
    _calls: deque[tuple[float, bool]] = field(default_factory=deque)
    _good: int = 0

    def note(self, ok: bool, now: float) -> None:
        self._calls.append((now, ok))
        self._good += ok
        while self._calls and self._calls[0][0] <= now - self.period_s:
            self._good -= self._calls.popleft()[1]

    @property
    def struggling(self) -> bool:
        """True if three of the last ten calls were refused: a sign of overload rather than a stray fault."""
        lately = list(self._calls)[-10:]
        return sum(not ok for _, ok in lately) >= 3

    @property
    def refusing(self) -> float:
        """The probability with which a call should not be tried: max(0, (n - 2 good) / (n + 1)), from Google's SRE
        book."""
        return max(0.0, (len(self._calls) - 2 * self._good) / (len(self._calls) + 1))
