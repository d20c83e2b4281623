"""Amounts at instants, added up over any stretch of time in O(log n): asked several times for each call."""

from __future__ import annotations

from array import array
from bisect import bisect_right

MOST = 4096
"""Amounts that are kept at least; older ones are forgotten."""


class RunningSum:
    """Amounts in order of time, with the sum up to each of them."""

    __slots__ = ("_instants", "_sums")

    def __init__(self) -> None:
        self._instants = array("d")
        self._sums = array("d", [0.0])

    def __bool__(self) -> bool:
        return bool(self._instants)

    def add(self, at: float, amount: float) -> None:
        """AMOUNT came at AT, which is not before the last one."""
        self._instants.append(at)
        self._sums.append(self._sums[-1] + amount)
        if len(self._instants) >= 2 * MOST:
            del self._instants[:MOST]
            base = self._sums[MOST]
            self._sums = array("d", [total - base for total in self._sums[MOST:]])

    def between(self, start: float, end: float) -> float:
        """Return the sum of what came in (START, END]."""
        first = bisect_right(self._instants, start)
        return max(0.0, self._sums[max(first, bisect_right(self._instants, end))] - self._sums[first])

    def shift(self, seconds: float) -> None:
        """Make everything SECONDS older."""
        self._instants = array("d", [at - seconds for at in self._instants])
