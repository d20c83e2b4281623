"""Four ways in which providers count, exact and on a clock that is passed in.

All have the same five methods (`Limiter`). Amounts are floats in the limit's own unit, times are seconds, and
`now` never goes back. Which provider counts how: OpenAI, Groq and Anthropic refill continuously (their waits are
(used + requested - limit) / limit * period), Gemini's minutes are fixed windows, and OpenAI's and Azure's documents
say that a minute may be enforced in slices of 1 to 10 s.
"""

from __future__ import annotations

import math
from collections import deque
from typing import Protocol

from daemon.sandbox.settings import Shape

_DUST = 1e-9
"""Relative: whoever waits exactly the told time must fit in spite of rounding."""


class Limiter(Protocol):
    """One limit of one account."""

    limit: float
    period_s: float

    def used(self, now: float) -> float:
        """How much of the limit is in use."""

    def wait_s(self, cost: float, now: float) -> float:
        """Seconds until COST fits: 0 means now, infinity never."""

    def take(self, cost: float, now: float) -> None:
        """Count COST, whether it fits or not."""

    def give_back(self, cost: float, taken_at: float, now: float) -> None:
        """Take back COST of what was counted at TAKEN_AT, where that still matters."""

    def full_s(self, now: float) -> float:
        """Seconds until nothing is in use."""


def limiter(shape: Shape, limit: float, period_s: float, slices: int = 6, origin: float = 0.0) -> Limiter:
    """Return a new limiter; windows and slices begin at ORIGIN."""
    if shape == "bucket":
        return Bucket(limit, period_s)
    if shape == "fixed":
        return Fixed(limit, period_s, origin)
    if shape == "sliding":
        return Sliding(limit, period_s)
    return Slices(limit, period_s, slices, origin)


def _excess(used: float, cost: float, limit: float) -> float:
    """What is too much; 0 within rounding."""
    excess = used + cost - limit
    return excess if excess > _DUST * max(limit, 1.0) else 0.0


class Bucket:
    """Capacity `limit`, refilled continuously with `limit` a period."""

    def __init__(self, limit: float, period_s: float) -> None:
        self.limit = limit
        self.period_s = period_s
        self._used = 0.0
        self._at = 0.0

    def used(self, now: float) -> float:
        return max(0.0, self._used - (now - self._at) * self.limit / self.period_s)

    def wait_s(self, cost: float, now: float) -> float:
        if cost > self.limit:
            return math.inf
        return _excess(self.used(now), cost, self.limit) * self.period_s / self.limit if self.limit else 0.0

    def take(self, cost: float, now: float) -> None:
        # What does not fit leaves an empty bucket, not a debt.
        self._used, self._at = min(self.limit, self.used(now) + cost), now

    def give_back(self, cost: float, taken_at: float, now: float) -> None:
        self._used, self._at = max(0.0, self.used(now) - cost), now

    def full_s(self, now: float) -> float:
        return self.used(now) * self.period_s / self.limit if self.limit else 0.0


class Fixed:
    """`limit` in each window; windows begin at `origin` plus multiples of the period."""

    def __init__(self, limit: float, period_s: float, origin: float = 0.0) -> None:
        self.limit = limit
        self.period_s = period_s
        self._origin = origin
        self._used = 0.0
        self._window: int | None = None

    def _index(self, now: float) -> int:
        # The dust: whoever waited exactly to the end of a window is in the next one.
        return math.floor((now - self._origin) / self.period_s + _DUST)

    def _rest_s(self, now: float) -> float:
        return max(0.0, self._origin + (self._index(now) + 1) * self.period_s - now)

    def used(self, now: float) -> float:
        return self._used if self._window == self._index(now) else 0.0

    def wait_s(self, cost: float, now: float) -> float:
        if cost > self.limit:
            return math.inf
        return self._rest_s(now) if _excess(self.used(now), cost, self.limit) else 0.0

    def take(self, cost: float, now: float) -> None:
        self._used, self._window = self.used(now) + cost, self._index(now)

    def give_back(self, cost: float, taken_at: float, now: float) -> None:
        if self._index(taken_at) == self._index(now):
            self._used = max(0.0, self.used(now) - cost)

    def full_s(self, now: float) -> float:
        return self._rest_s(now) if self.used(now) else 0.0


