"""Providers' limiters, simulated: the judge of the pacer. Shares no code with it. Time is an argument."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Bucket:
    """Refills continuously; `reset` is the time until it is full."""

    limit: float
    period_s: float
    level: float | None = None
    at: float = 0.0

    def _fold(self, now: float) -> float:
        if self.level is None:
            self.level, self.at = self.limit, now
        self.level = min(self.limit, self.level + (now - self.at) * self.limit / self.period_s)
        self.at = now
        return self.level

    def wait_s(self, cost: float, now: float) -> float:
        lack = cost - self._fold(now)
        return max(0.0, lack) * self.period_s / self.limit if lack > 1e-9 else 0.0

    def take(self, cost: float, now: float) -> None:
        self.level = self._fold(now) - cost

    def give(self, amount: float, now: float, taken_at: float) -> None:
        self.level = min(self.limit, self._fold(now) + amount)

    def remaining(self, now: float) -> float:
        return max(0.0, float(int(self._fold(now) + 1e-9)))

    def reset_s(self, now: float) -> float:
        return (self.limit - self._fold(now)) * self.period_s / self.limit


@dataclass
class Fixed:
    """Empties at fixed instants."""

    limit: float
    period_s: float
    phase_s: float = 0.0
    used: float = 0.0
    window: int = -1

    def _turn(self, now: float) -> None:
        window = int((now + self.phase_s) // self.period_s)
        if window != self.window:
            self.window, self.used = window, 0.0

    def wait_s(self, cost: float, now: float) -> float:
        self._turn(now)
        return 0.0 if self.used + cost <= self.limit + 1e-9 else self.reset_s(now)

    def take(self, cost: float, now: float) -> None:
        self._turn(now)
        self.used += cost

    def give(self, amount: float, now: float, taken_at: float) -> None:
        self._turn(now)
        if int((taken_at + self.phase_s) // self.period_s) == self.window:
            self.used -= amount

    def remaining(self, now: float) -> float:
        self._turn(now)
        return max(0.0, float(int(self.limit - self.used + 1e-9)))

    def reset_s(self, now: float) -> float:
        self._turn(now)
        return (self.window + 1) * self.period_s - (now + self.phase_s)


@dataclass
class Sliding:
    """Each call counts for one period; `reset` is the time until the newest one leaves."""

    limit: float
    period_s: float
    log: list[list[float]] = field(default_factory=list)

    def _turn(self, now: float) -> float:
        while self.log and self.log[0][0] <= now - self.period_s:
            self.log.pop(0)
        return sum(amount for _, amount in self.log)

    def wait_s(self, cost: float, now: float) -> float:
        over = self._turn(now) + cost - self.limit
        if over <= 1e-9:
            return 0.0
        for at, amount in self.log:
            over -= amount
            if over <= 1e-9:
                return at + self.period_s - now
        return self.period_s

    def take(self, cost: float, now: float) -> None:
        self.log.append([now, cost])

    def give(self, amount: float, now: float, taken_at: float) -> None:
        for entry in self.log:
            if entry[0] == taken_at and entry[1] >= amount:
                entry[1] -= amount
                return

    def remaining(self, now: float) -> float:
        return max(0.0, float(int(self.limit - self._turn(now) + 1e-9)))

    def reset_s(self, now: float) -> float:
        self._turn(now)
        return self.log[-1][0] + self.period_s - now if self.log else 0.0


@dataclass
class Slices:
    """The limit holds in parts of the period: limit/n in each period/n. Headers speak of the whole or of the slice."""

    limit: float
    period_s: float
    parts: int = 6
    headers: str = "whole"
    phase_s: float = 0.0

    def __post_init__(self) -> None:
        self.slice = Fixed(self.limit / self.parts, self.period_s / self.parts, self.phase_s)
        self.whole = Bucket(self.limit, self.period_s)

    def wait_s(self, cost: float, now: float) -> float:
        return self.slice.wait_s(min(cost, self.slice.limit), now)

    def take(self, cost: float, now: float) -> None:
        self.slice.take(cost, now)
        self.whole.take(cost, now)

    def give(self, amount: float, now: float, taken_at: float) -> None:
        self.slice.give(amount, now, taken_at)
        self.whole.give(amount, now, taken_at)

    def remaining(self, now: float) -> float:
        return (self.slice if self.headers == "slice" else self.whole).remaining(now)

    def reset_s(self, now: float) -> float:
        return (self.slice if self.headers == "slice" else self.whole).reset_s(now)


SHAPES = {"bucket": Bucket, "fixed": Fixed, "sliding": Sliding, "slices": Slices}
