"""How long the provider itself asks to wait: headers first, then the few bodies that have a field for it.

Sentences ("try again in 20s") are the catalogue's work; fields are read here.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

from daemon.model import Headers
from daemon.providers.times import duration, instant

MAX_WAIT_S: Final = 2 * 86400.0
_SIGNED: Final = re.compile(r"[+-]?\d{1,300}(\.\d{1,300})?")
_GEMINI_TEXT: Final = re.compile(r"[Rr]etry in ([0-9hms.]+s)\b")


def retry_after(status: int, headers: Headers, body: bytes, now: float, *, reset_is_wait: bool = False) -> float | None:
    """Seconds to wait before the next try, within [0, 2 days], or None when nothing is said (or on a success).

    RESET_IS_WAIT: `x-ratelimit-reset` is the suggested interval (Together's documentation); elsewhere it is not.
    """
    if status < 400:
        return None
    low: dict[str, str] = {}
    for name, value in headers:
        low.setdefault(name.lower(), value)
    wait = _from_headers(low, now, reset_is_wait)
    if wait is None:
        wait = _from_body(body)
    return None if wait is None else min(max(wait, 0.0), MAX_WAIT_S)


def _from_headers(low: dict[str, str], now: float, reset_is_wait: bool) -> float | None:
    millis = _signed(low.get("retry-after-ms", ""))
    if millis is not None:
        return millis / 1000
    text = low.get("retry-after", "")
    wait = _signed(text)
    if wait is None:
        wait = duration(text)
    if wait is None and (moment := instant(text)) is not None:
        said_at = instant(low.get("date", ""))
        wait = moment - (now if said_at is None else said_at)
    if wait is None and reset_is_wait:
        wait = _signed(low.get("x-ratelimit-reset", ""))
    return wait


def _signed(text: str) -> float | None:
    """A number with an optional sign; `inf` for absurdly many digits is fine, since the caller clamps."""
    text = text.strip()
    return float(text) if _SIGNED.fullmatch(text) else None


def _from_body(body: bytes) -> float | None:
    """Gemini's RetryInfo, Replicate's `retry_after`. Bodies that are large or not JSON say nothing."""
    if len(body) > 1 << 20 or not (b"retry" in body or b"Retry" in body):
        return None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(document, list) and document:
        document = document[0]
    if not isinstance(document, dict):
        return None
    plain = document.get("retry_after")
    if isinstance(plain, (int, float)) and not isinstance(plain, bool) and plain == plain:
        return float(min(max(plain, 0), MAX_WAIT_S))
    return _from_google(document.get("error"))


def _from_google(error: Any) -> float | None:
    """The larger of RetryInfo.retryDelay and the sentence: newer answers cut the fraction off the field."""
    if not isinstance(error, dict):
        return None
    waits = []
    details = error.get("details")
    for detail in details if isinstance(details, list) else ():
        if isinstance(detail, dict) and isinstance(detail.get("retryDelay"), str):
            waits.append(duration(detail["retryDelay"]))
    message = error.get("message")
    if waits and isinstance(message, str) and (match := _GEMINI_TEXT.search(message[:4000])):
        waits.append(duration(match[1]))
    return max((wait for wait in waits if wait is not None), default=None)
