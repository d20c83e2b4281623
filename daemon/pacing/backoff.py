"""When to send again, and how often at most. Pure arithmetic but for the random numbers passed in."""

from __future__ import annotations

import random
from collections import deque

from daemon.pacing.lately import Lately


def full_jitter_s(attempt: int, base_s: float, cap_s: float, rng: random.Random) -> float:
    """Return the wait after failure number ATTEMPT (from 1): uniform in 0..min(cap, base * 2^n)."""
    return rng.uniform(0.0, min(cap_s, base_s * 2.0 ** max(0, attempt - 1)))


def upward_jitter_s(told_s: float, rng: random.Random) -> float:
    """Return the told wait, never less, up to 5 % and 10 ms more: nobody else should wake in the same instant."""
    return told_s * (1.0 + rng.uniform(0.0, 0.05)) + 0.01


class RetryBudget:
    """Resends may be a small part of the calls of the last minutes: an overloaded provider does not get more work for
    it."""

    __slots__ = ("_resent", "_sent", "least", "share")

    def __init__(self, share: float, least: int, period_s: float = 60.0) -> None:
        """SHARE: of what was sent in the last PERIOD_S seconds; 0: none. LEAST: so many are allowed otherwise."""
        self.share = share
        self.least = least if share > 0 else 0
        self._sent = Lately(period_s)
        self._resent = Lately(period_s)

    def __repr__(self) -> str:
        return f"<RetryBudget {self._resent} of {self._sent}>"

    def sent(self, now: float) -> None:
        """A call has been sent for the first time."""
        self._sent.note(now)

    def spend(self, now: float, ended: int = 0) -> bool:
        """Return True, and count it, if one more resend is within the budget. ENDED: so many calls have ended in that
        time; where answers take long, few may have been sent in it."""
        self._sent.forget(now)
        self._resent.forget(now)
        if self._resent.count >= max(float(self.least), self.share * max(self._sent.count, ended)):
            return False
        self._resent.note(now)
        return True


class Breaker:
    """Overload (503, 529): sees how many of the last calls were refused for it; batch then waits with that
    probability."""

    __slots__ = ("_bad", "_good", "_last")

    def __init__(self, period_s: float = 120.0) -> None:
        self._bad = Lately(period_s)
        self._good = Lately(period_s)
        self._last: deque[tuple[float, bool]] = deque(maxlen=40)

    def __repr__(self) -> str:
        return f"<Breaker {self._good} good, {self._bad} bad>"

    def note(self, ok: bool, now: float) -> None:
        """A call was answered (OK), or refused for overload."""
        seen, other = (self._good, self._bad) if ok else (self._bad, self._good)
        seen.note(now)
        other.forget(now)
        self._last.append((now, ok))

    @property
    def seen(self) -> int:
        """How many calls have been answered, or refused for overload, lately."""
        return self._good.count + self._bad.count

    @property
    def struggling(self) -> bool:
        """True if three of the last ten calls were refused, and a quarter of the last forty: a sign of overload rather
        than of stray faults. (Where one call in twelve fails, three of ten do again and again.)"""
        since = (self._last[-1][0] if self._last else 0.0) - self._good.period_s
        bad = [not ok and at > since for at, ok in self._last]
        return sum(bad[-10:]) >= 3 and sum(bad) >= len(bad) / 4

    @property
    def refusing(self) -> float:
        """The probability with which a call should not be tried: max(0, (n - 2 good) / (n + 1)), from Google's SRE
        book."""
        good, bad = self._good.count, self._bad.count
        return max(0.0, (bad - good) / (good + bad + 1))
