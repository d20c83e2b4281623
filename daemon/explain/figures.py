"""Numbers, durations and times as people read them."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Any


def amount(value: float | None) -> str:
    """Return a number for people: `40,000`, `2.5`; empty for None."""
    if value is None:
        return ""
    if 0 < value < 0.01:
        return f"{value:.2g}"
    return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}".rstrip("0")


def span(seconds: float | None, data: Mapping[str, Any]) -> str:
    """Return a duration for people, rounded up: `12 s`, `7 min 12 s`, `5 h 20 min`, `2 days 3 h`; empty for None."""
    if seconds is None or seconds < 0:
        return ""
    if 0 < seconds < 1:
        return str(data["moment"])
    whole = int(-(-seconds // 1))
    sizes = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))
    parts: list[str] = []
    for unit, size in sizes:
        count, whole = divmod(whole, size)
        if count or (unit == "second" and not parts):
            parts.append(str(data["units"]["days" if unit == "day" and count > 1 else unit]).format(n=count))
        elif parts:
            break
    return " ".join(parts[:2])


def clock(at: float, now: float | None, forms: Mapping[str, str]) -> str:
    """Return a local time for people: `14:05` today, else with its date."""
    try:
        local = time.localtime(at)
    except (ValueError, OverflowError, OSError):
        return ""
    today = now is not None and time.localtime(now)[:3] == local[:3]
    form = forms["today" if today else "later"]
    # Not strftime alone: in the C locale it cannot write a Korean or Chinese form.
    return re.sub("%[HMYmd]", lambda part: time.strftime(part[0], local), form)
