"""What will soon be in the way: a day's limit or a plan's window that is nearly used up, a queue that takes long.

A reader of the gateway's events. Each warning is said once, and again only after it had cleared.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.model import Event
from daemon.pacing.reasons import clock, duration, per
from daemon.phrases import Phrase, phrase
from daemon.providers.plans import read_plans
from daemon.spending import PlanWindow

LOOK_S = 1.0
"""The limits are looked at after an answer, at most this often."""
LONG_S = 3600.0
"""A limit of a shorter period clears by itself before anybody has read about it."""
CLEAR = 0.9
"""A warning has cleared when the part is below this part of what it took to say it."""


@dataclass(frozen=True, slots=True)
class Warned:
    """One thing that will soon be in the way."""

    key: str
    words: str
    """A phrase."""
    until: float
    """Unix time at which it is over at the latest."""


class Lookout:
    """Sees what comes, and says it once."""

    def __init__(
        self,
        pools: Callable[[], Iterable[Mapping[str, Any]]],
        say: Callable[[Warned], None],
        *,
        limit_at: float = 0.8,
        queue_s: float = 300.0,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """POOLS: the pacer's. LIMIT_AT: the part of a limit at which to say it. QUEUE_S: a longer wait is said."""
        self._pools = pools
        self._say = say
        self._limit_at = limit_at
        self._queue_s = queue_s
        self._clock = clock
        self._looked_at = 0.0
        self._warned: dict[str, Warned] = {}

    def read(self, events: Sequence[Event]) -> None:
        """A reader of the gateway."""
        for event in events:
            if event.kind == "queued":
                if event.wait_s and any(later.final and later.call is event.call for later in events):
                    continue  # it does not wait: it was told at once that it would for too long
                self._queue(event)
            elif event.kind == "answered":
                self._plans(event)
                if abs(event.at - self._looked_at) >= LOOK_S:
                    self._looked_at = event.at
                    self._limits(event.at)

    def states(self) -> list[dict[str, Any]]:
        """What holds now, for `status`: JSON-ready, with phrases."""
        self._forget_past()
        return [{"key": one.key, "words": one.words, "until": one.until} for one in self._warned.values()]

    def _queue(self, event: Event) -> None:
        call, wait = event.call, event.wait_s or 0.0
        if wait <= 0 and not self._warned:
            return  # as nearly always
        key = f"queue/{call.scope.host}/{call.scope.key}/{call.scope.group}"
        words = phrase("warning.queue", host=call.scope.host, model=call.scope.group or "-", wait=duration(wait))
        self._judge(key, wait / self._queue_s, 1.0, words, event.at + max(wait, 60.0))

    def _plans(self, event: Event) -> None:
        for plan in read_plans(event.headers):
            call = event.call
            key = f"plan/{call.scope.host}/{call.scope.key}/{plan.window}"
            until = event.at + 3600.0 if plan.resets_at is None else max(plan.resets_at, event.at)
            self._judge(key, plan.part, self._limit_at, plan_words(call.scope.host, plan, event.at), until)

    def _limits(self, now: float) -> None:
        for pool in self._pools():
            for dim in pool["dims"]:
                if dim["limit"] and dim["used"] is not None and _is_long(dim):
                    self._limit(pool, dim, now)

    def _limit(self, pool: Mapping[str, Any], dim: Mapping[str, Any], now: float) -> None:
        dimension, period = str(dim["dimension"]), str(dim["period"])
        part = float(dim["used"]) / float(dim["limit"])
        percent, host, model = f"{100 * part:.0f}", pool["host"], pool["group"] or "-"
        words = phrase("warning.limit", host=host, model=model, limit=per(dimension, period), percent=percent)
        key = f"limit/{pool['host']}/{pool['key']}/{pool['group']}/{dimension}/{period}"
        self._judge(key, part, self._limit_at, words, now + (dim["full_in_s"] or 3600.0))

    def _forget_past(self) -> None:
        now = self._clock()
        self._warned = {key: warned for key, warned in self._warned.items() if warned.until > now}

    def _judge(self, key: str, part: float, at: float, words: str, until: float) -> None:
        """Say it when PART has come to AT and it was not said; forget it when it has cleared."""
        if part >= at:
            fresh = key not in self._warned or self._warned[key].until <= self._clock()
            if fresh:
                self._forget_past()
            self._warned[key] = Warned(key, words, until)
            if fresh:
                self._say(self._warned[key])
        elif part < CLEAR * at:
            self._warned.pop(key, None)


def plan_words(host: str, plan: PlanWindow, now: float) -> Phrase:
    """How much of a plan's window is used, and when it begins anew, if that is known."""
    percent, window = f"{100 * plan.part:.0f}", plan.window
    if plan.resets_at is None:
        return phrase("warning.plan", host=host, percent=percent, window=window)
    when = clock(plan.resets_at, now)  # no span: it is shown for as long as it holds
    return phrase("warning.plan_until", host=host, percent=percent, window=window, when=when)


def _is_long(dim: Mapping[str, Any]) -> bool:
    return dim["period"] in ("day", "month") or (dim["period_s"] or 0.0) >= LONG_S
