"""Numbers, times and names that an error states about itself. Only what is there; nothing is worked out.

The patterns are data (`data/catalogue/grammar.yaml`): providers say the same few things in the same few ways, so they
are apart from the rules that decide what kind of failure it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from daemon.explain import durations
from daemon.explain.patterns import pattern, search
from daemon.explain.view import View
from daemon.quotas import Quota, quotas

_COMPARE: Final = {
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "=": lambda a, b: a == b,
}  # fmt: skip

_DIMENSION_HEADERS: Final = {
    "requests": (
        "x-ratelimit-{}-requests",
        "anthropic-ratelimit-requests-{}",
        "x-ratelimit-{}-requests-day",
        "x-ratelimit-{}",
        "ratelimit-{}",
    ),
    "tokens": ("x-ratelimit-{}-tokens", "anthropic-ratelimit-tokens-{}", "x-ratelimit-{}-tokens-minute"),
    "input_tokens": ("anthropic-ratelimit-input-tokens-{}", "x-ratelimit-{}-tokens-prompt"),
    "output_tokens": ("anthropic-ratelimit-output-tokens-{}", "x-ratelimit-{}-tokens-generated"),
}
"""`limit` and `remaining` in the headers of the API families (openai-family.md and other providers' documents)."""

SCARCE: Final = 0.2
"""A limit of which less than this is left counts as the one that was hit when no other is as low."""


_WAIT_FIELDS: Final = (
    "retrydelay", "resetsinseconds", "resetsin", "clearsin", "resetseconds", "quotaresetdelay", "estimatedtime",
    "retry-after",
)  # fmt: skip
"""Names of fields that hold the seconds, or the duration, to wait."""
_PLAN_WINDOWS: Final = ("x-codex-primary", "x-codex-secondary")
"""Each with `-used-percent` and `-reset-after-seconds` (seen in answers to ChatGPT's Codex)."""
_NAMED_LIMIT: Final = re.compile(
    r"(?P<front>x-(?:ai-)?ratelimit-)remaining(?P<rest>-(?P<period>second|minute|hour|day|month|\d+)-[\w.-]+)$"
)
"""`X-AI-RateLimit-Remaining-minute-bedrock`, or with seconds for the period (the documents of Kong's AI gateway)."""
_SAID_BESIDE: Final = ("limit", "reset", "retry-after")
_PERIODS: Final = {"60": "minute", "3600": "hour", "86400": "day"}
_AFTER_A_CHANGE: Final = re.compile(r"\bif you\b[^.]{0,40}\brecently\b[^.]{0,40}$|\brecently\b[^.]{0,40}, *$")
"""Before a wait that is for those who have just mended something: `If you recently fixed this, try again after ...`."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found; None where the error does not say."""

    limit: float | None = None
    used: float | None = None
    requested: float | None = None
    retry_after_s: float | None = None
    reset_at: float | None = None
    model: str | None = None
    window: str | None = None
    plan: str | None = None
    scarce: str | None = None
    """The dimension that the headers show as used up."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One way of stating numbers: named groups limit, used, requested, model, plan."""

    text: str
    only_if: str | None = None
    only: tuple[str, ...] = ()
    """Subtypes for which the numbers mean this; empty: all."""
    window: str | None = None


@dataclass(frozen=True, slots=True)
class Grammar:
    """All phrases, from grammar.yaml."""

    numbers: tuple[Phrase, ...] = ()
    waits: tuple[str, ...] = ()
    resets: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    outer_models: tuple[str, ...] = ()
    """What a proxy calls the model: looked at when nothing inside names one."""
    not_models: str = "^$"
    plans: tuple[str, ...] = ()
    windows: Mapping[str, str] = field(default_factory=dict)


def grammar_from(data: Mapping[str, Any]) -> Grammar:
    """Build a Grammar from the mapping in grammar.yaml."""
    return Grammar(
        numbers=tuple(
            Phrase(p["text"], p.get("only_if"), tuple(p.get("only", ())), p.get("window")) for p in data["numbers"]
        ),
        waits=tuple(w.replace("{duration}", f"(?P<wait>{durations.DURATION})") for w in data["waits"]),
        resets=tuple(data["resets"]),
        models=tuple(data["models"]),
        outer_models=tuple(data["outer_models"]),
        not_models=data["not_models"],
        plans=tuple(data["plans"]),
        windows=data["windows"],
    )


def holds(condition: str, facts: Facts) -> bool:
    """Return whether a comparison such as `requested > limit` or `scarce = tokens` is true of FACTS."""
    left, operator, right = condition.split()
    a = getattr(facts, left, None)
    b: Any = getattr(facts, right, right)
    if a is None or b is None:
        return False
    if isinstance(a, str):
        return bool(a == b)
    b = durations.number(b) if isinstance(b, str) else b
    return b is not None and bool(_COMPARE[operator](a, b))


def numbers(view: View, grammar: Grammar, subtype: str | None = None) -> Facts:
    """Return limit, used and requested, from sentences first, then from named fields and headers."""
    for low in _readings(view):
        for phrase in grammar.numbers:
            if phrase.only and subtype not in phrase.only:
                continue
            for match in _matches(phrase.text, low):
                found = {k: durations.number(v) for k, v in match.groupdict().items() if v is not None}
                facts = Facts(
                    limit=found.get("limit"),
                    used=found.get("used"),
                    requested=found.get("requested"),
                    window=phrase.window,
                )
                if found and (phrase.only_if is None or holds(phrase.only_if, facts)):
                    return facts
    return _from_fields(view)


def _from_fields(view: View) -> Facts:
    limit = _field_number(view, "quotavalue", "characterlimit", "quotalimitvalue", "nctx", "limitvalue", "ratelimit")
    requested = _field_number(view, "nprompttokens")
    for named, period, _ in _named_limits(view):
        return Facts(limit=durations.number(named), window=period)
    for full in _full_quotas(view):
        return Facts(limit=durations.number(full.limit or ""), window=_PERIODS.get(full.window_s or ""))
    return Facts(limit=limit, used=_field_number(view, "characterused", "ratecurrent"), requested=requested)


def _field_number(view: View, *names: str) -> float | None:
    for name in names:
        values = {durations.number(v) for v in view.fields.get(name, ())}
        if len(values) == 1:
            return values.pop()
    return None


def scarce(view: View) -> str | None:
    """Return the dimension that the headers show as used up; None when they do not tell."""
    left = _left(view)
    if not left:
        return None
    first, *others = sorted(left, key=lambda d: left[d][0])
    if left[first][0] >= SCARCE or (others and left[others[0]][0] < SCARCE):
        return None
    return first


def ceiling(view: View, dimension: str | None) -> float | None:
    """Return the limit of DIMENSION in the headers, where they show that little of it is left."""
    share, limit = _left(view).get(dimension or "", (1.0, 0.0))
    return limit if share < SCARCE else None


def _left(view: View) -> dict[str, tuple[float, float]]:
    """Return for each dimension in the headers which share of it is left, and its limit."""
    left: dict[str, tuple[float, float]] = {}
    if not any("limit" in name for name in view.headers):
        return left
    for dimension, forms in _DIMENSION_HEADERS.items():
        for form in forms:
            limit = durations.number(view.headers.get(form.format("limit"), ""))
            remaining = durations.number(view.headers.get(form.format("remaining"), ""))
            if limit and remaining is not None and dimension not in left:
                left[dimension] = (remaining / limit, limit)
    for quota in _quotas(view):
        limit, remaining = durations.number(quota.limit or ""), durations.number(quota.remaining or "")
        if limit and remaining is not None:
            left["requests"] = min(left.get("requests", (1.0, limit)), (remaining / limit, limit))
    return left


def wait(
    view: View, grammar: Grammar, now: float | None = None, *, reset_is_wait: bool = False
) -> tuple[float | None, float | None]:
    """Return (seconds to wait, time of reset) as the server states them. RESET_IS_WAIT: see `origin.Sign`."""
    told = (_header_wait(view, now, reset_is_wait), _field_wait(view), _text_wait(view, grammar))
    stated = [s for s in told if s is not None]
    # Google cuts the fraction off retryDelay and not off the sentence: the larger one is the true one.
    return (max(stated) if stated else _full_windows_wait(view)), _reset(view, grammar)


def _header_wait(view: View, now: float | None, reset_is_wait: bool) -> float | None:
    ms = view.headers.get("retry-after-ms")
    if ms is not None and (value := durations.seconds(ms, durations.MAX_STATED_WAIT_S * 1000)) is not None:
        return durations.checked(value / 1000, durations.MAX_STATED_WAIT_S)
    text = view.headers.get("retry-after", view.headers.get("x-ratelimit-timeremaining"))  # the latter: GitHub Models
    if text is not None:
        return durations.header_s(text, view.headers.get("date"), now)
    return durations.seconds(view.headers.get("x-ratelimit-reset", "")) if reset_is_wait else None


def _full_windows_wait(view: View) -> float | None:
    """Return after how many seconds all windows of a plan, or limits of a gateway, that the headers show as full have
    room again."""
    found = []
    for window in _PLAN_WINDOWS:
        if (durations.number(view.headers.get(f"{window}-used-percent", "")) or 0) >= 100:
            found.append(durations.seconds(view.headers.get(f"{window}-reset-after-seconds", "")))
    found += [durations.seconds(reset) for _, _, reset in _named_limits(view)]
    found += [durations.seconds(full.reset_s or "") for full in _full_quotas(view)]
    return max((one for one in found if one is not None), default=None)


def _named_limits(view: View) -> Iterator[tuple[str, str | None, str]]:
    """Yield limit, window and reset of the limits with no room that have a name of their own in their headers."""
    for name, left in view.headers.items():
        if (match := _NAMED_LIMIT.match(name)) and durations.number(left) == 0:
            front, rest, period = match["front"], match["rest"], match["period"]
            limit, reset, again = (view.headers.get(f"{front}{part}{rest}", "") for part in _SAID_BESIDE)
            yield limit, _PERIODS.get(period, None if period.isdigit() else period), again or reset


def _full_quotas(view: View) -> list[Quota]:
    """Return those of `_quotas` that have no room."""
    return [quota for quota in _quotas(view) if quota.remaining == "0"]


def _quotas(view: View) -> list[Quota]:
    """Return the limits of requests in the fields RateLimit and RateLimit-Policy."""
    names = ("ratelimit", "ratelimit-policy")
    state, policy = (view.headers.get(name) or next(iter(view.fields.get(name, ())), "") for name in names)
    return quotas(state, policy) if state else []


def _field_wait(view: View) -> float | None:
    found = []
    for name in _WAIT_FIELDS:
        if name == "retry-after" and name in view.headers:
            continue
        found += [s for v in view.fields.get(name, ()) if (s := durations.seconds(v)) is not None]
    return max(found) if found else None


def _text_wait(view: View, grammar: Grammar) -> float | None:
    for low in _readings(view):
        for source in grammar.waits:
            match = search(source, low)
            if match and _AFTER_A_CHANGE.search(low[: match.start()]):
                return None
            if match:
                found = durations.seconds(match["wait"])
                if found is not None:
                    return found
    return None


def _reset(view: View, grammar: Grammar) -> float | None:
    for name in ("resetsat", "quotaresettimestamp"):
        for value in view.fields.get(name, ()):
            if (found := durations.epoch(value)) is not None:
                return found
    for name in ("anthropic-ratelimit-unified-reset", "x-ratelimit-reset"):
        # Anthropic's plans: epoch seconds; OpenRouter: epoch milliseconds. Elsewhere a duration, which is none.
        if (found := durations.epoch(view.headers.get(name, ""))) is not None:
            return found
    for source in grammar.resets:
        match = search(source, view.low)
        if match and (found := durations.epoch(match["at"].upper())) is not None:
            return found
    return None


def model(view: View, grammar: Grammar) -> str | None:
    """Return the model that the error names; names of limit groups that are not models are left out."""
    if found := _model_said(view, grammar.models, grammar):
        return found
    for name in ("model", "basemodel"):
        for value in view.fields.get(name, ()):
            if 2 < len(value) < 80 and " " not in value and not search(grammar.not_models, value.lower()):
                return value
    return _model_said(view, grammar.outer_models, grammar)


def _model_said(view: View, sources: Iterable[str], grammar: Grammar) -> str | None:
    for source in sources:
        if match := search(source, view.low):
            found = view.line[match.start("model") : match.end("model")].rstrip(".,:;")
            if found and not search(grammar.not_models, found.lower()):
                return found
    return None


def window(view: View, grammar: Grammar) -> str | None:
    """Return the window that the error names; None when it names several or none."""
    for low in (view.low, view.glued):
        found = {name for name, source in grammar.windows.items() if search(source, low)}
        if found:
            return found.pop() if len(found) == 1 else None
    return None


def plan(view: View, grammar: Grammar) -> str | None:
    """Return the plan or tier that the error names."""
    for value in view.fields.get("plantype", ()):
        return value
    for source in grammar.plans:
        match = search(source, view.low)
        if match:
            return view.line[match.start("plan") : match.end("plan")]
    return None


def with_groups(facts: Facts, groups: Mapping[str, str]) -> Facts:
    """Let what a rule's own named groups caught win over the general phrases."""
    changes: dict[str, Any] = {}
    for name, value in groups.items():
        if name in ("limit", "used", "requested"):
            changes[name] = durations.number(value)
        elif name == "wait":
            changes["retry_after_s"] = durations.seconds(value)
        elif name == "reset":
            changes["reset_at"] = durations.epoch(value)
        elif name in ("model", "plan", "window"):
            changes[name] = value
    return replace(facts, **changes) if changes else facts


def _matches(source: str, low: str) -> Iterator[re.Match[str]]:
    """Yield all matches of SOURCE in LOW."""
    return pattern(source).finditer(low) if search(source, low) else iter(())


def _readings(view: View) -> tuple[str, ...]:
    return (view.low,) if view.glued is view.low else (view.low, view.glued)