class Sliding:
    """At most `limit` in any period: a log of what was taken when."""

    def __init__(self, limit: float, period_s: float) -> None:
        self.limit = limit
        self.period_s = period_s
        self._log: deque[list[float]] = deque()
        """[when, cost], oldest first."""

    def _drop_old(self, now: float) -> None:
        while self._log and now - self._log[0][0] >= self.period_s * (1 - _DUST):
            self._log.popleft()

    def used(self, now: float) -> float:
        self._drop_old(now)
        return math.fsum(cost for _, cost in self._log)

    def wait_s(self, cost: float, now: float) -> float:
        if cost > self.limit:
            return math.inf
        excess, wait = _excess(self.used(now), cost, self.limit), 0.0
        for when, amount in self._log:
            if excess <= 0:
                break
            excess = _excess(excess, -amount, 0.0)
            wait = max(0.0, when + self.period_s - now)
        return wait

    def take(self, cost: float, now: float) -> None:
        self._drop_old(now)
        self._log.append([now, cost])

    def give_back(self, cost: float, taken_at: float, now: float) -> None:
        for entry in reversed(self._log):
            if entry[0] == taken_at and entry[1] >= cost:
                entry[1] -= cost
                return

    def full_s(self, now: float) -> float:
        self._drop_old(now)
        return max(0.0, self._log[-1][0] + self.period_s - now) if self._log else 0.0


class Slices:
    """A minute cut in slices: each lets limit/slices through, and a continuously refilled bucket holds the minute.

    A cost above a slice's share goes into a slice that nothing has used yet and uses up the next ones, too, as a
    provider that counts in slices cannot refuse it for ever. A share is rounded up to a whole unit.
    """

    def __init__(self, limit: float, period_s: float, slices: int, origin: float = 0.0) -> None:
        self.limit = limit
        self.period_s = period_s
        self.share = float(math.ceil(limit / slices))
        """What one slice lets through."""
        self.slice_s = period_s / slices
        self._whole = Bucket(limit, period_s)
        self._origin = origin
        self._debt = 0.0
        """What was taken in slice `_slice`; what is above the share carries over."""
        self._slice = 0

    def _index(self, now: float) -> int:
        return math.floor((now - self._origin) / self.slice_s + _DUST)

    def slice_used(self, now: float) -> float:
        """What is in use of the current slice's share."""
        return max(0.0, self._debt - (self._index(now) - self._slice) * self.share)

    def used(self, now: float) -> float:
        return self._whole.used(now)

    def wait_s(self, cost: float, now: float) -> float:
        return max(self._whole.wait_s(cost, now), self._slice_wait_s(cost, now))

    def _slice_wait_s(self, cost: float, now: float) -> float:
        excess = _excess(self.slice_used(now), min(cost, self.share), self.share)
        if not excess:
            return 0.0
        ahead = math.ceil(excess / self.share - _DUST)
        return max(0.0, self._origin + (self._index(now) + ahead) * self.slice_s - now)

    def take(self, cost: float, now: float) -> None:
        used = self.slice_used(now)
        fits = not _excess(used, min(cost, self.share), self.share)
        self._debt, self._slice = used + cost if fits else max(used, self.share), self._index(now)
        self._whole.take(cost, now)

    def give_back(self, cost: float, taken_at: float, now: float) -> None:
        self._whole.give_back(cost, taken_at, now)
        if self._index(taken_at) == self._index(now):
            self._debt = max(0.0, self._debt - cost)

    def full_s(self, now: float) -> float:
        return self._whole.full_s(now)
