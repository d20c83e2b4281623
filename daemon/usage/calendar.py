"""Days, weeks and months of the person's own calendar. Weeks begin on Monday. Pure: the time is an argument."""

from __future__ import annotations

import time
from datetime import date, datetime, timedelta

from daemon.spending import Span


def day_of(at: float) -> str:
    """The local date of the Unix time AT, as ISO text."""
    return time.strftime("%Y-%m-%d", time.localtime(at))


def begins(span: Span, at: float) -> str:
    """The first day of the SPAN that holds the Unix time AT."""
    today = date.fromisoformat(day_of(at))
    if span == "week":
        return (today - timedelta(days=today.weekday())).isoformat()
    return (today.replace(day=1) if span == "month" else today).isoformat()


def ends_at(span: Span, at: float) -> float:
    """The Unix time at which the SPAN that holds AT is over."""
    first = date.fromisoformat(begins(span, at))
    if span == "day":
        following = first + timedelta(days=1)
    elif span == "week":
        following = first + timedelta(days=7)
    else:
        following = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return datetime(following.year, following.month, following.day).timestamp()


def since_day(since_s: float, now: float) -> str:
    """The first local day of the last SINCE_S seconds: `7d` are today and the six days before it."""
    days = max(1, round(since_s / 86400.0)) if since_s >= 86400.0 else 1
    return (date.fromisoformat(day_of(now)) - timedelta(days=min(days, 36500) - 1)).isoformat()
