"""Durations and instants as providers write them in headers and bodies. All results are seconds.

Hostile values (NaN, signs, exponents, thousands of digits) give None: a limit that is not understood is no limit.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

_NUMBER: Final = re.compile(r"\d{1,15}(\.\d{1,9})?", re.ASCII)
_GO_PART: Final = re.compile(r"(\d{1,15}(?:\.\d{1,9})?)(ms|us|µs|ns|h|m|s|d)", re.ASCII)
_UNIT_S: Final = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}

_EPOCH_S: Final = 1_000_000_000.0
"""Plain numbers from here on (September 2001) are instants, not durations: 1e9 seconds are 31 years."""
_EPOCH_MS: Final = 1_000_000_000_000.0
MAX_RESET_S: Final = 32 * 86400.0
"""A limit that is full again only after more than a month is not a limit that one waits for."""


def number(text: str) -> float | None:
    """A plain count, zero or more: `60`, `0.5`. No sign, no exponent, no NaN, at most 15 digits."""
    text = text.strip()
    return float(text) if _NUMBER.fullmatch(text) else None


def duration(text: str) -> float | None:
    """A Go duration in seconds: `12ms`, `8.64s`, `6m0s`, `1h2m3.5s`; also protobuf's `26s`. None for anything else."""
    text = text.strip()
    total, position = 0.0, 0
    for part in _GO_PART.finditer(text):
        if part.start() != position:
            return None
        total += float(part[1]) * _UNIT_S[part[2]]
        position = part.end()
    return total if position and position == len(text) else None


def instant(text: str) -> float | None:
    """A moment in Unix seconds: RFC 3339 (`2026-11-01T20:00:00Z`) or an HTTP date. None for anything else."""
    text = text.strip()
    try:
        if text[:4].isdigit() and "T" in text:
            moment = datetime.fromisoformat(text)
        elif len(text) < 64:
            moment = parsedate_to_datetime(text)
        else:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def reset(text: str, now: float) -> float | None:
    """Seconds until a limit is full again, from any form that providers use.

    Go durations (OpenAI, Groq), plain seconds (Azure, Cerebras), epoch seconds (SambaNova), epoch milliseconds
    (OpenRouter), RFC 3339 (Anthropic). NOW is the moment of the answer, best its Date header: the local clock may
    be wrong. A moment in the past means that the limit is full: 0.
    """
    seconds = number(text)
    if seconds is None:
        seconds = duration(text)
    elif seconds >= _EPOCH_MS:
        seconds = max(0.0, seconds / 1000 - now)
    elif seconds >= _EPOCH_S:
        seconds = max(0.0, seconds - now)
    if seconds is None:
        moment = instant(text)
        seconds = None if moment is None else max(0.0, moment - now)
    return seconds if seconds is not None and seconds <= MAX_RESET_S else None
