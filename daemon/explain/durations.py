"""Times as providers write them: durations, seconds, dates, epochs. Everything is checked before it is believed."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Literal

DAY_S: Final = 86_400.0
MAX_STATED_WAIT_S: Final = 40 * DAY_S
"""A wait may be a plan's: a month at most, with some slack. A Retry-After above this is the server's way to say never,
and counts as this: nobody sends again then."""

DURATION: Final = (
    r"(?:\d+(?:\.\d+)?\s?(?:ms|milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|weeks?)\b[,\s]*(?:and\s(?=\d))?"
    r"|\d+(?:\.\d+)?(?:ms|s|m|h|d)(?=\d))+"
)
"""`1m26.4s`, `6m0s`, `174ms`, `5 days 22 hours 11 minutes`, `20 seconds`."""

_DURATION: Final = re.compile(DURATION)
_PART: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|milli|s|m|h|d|w)[a-z]*")
_CLOCK: Final = re.compile(r"(?:(\d+)\.)?(\d{1,3}):(\d\d):(\d\d)")
"""`00:05:12`, `22.14:18:12`: days, hours, minutes, seconds as .NET writes them."""
_UNIT_S: Final = {"ms": 0.001, "milli": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": DAY_S, "w": 7 * DAY_S}
_ISO: Final = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)(?:(?:[T ]|\sat\s)(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)


def duration_s(text: str) -> float | None:
    """Return the seconds in a duration with units; None when TEXT has none."""
    parts = _PART.findall(text.lower())
    if not parts:
        return None
    return checked(sum(float(number) * _UNIT_S[unit] for number, unit in parts), MAX_STATED_WAIT_S)


def seconds(text: str, most: float = MAX_STATED_WAIT_S) -> float | None:
    """Return the seconds that TEXT states as a bare number or as a duration."""
    text = text.strip().strip("\"'")
    try:
        return checked(float(text), most)
    except ValueError:
        if clock := _CLOCK.fullmatch(text):
            days, hours, minutes, rest = (int(part or 0) for part in clock.groups())
            found = checked(days * DAY_S + hours * 3600 + minutes * 60 + rest, MAX_STATED_WAIT_S)
        else:
            found = duration_s(text) if _DURATION.fullmatch(text.lower()) else None
        return None if found is None or found > most else found


def checked(value: float, most: float) -> float | None:
    """Return VALUE if it can be a wait: finite, not negative, at most MOST."""
    if not math.isfinite(value) or value < 0 or value > most:
        return None
    return round(value, 9)


def header_s(text: str, answered: str | None, now: float | None) -> float | None:
    """Return the seconds that a Retry-After states: a number, a duration, or a date, counted from the answer's own Date
    (else NOW, Unix time). At most MAX_STATED_WAIT_S; None for what is no wait."""
    text = text.strip()
    try:
        value: float | None = float(text)
    except ValueError:
        value = seconds(text)
        if value is None:
            value = _until_s(text, answered, now)
    return None if value is None or math.isnan(value) else checked(min(value, MAX_STATED_WAIT_S), MAX_STATED_WAIT_S)


def oddity(name: str, text: str, answered: str | None, now: float | None) -> Literal["long", "past", "none"] | None:
    """Return why the field NAME (`retry-after`, `retry-after-ms`) with the value TEXT cannot be meant: its wait is
    longer than is believed, its date was past a day before the answer, or it states none. None for one that can be."""
    if name != "retry-after":
        return "none" if seconds(text, MAX_STATED_WAIT_S * 1000) is None else None
    try:
        value: float | None = float(text)
    except ValueError:
        value = seconds(text)
        if value is None and (until := _moment(text.strip())) is not None:
            since = _moment(answered) if answered else now
            left = 0.0 if since is None else until - since
            value = max(0.0, left)
            if left < -DAY_S:
                return "past"
    if value is None or math.isnan(value) or value < 0:
        return "none"
    return "long" if value > MAX_STATED_WAIT_S else None


def _until_s(text: str, answered: str | None, now: float | None) -> float | None:
    """Return the seconds from ANSWERED (an HTTP date), else NOW, until the date TEXT (HTTP's or ISO's); 0 if past."""
    until, since = _moment(text), _moment(answered) if answered else now
    return None if until is None or since is None else max(0.0, until - since)


def _moment(text: str) -> float | None:
    from email.utils import parsedate_to_datetime  # a slow import that few failures need

    if text[:4].isdigit():
        return epoch(text)
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def epoch(text: str) -> float | None:
    """Return the Unix time that TEXT states in seconds, milliseconds or ISO form with a zone; None otherwise.

    A date without a zone is not believed: at least one provider writes the provider's local time.
    """
    text = text.strip()
    if re.fullmatch(r"\d{10}(?:\.\d+)?|\d{13}", text):
        value = float(text)
        return value / 1000 if value > 1e12 else value
    match = _ISO.search(text)
    if not match or not match[7]:
        return None
    year, month, day, hour, minute, second = (int(g or 0) for g in match.groups()[:6])
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=_zone(match[7])).timestamp()
    except (ValueError, OverflowError):
        return None


def _zone(text: str) -> timezone:
    if text.upper() in ("Z", "UTC", "GMT"):
        return UTC
    sign = -1 if text[0] == "-" else 1
    digits = text[1:].replace(":", "")
    return timezone(sign * timedelta(hours=int(digits[:2]), minutes=int(digits[2:])))


def number(text: str) -> float | None:
    """Return the number in `30,000`, `60.000000`, `10K`; None for anything else, and for `no limit` numbers."""
    match = re.fullmatch(r"~?(-?\d[\d,]*(?:\.\d+)?)\s*([kKmM]?)", text.strip())
    if not match:
        return None
    value = float(match[1].replace(",", "")) * {"": 1, "k": 1e3, "m": 1e6}[match[2].lower()]
    return value if math.isfinite(value) and 0 <= value < 1e15 else None
