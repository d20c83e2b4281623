"""What the headers of an answer say about limits.

Nearly all providers write `x-ratelimit-{limit,remaining,reset}-WHAT`; they differ in WHAT, in the form of the reset
and in the period that they leave out. Anthropic has its own names. The differences are words in data/providers.yaml
(`periods`, `header_unit_s`, `ignore_limits`).
Sources: OpenAI community 1268905 and rate-limits guide; console.groq.com/docs/rate-limits; inference-docs.cerebras.ai;
platform.claude.com/docs/en/api/rate-limits; docs.fireworks.ai/serverless/rate-limits; docs.sambanova.ai rate-limits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final

from daemon.model import Dimension, Headers, Reading
from daemon.providers.times import instant, number, reset
from daemon.quotas import quotas

_FAMILY: Final = re.compile(r"x-ratelimit-(limit|remaining|reset)(?:-(.+))?")
_ANTHROPIC: Final = re.compile(
    r"anthropic-ratelimit-(requests|tokens|input-tokens|output-tokens)-(limit|remaining|reset)"
)
_IETF: Final = re.compile(r"ratelimit-(limit|remaining|reset)")
_IETF_LISTS: Final = ("ratelimit", "ratelimit-policy")
_IETF_WINDOW: Final = re.compile(r"(\d{1,15})\s*;\s*w=(\d{1,8})")

_DIMENSION: Final[dict[str, Dimension]] = {
    "": "requests", "requests": "requests", "request": "requests", "req": "requests",
    "tokens": "tokens", "token": "tokens", "tokens_usage_based": "tokens",
    "tokens-prompt": "input_tokens", "tokens-cache-adjusted-prompt": "input_tokens", "input-tokens": "input_tokens",
    "tokens-generated": "output_tokens", "output-tokens": "output_tokens",
    "images": "images", "input-images": "images", "audio-seconds": "audio_seconds",
}  # fmt: skip
_PERIOD_S: Final = {"second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86400.0, "month": 30 * 86400.0}
_MOST: Final = 1e15
"""Counts above this are "unlimited" in disguise (LiteLLM sends 9223372036854775807)."""

_LAYOUT_LENGTH: Final = 2048
"""Letters of names, beyond which it is not kept where they stand: what a provider makes up must not fill the memory."""

_Fields = dict[tuple[Dimension, str, float | None], dict[str, str]]
"""(dimension, header suffix, period in the header's name) -> limit, remaining, reset as texts."""


def read_limits(
    headers: Headers, now: float, periods: Mapping[str, float], unit_s: float | None = None
) -> tuple[Reading, ...]:
    """All limits that HEADERS state. PERIODS: documented seconds per dimension for names that carry none.

    UNIT_S: the limits are averages over this many seconds (Fireworks: per second) of a limit a minute. Such a figure is
    scaled to the minute and only its limit is kept, since a whole minute may be used at once.
    """
    names = tuple([name for name, _ in headers])
    layout = _layout(names) if sum(map(len, names)) <= _LAYOUT_LENGTH else _Layout(names)
    if not layout.states:
        return ()
    moment = _answered_at(headers, layout, now)
    readings = [*_of_family(headers, layout, moment, periods), *_of_anthropic(headers, layout, moment)]
    if not readings:
        readings = [*_of_ietf(headers, layout, moment), *_of_ietf_lists(headers, layout, moment)]
    if unit_s is not None:
        readings = [_per_minute(reading, unit_s) for reading in readings]
    return _tightest(readings)


class _Layout:
    """Where in an answer's header what is said: a provider's answers all have the same names in the same order."""

    __slots__ = ("anthropic", "date", "family", "ietf", "lists", "resets", "states")

    def __init__(self, names: tuple[str, ...]) -> None:
        low = [name.lower() for name in names]
        stated = [(at, name) for at, name in enumerate(low) if "ratelimit" in name]
        self.states = bool(stated)
        self.date = low.index("date") if "date" in low else None
        self.resets = [at for at, name in enumerate(low) if "reset" in name]
        self.family = [(at, known) for at, name in stated if (known := _family_field(name))]
        self.anthropic = [(at, match[1], match[2]) for at, name in stated if (match := _ANTHROPIC.fullmatch(name))]
        self.lists = {name: at for at, name in reversed(stated) if name in _IETF_LISTS}
        self.ietf = [(at, match[1]) for at, name in stated if (match := _IETF.fullmatch(name))]


_layout = lru_cache(maxsize=256)(_Layout)


def _answered_at(headers: Headers, layout: _Layout, now: float) -> float:
    """The answer's own Date, if a reset may be a moment; parsing it costs more than all the rest."""
    if layout.date is None or not any(len(headers[at][1]) >= 10 for at in layout.resets):
        return now
    moment = instant(headers[layout.date][1])
    return now if moment is None else moment


def _of_family(headers: Headers, layout: _Layout, now: float, periods: Mapping[str, float]) -> Iterable[Reading]:
    """`x-ratelimit-*`: OpenAI, Azure, Groq, Mistral, Cerebras, Fireworks, SambaNova, OpenRouter and their like."""
    fields: _Fields = {}
    for at, (where, part) in layout.family:
        fields.setdefault(where, {}).setdefault(part, headers[at][1])
    for (dimension, suffix, period), texts in fields.items():
        bare = suffix in ("", "requests", "tokens")
        reading = _reading(dimension, texts, now, periods.get(dimension) if period is None and bare else period)
        if reading:
            yield reading


def _family_field(name: str) -> tuple[tuple[Dimension, str, float | None], str] | None:
    """What a field of that name is about (as in `_Fields`), and whether it is the limit, what remains, or the reset."""
    match = _FAMILY.fullmatch(name)
    what = _what(match[2] or "") if match else None
    return ((what[0], match[2] or "", what[1]), match[1]) if match and what else None


def _what(suffix: str) -> tuple[Dimension, float | None] | None:
    """The dimension and period that a header's suffix names: `tokens-minute`, `requests-day`, `project-tokens`."""
    suffix = suffix.removeprefix("project-")
    head, _, last = suffix.rpartition("-")
    period = _PERIOD_S.get(last)
    dimension = _DIMENSION.get(head if period else suffix)
    return (dimension, period) if dimension else None


def _of_anthropic(headers: Headers, layout: _Layout, now: float) -> Iterable[Reading]:
    """`anthropic-ratelimit-*`: all per minute; the reset is when the limit is full, not when the next call may go."""
    fields: dict[str, dict[str, str]] = {}
    for at, what, part in layout.anthropic:
        fields.setdefault(what, {}).setdefault(part, headers[at][1])
    found: dict[str, Reading] = {}
    for what, texts in fields.items():
        reading = _reading(_DIMENSION[what], texts, now, 60.0)
        if reading:
            found[what] = reading
    if _repeats_parts(found):
        del found["tokens"]
    return found.values()


def _repeats_parts(found: Mapping[str, Reading]) -> bool:
    """Whether Anthropic's `tokens` only repeats the input or output limit, or their sum.

    It shows "the most restrictive limit in effect". Counting input and output together against what is really the
    input limit would hold calls back for nothing. A workspace's own total differs from both and is kept.
    """
    total = found.get("tokens")
    parts = [found[what].limit for what in ("input-tokens", "output-tokens") if what in found]
    known = [part for part in parts if part is not None]
    return total is not None and bool(known) and (total.limit in known or total.limit == sum(known))


def _of_ietf(headers: Headers, layout: _Layout, now: float) -> Iterable[Reading]:
    """`ratelimit-limit: 100, 100;w=60` of the IETF draft, as general gateways send it; requests."""
    texts: dict[str, str] = {}
    for at, part in layout.ietf:
        texts.setdefault(part, headers[at][1])
    window = _IETF_WINDOW.search(texts.get("limit", ""))
    if "limit" in texts:
        texts["limit"] = texts["limit"].split(",")[0].split(";")[0]
    reading = _reading("requests", texts, now, float(window[2]) if window and int(window[2]) else None)
    return (reading,) if reading else ()


def _of_ietf_lists(headers: Headers, layout: _Layout, now: float) -> Iterable[Reading]:
    """`RateLimit` and `RateLimit-Policy`, as newer drafts have them: Hugging Face, and gateways."""
    state, policy = (headers[layout.lists[name]][1] if name in layout.lists else "" for name in _IETF_LISTS)
    for quota in quotas(state, policy) if state or policy else ():
        told = {"limit": quota.limit, "remaining": quota.remaining, "reset": quota.reset_s}
        texts = {part: text for part, text in told.items() if text is not None}
        reading = _reading("requests", texts, now, number(quota.window_s or "") or None)
        if reading:
            yield reading


def _reading(dimension: Dimension, texts: Mapping[str, str], now: float, period_s: float | None) -> Reading | None:
    """One Reading, or None when the figures cannot be true.

    Azure's Responses API sends -1 and 0 for "unknown" (openai-dotnet 838); a remaining above the limit, a limit of
    nothing and figures beyond reason are not believed either.
    """
    limit, remaining = number(texts.get("limit", "")), number(texts.get("remaining", ""))
    if "limit" in texts and (limit is None or not 0 < limit <= _MOST):
        return None
    if "remaining" in texts and remaining is None:
        return None
    if limit is None and remaining is None:
        return None
    if remaining is not None and remaining > (_MOST if limit is None else limit):
        return None
    reset_s = reset(texts["reset"], now) if "reset" in texts else None
    return Reading(dimension, limit, remaining, reset_s, period_s)


def _per_minute(reading: Reading, unit_s: float) -> Reading:
    limit = None if reading.limit is None else reading.limit * 60.0 / unit_s
    return Reading(reading.dimension, limit, None, None, 60.0)


def _tightest(readings: Iterable[Reading]) -> tuple[Reading, ...]:
    """One reading for each dimension and period: the smallest limit (a project's below its organisation's)."""
    best: dict[tuple[Dimension, float | None], Reading] = {}
    for reading in readings:
        key = (reading.dimension, reading.period_s)
        if key not in best or _rank(reading) < _rank(best[key]):
            best[key] = reading
    return tuple(best.values())


def _rank(reading: Reading) -> tuple[float, float]:
    return (
        _MOST if reading.limit is None else reading.limit,
        _MOST if reading.remaining is None else reading.remaining,
    )
