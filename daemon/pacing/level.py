"""A continuous bucket: so much fits, it refills at a steady rate. Pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Level:
    """How full a bucket is. `level` may fall below zero when more was taken than it held."""

    capacity: float
    rate: float
    """Units that flow back in a second."""
    level: float
    at: float
    """The instant for which `level` holds."""

    def now(self, now: float) -> float:
        """Return the level at NOW."""
        return min(self.capacity, self.level + max(0.0, now - self.at) * self.rate)

    def take(self, amount: float, now: float) -> None:
        """Take AMOUNT out. The level is folded first: what would flow over a full bucket is lost."""
        self.level = self.now(now) - amount
        self.at = max(self.at, now)

    def give(self, amount: float) -> None:
        """Put AMOUNT back, or take it out when negative, without touching the refill."""
        self.level = min(self.capacity, self.level + amount)

    def wait_s(self, amount: float, now: float) -> float:
        """Return the seconds until AMOUNT is there; infinity when it never will be."""
        lack = min(amount, self.capacity) - self.now(now)
        if lack <= 1e-9:
            return 0.0
        if self.rate <= 0:
            return float("inf")
        return max(0.0, self.at - now) + lack / self.rate
