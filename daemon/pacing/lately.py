"""How often something happened in the last minutes, in little memory however often that was."""

from __future__ import annotations

from collections import deque

PARTS = 1024
"""So many instants are kept one by one; from then on those of the same part of the period together."""


class Lately:
    """Counts what happened in the last PERIOD_S seconds, a thousandth of them more or less."""

    __slots__ = ("_counts", "_instants", "count", "period_s")

    def __init__(self, period_s: float) -> None:
        self.period_s = period_s
        self.count = 0
        """As of the last `note` or `forget`."""
        self._instants: deque[float] = deque()
        self._counts: deque[int] = deque()

    def __repr__(self) -> str:
        return f"<Lately {self.count} in {self.period_s:g} s>"

    def note(self, now: float) -> None:
        """It has happened once more."""
        instants = self._instants
        if len(instants) > PARTS and now - instants[-1] < self.period_s / PARTS:
            self._counts[-1] += 1
        else:
            instants.append(now)
            self._counts.append(1)
        self.count += 1
        if instants[0] <= now - self.period_s:
            self.forget(now)

    def forget(self, now: float) -> None:
        """Let go what is older than the period."""
        while self._instants and self._instants[0] <= now - self.period_s:
            self._instants.popleft()
            self.count -= self._counts.popleft()
