"""The limits of one account (a key, or a key and a model): who is let in, and what the headers may say."""

from __future__ import annotations

import math
from dataclasses import dataclass

from daemon.sandbox.limits import Limiter, Slices, limiter
from daemon.sandbox.settings import SandboxSettings
from daemon.sandbox.trouble import Dimension, Trouble, Window

LIMITS: tuple[tuple[Dimension, Window, str], ...] = (
    ("requests", "second", "requests_per_second"),
    ("requests", "minute", "requests_per_minute"),
    ("requests", "hour", "requests_per_hour"),
    ("requests", "day", "requests_per_day"),
    ("tokens", "minute", "tokens_per_minute"),
    ("tokens", "day", "tokens_per_day"),
    ("input_tokens", "minute", "input_tokens_per_minute"),
    ("output_tokens", "minute", "output_tokens_per_minute"),
    ("images", "minute", "images_per_minute"),
)
"""Dimension, window, and the setting that holds the limit."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request is charged at the door."""

    input: float = 0.0
    """Input tokens, estimated from characters as providers do."""
    output: float | None = None
    """Output tokens reserved; None: nothing is reserved and what is produced is charged when it ends."""
    images: float = 0.0
    input_only: bool = False
    """The limit on tokens counts the input alone (Gemini)."""

    def of(self, dimension: Dimension) -> float:
        """The charge in one dimension."""
        output = self.output or 0.0
        tokens = self.input + (0.0 if self.input_only else output)
        return {
            "requests": 1.0,
            "tokens": tokens,
            "input_tokens": self.input,
            "output_tokens": output,
            "images": self.images,
        }[dimension]


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of one limit at one moment; what rate limit headers are made from."""

    dimension: Dimension
    window: Window
    limit: float
    remaining: float
    full_s: float
    """Seconds until all is there again."""
    slice_limit: float | None = None
    slice_remaining: float | None = None


@dataclass(frozen=True, slots=True)
class _Rule:
    dimension: Dimension
    window: Window
    limiter: Limiter


class Meter:
    """All limits of one account, and somebody else who uses the same one."""

    def __init__(self, settings: SandboxSettings, now: float) -> None:
        self._settings = settings
        self._rules = tuple(_rules(settings, 0.0 if settings.aligned else now))
        self.running = 0
        self.foreign = 0
        """Calls of the other user that were let in."""
        self._foreign_gap_s, self._foreign_cost = _foreign(settings)
        self._foreign_due = self._foreign_try = now + self._foreign_gap_s

    def admit(self, cost: Cost, now: float) -> Trouble | None:
        """Count the request and return None, or return why it may not pass."""
        self._let_foreign_in(now)
        trouble = self._refusal(cost, now)
        if trouble is None:
            self._take(cost, now)
            self.running += 1
        elif self._settings.count_refused and trouble.kind == "rate":
            self._take(Cost(), now)
        return trouble

    def settle(self, cost: Cost, output: float, admitted_at: float, now: float) -> None:
        """The answer has ended with OUTPUT tokens: charge what was not reserved, give back what was not used."""
        self._let_foreign_in(now)
        for rule in self._rules:
            if rule.dimension == "output_tokens" or (rule.dimension == "tokens" and not cost.input_only):
                if cost.output is None:
                    rule.limiter.take(output, now)
                elif self._settings.refund and cost.output > output:
                    rule.limiter.give_back(cost.output - output, admitted_at, now)

    def leave(self) -> None:
        """One admitted request is over. Once for each."""
        self.running -= 1

    def standing(self, now: float) -> tuple[Standing, ...]:
        """What is left of each limit."""
        self._let_foreign_in(now)
        return tuple(_standing(rule, now) for rule in self._rules)

    def _refusal(self, cost: Cost, now: float) -> Trouble | None:
        """Too many at a time, or the trouble that lasts longest, if there is any."""
        most = self._settings.concurrency
        if most is not None and self.running >= most:
            return Trouble("concurrency", limit=most, used=self.running, requested=1)
        return self._limit_trouble(cost, now)

    def _limit_trouble(self, cost: Cost, now: float) -> Trouble | None:
        worst: Trouble | None = None
        for rule in self._rules:
            amount = cost.of(rule.dimension)
            wait = rule.limiter.wait_s(amount, now) if amount else 0.0
            if wait and (worst is None or worst.wait_s is None or wait > worst.wait_s):
                worst = _refused(rule, amount, wait, now)
                if worst.kind != "rate":
                    return worst
        return worst

    def _take(self, cost: Cost, now: float) -> None:
        for rule in self._rules:
            rule.limiter.take(cost.of(rule.dimension), now)

    def _let_foreign_in(self, now: float) -> None:
        """Play what the other user did since the last look, in the order of time.

        The other user is patient: a call that does not fit goes as soon as it does, before any of ours.
        """
        # Nothing older than two minutes matters to a minute's limit.
        horizon = now - 2 * self._settings.minute_s
        self._foreign_due = max(self._foreign_due, horizon)
        self._foreign_try = max(self._foreign_try, horizon)
        while self._foreign_try <= now:
            trouble = self._limit_trouble(self._foreign_cost, self._foreign_try)
            if trouble is None:
                self._take(self._foreign_cost, self._foreign_try)
                self.foreign += 1
                self._foreign_due += self._foreign_gap_s
                self._foreign_try = max(self._foreign_try, self._foreign_due)
            else:
                self._foreign_try += math.inf if trouble.wait_s is None else max(trouble.wait_s, 0.001)


def _rules(settings: SandboxSettings, origin: float) -> list[_Rule]:
    minute = settings.minute_s
    length: dict[Window, float] = {"second": minute / 60, "minute": minute, "hour": 60 * minute, "day": settings.day_s}
    out = []
    for dimension, window, name in LIMITS:
        limit = getattr(settings, name)
        if limit is not None:
            # Only a minute is cut in slices; the other windows of such a provider refill continuously.
            shape = "bucket" if settings.shape == "slices" and window != "minute" else settings.shape
            out.append(_Rule(dimension, window, limiter(shape, float(limit), length[window], settings.slices, origin)))
    return out


def _foreign(settings: SandboxSettings) -> tuple[float, Cost]:
    """Seconds between the other user's calls (infinite without one), and what each costs."""
    if not settings.foreign_share:
        return float("inf"), Cost()
    calls = settings.foreign_share * (settings.requests_per_minute or 60)
    tokens = settings.foreign_share * (settings.tokens_per_minute or 0) / calls
    return settings.minute_s / calls, Cost(input=tokens, output=0.0)


def _refused(rule: _Rule, amount: float, wait_s: float, now: float) -> Trouble:
    limit = rule.limiter.limit
    kind, wait = ("rate", wait_s) if amount <= limit else ("not-in-plan" if limit == 0 else "too-large", None)
    used = rule.limiter.used(now)
    return Trouble(kind, rule.dimension, rule.window, limit, used, amount, wait)  # type: ignore[arg-type]


def _standing(rule: _Rule, now: float) -> Standing:
    lim = rule.limiter
    left = max(0.0, lim.limit - lim.used(now))
    if isinstance(lim, Slices):
        return Standing(
            rule.dimension,
            rule.window,
            lim.limit,
            left,
            lim.full_s(now),
            lim.share,
            max(0.0, lim.share - lim.slice_used(now)),
        )
    return Standing(rule.dimension, rule.window, lim.limit, left, lim.full_s(now))
