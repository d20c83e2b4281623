"""What calls wait for and how long, as phrases: figures, durations, limits."""

from __future__ import annotations

import time
from functools import lru_cache

from daemon.dimensions import period_of, what
from daemon.phrases import Phrase, phrase


def number(amount: float) -> str:
    """38k, 1.2k, 940, 1.5M: in every language."""
    for size, letter in ((1e6, "M"), (1e3, "k")):
        if abs(amount) >= size:
            return f"{amount / size:.1f}".removesuffix(".0") + letter
    return f"{amount:.0f}"


def duration(seconds: float) -> Phrase:
    """1.2 s, 45 s, 7 min 12 s, 2 h 5 min, 12 days."""
    if seconds < 10:
        return phrase("span.seconds", n=f"{max(0.0, seconds):.1f}")
    if seconds < 60:
        return phrase("span.seconds", n=f"{seconds:.0f}")
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return phrase("span.minutes_seconds", m=minutes, s=rest) if rest else phrase("span.minutes", m=minutes)
    if minutes < 48 * 60:
        return phrase("span.hours_minutes", h=minutes // 60, m=minutes % 60)
    return phrase("span.days", d=round(minutes / 1440))


def clock(at: float, now: float) -> str:
    """A local time (Unix times): `14:05` of today, else with its date."""
    local = time.localtime(at)
    return time.strftime("%H:%M" if time.localtime(now)[:3] == local[:3] else "%Y-%m-%d %H:%M", local)


@lru_cache(256)
def per(dimension: str, period: str) -> Phrase:
    """A limit: `requests per minute`. PERIOD as `period_word` says it. Cached: this is asked at every step."""
    return phrase("waits.per", what=what(dimension), period=period_of(period))


@lru_cache(256)
def used_up(dimension: str, period: str) -> Phrase:
    """`requests per minute used up`."""
    return phrase("waits.used_up", what=what(dimension), period=period_of(period))


@lru_cache(256)
def refused_by(dimension: str, period: str) -> Phrase:
    """Why a call has to be sent again: `the limit of requests per minute is used up`."""
    return phrase("held.limit", what=what(dimension), period=period_of(period))
