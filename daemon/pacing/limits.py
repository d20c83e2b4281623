"""From configured limits to ledgers, day counters and slots."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache

from daemon.model import Limit, Memory, Origin, Scope
from daemon.pacing.days import DayCount, day_count
from daemon.pacing.ledger import Ledger
from daemon.pacing.pool import Limits
from daemon.pacing.shapes import DAY_S
from daemon.pacing.slots import Slots

SECOND, MINUTE, HOUR = 1.0, 60.0, 3600.0
WORDS = {"second": SECOND, "minute": MINUTE, "hour": HOUR}


def shared_limits(
    origin: Origin, key: str, wall: Callable[[], float], memory: Memory | None, standing: Iterable[DayCount] = ()
) -> Limits:
    """The configured limits without models: all pools of one key take from them together. STANDING: the counters of
    days that held before a reload."""
    return _build([x for x in origin.limits if not x.models], origin, f"{origin.host} {key}", wall, memory, standing)


def own_limits(
    origin: Origin, scope: Scope, model: str | None, wall: Callable[[], float], memory: Memory | None,
    standing: Iterable[DayCount] = (),
) -> Limits:  # fmt: skip
    """The configured limits whose patterns name this pool's model or group, or a model that may come into the group:
    whichever of its models comes first, the same limits hold for it. STANDING as in `shared_limits`."""
    members = next((patterns for group, patterns in origin.groups if group == scope.group), ())
    names = [name for name in (scope.group, None if members else model) if name]
    mine = [
        limit
        for limit in origin.limits
        if any(fnmatchcase(name, pattern) for pattern in limit.models for name in names)
        or any(overlap(pattern, member) for pattern in limit.models for member in members)
    ]
    return _build(mine, origin, f"{scope.host} {scope.key} {scope.group}", wall, memory, standing)


@cache
def overlap(one: str, other: str) -> bool:
    """True if some name fits both shell patterns. A set of characters is taken for any of them."""
    one, other = (re.sub(r"\[[^]]+\]", "?", pattern) for pattern in (one, other))
    if one[:1] == "*":
        return overlap(one[1:], other) or (other != "" and overlap(one, other[1:]))
    if other[:1] == "*":
        return overlap(other, one)
    if not one or not other:
        return one == other
    return (one[0] == other[0] or "?" in (one[0], other[0])) and overlap(one[1:], other[1:])


def _build(
    limits: list[Limit], origin: Origin, place: str, wall: Callable[[], float], memory: Memory | None,
    standing: Iterable[DayCount],
) -> Limits:  # fmt: skip
    built, days = Limits(), dict[str, DayCount]()
    for limit in limits:
        if limit.dimension == "concurrency":
            most = max(1.0, limit.amount * origin.share)
            built.slots.append(Slots(most, most, stated=True))
        elif limit.period in ("day", "month"):
            key = f"{place} {limit.dimension} {limit.period}"
            if key not in days or limit.amount < days[key].amount:  # the smallest one binds, and one is remembered
                days[key] = day_count(limit, key, origin.provider, wall, memory, origin.share)
        else:
            period = period_of(limit, origin)
            ledger = Ledger(
                limit.dimension,
                period,
                origin.minute_s,
                known_period=True,
                ceiling=limit.amount,
                share=origin.share,
                source="config",
            )
            other = built.ledgers.get((limit.dimension, period))
            if other is None or (other.ceiling or 0.0) > limit.amount:
                built.ledgers[(limit.dimension, period)] = ledger
    built.days = _go_on(days, standing)
    return built


def _go_on(days: Mapping[str, DayCount], standing: Iterable[DayCount]) -> list[DayCount]:
    """DAYS; in the place of one that STANDS already that one, with what is new: calls that are under way tell it how
    they end, and it would write over what another one remembers. One that holds no longer remembers nothing more."""
    known, found = {day.key: day for day in standing}, list[DayCount]()
    for key, day in days.items():
        old = known.get(key)
        if old is not None and old.counts_like(day):
            old.amount, old.share = day.amount, day.share
            day = known.pop(key)
        found.append(day)
    for gone in known.values():
        gone.memory = None
    return found


def period_of(limit: Limit, origin: Origin) -> float:
    """The period in this origin's time: seconds, minutes and hours scale with its minute; free durations do not."""
    if limit.period in WORDS:
        return WORDS[limit.period] * origin.minute_s / MINUTE
    if limit.period is None and limit.period_s in WORDS.values() and origin.minute_s == MINUTE:
        return float(limit.period_s or MINUTE)
    return min(float(limit.period_s or origin.minute_s), 31 * DAY_S)
