"""When a provider's days and months begin."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cache

ZONES = {"gemini": "America/Los_Angeles", "vertex": "America/Los_Angeles"}
"""Where a provider's day begins; all others in UTC. Gemini: https://ai.google.dev/gemini-api/docs/rate-limits
(midnight Pacific)."""


@cache
def zone_of(provider: str) -> tzinfo:
    """The zone in which PROVIDER's days begin."""
    if provider not in ZONES:
        return UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # here: few providers count in a zone of their own

    try:
        return ZoneInfo(ZONES[provider])
    except ZoneInfoNotFoundError:
        return UTC


def start_of(period: str, wall: float, zone: tzinfo) -> float:
    """Return the Unix time at which the day or month of WALL began in ZONE."""
    local = datetime.fromtimestamp(wall, zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    return (local.replace(day=1) if period == "month" else local).timestamp()


def end_of(period: str, wall: float, zone: tzinfo) -> float:
    """Return the Unix time at which the next one begins. Days of 23 and 25 hours come out right."""
    local = datetime.fromtimestamp(start_of(period, wall, zone), zone)
    if period == "month":
        year, month = divmod(local.year * 12 + local.month, 12)
        return local.replace(year=year, month=month + 1).timestamp()
    return datetime(*_next_day(local), tzinfo=zone).timestamp()


def resets_in_s(period: str, wall: float, zone: tzinfo) -> float:
    """Return the seconds until the next day or month begins."""
    return max(0.001, end_of(period, wall, zone) - wall)


def _next_day(local: datetime) -> tuple[int, int, int]:
    following = datetime.fromordinal(local.toordinal() + 1)
    return following.year, following.month, following.day
