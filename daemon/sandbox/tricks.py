"""Which model name asks for which trouble. Any other name simply answers.

A name with `-once` behind it does it for the first attempt of each body only; the next one passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from daemon.sandbox.settings import SandboxSettings
from daemon.sandbox.trouble import Kind, Trouble

ONCE = "-once"


@dataclass(frozen=True, slots=True)
class Trick:
    """What a model name does."""

    about: str
    """One line for people."""
    kind: Kind | None = None
    """An error in the API's own form, without touching the limits."""
    form: Literal["", "page", "wire"] = ""
    """page: an answer that is no API error; wire: trouble on the connection after the call was let in."""
    clears: bool = False
    """Passes when the told wait is over."""


PLAIN = {
    "echo": "says your words back, and nothing else",
    "long-200": "streams 200 chunks; any number can stand there",
    "dribble": "a stream cut into pieces of 7 bytes, in the middle of characters too",
}

TRICKS: dict[str, Trick] = {
    "requests-per-minute": Trick("one 429 for requests a minute, passes after its wait", "rate", clears=True),
    "tokens-per-minute": Trick("one 429 for tokens a minute, passes after its wait", "rate", clears=True),
    "input-tokens-per-minute": Trick("one 429 for input tokens a minute, passes after its wait", "rate", clears=True),
    "output-tokens-per-minute": Trick("one 429 for output tokens a minute, passes after its wait", "rate", clears=True),
    "images-per-minute": Trick("one 429 for images a minute, passes after its wait", "rate", clears=True),
    "rate-limit": Trick("always a 429 for requests a minute with a short wait", "rate"),
    "requests-per-day": Trick("always a 429 for requests a day", "rate"),
    "tokens-per-day": Trick("always a 429 for tokens a day", "rate"),
    "rate-unspecified": Trick("a 429 that tells nothing", "bare"),
    "too-large": Trick("this one request is larger than a whole minute's limit", "too-large"),
    "concurrency": Trick("too many calls at the same time", "concurrency"),
    "acceleration": Trick("the usage rose too fast", "slow-down"),
    "insufficient-quota": Trick("no credit left", "insufficient-quota"),
    "billing-inactive": Trick("the billing account is not active", "billing-inactive"),
    "spend-limit": Trick("a spending limit that the owner set is reached", "spend-limit"),
    "not-in-plan": Trick("the plan has none of this model", "not-in-plan"),
    "plan-window": Trick("a subscription's hours are used up", "plan-window"),
    "overloaded": Trick("503 or 529, no capacity", "overloaded"),
    "server-error": Trick("500", "server-error"),
    "invalid-key": Trick("the key is wrong", "invalid-key"),
    "suspended": Trick("the account is suspended", "suspended"),
    "permission": Trick("not allowed here", "permission"),
    "not-found": Trick("no such model", "not-found"),
    "bad-request": Trick("a parameter is wrong", "bad-request"),
    "edge-blocked": Trick("a CDN's HTML page instead of the API", form="page"),
    "edge-1015": Trick("a CDN's 16 bytes of text with a retry-after of hours", form="page"),
    "html-429": Trick("429 with a web server's HTML page", form="page"),
    "html-502": Trick("502 with a web server's HTML page", form="page"),
    "empty-429": Trick("429 with an empty body", form="page"),
    "json-no-error-429": Trick("429 with JSON that has no error key", form="page"),
    "string-429": Trick("429 whose body is one JSON string", form="page"),
    "error-string-429": Trick("429 whose error is a string", form="page"),
    "array-429": Trick("429 whose body is a JSON array", form="page"),
    "redirect": Trick("307 to another path", form="page"),
    "accepted-202": Trick("202 instead of 200", form="page"),
    "bad-header": Trick("429 with a header that is not ASCII", form="page"),
    "error-in-stream": Trick("200, some chunks, then an error (not streamed: an error in a 200)", form="wire"),
    "cut-stream": Trick("200, some chunks, then the connection closes", form="wire"),
    "reset-in-stream": Trick("200, some chunks, then the connection is reset", form="wire"),
    "reset": Trick("the connection is reset before any answer", form="wire"),
    "close": Trick("the connection is closed before any answer", form="wire"),
    "hang": Trick("never answers", form="wire"),
    "stall": Trick("one chunk, then silence", form="wire"),
    "slow-first-byte": Trick("answers late", form="wire"),
    "truncated-body": Trick("content-length is larger than the body", form="wire"),
    "garbage": Trick("not HTTP at all", form="wire"),
}


def names() -> dict[str, str]:
    """All model names worth listing, and a line about each."""
    return PLAIN | {name: trick.about for name, trick in TRICKS.items()}


def find(model: str | None) -> tuple[str, Trick | None, bool]:
    """Return the trick's name, the trick, and whether it is meant once for each body."""
    name = model or ""
    if name in TRICKS:
        return name, TRICKS[name], False
    base = name.removesuffix(ONCE)
    return base, TRICKS.get(base), base != name


class Tries:
    """Remembers for which bodies a trick was played already, for those that pass at some time."""

    def __init__(self) -> None:
        self._first: dict[bytes, float] = {}

    def left_s(self, body: bytes, trick: Trick, once: bool, wait_s: float | None, now: float) -> float | None:
        """Return the wait to tell, if the trick is to be played for BODY now; None if this attempt passes.

        After an attempt that passed, the next one with the same body begins anew.
        """
        told = wait_s or 0.0
        if not once and not trick.clears:
            return told
        if body not in self._first:
            self._first[body] = now
            return told
        left = 0.0 if once else self._first[body] + told - now
        if left > 1e-6:
            return left
        del self._first[body]
        return None


def trouble(name: str, trick: Trick, settings: SandboxSettings) -> Trouble:
    """The trouble of a trick that has a kind, with figures that agree with each other and with the settings."""
    minute = settings.minute_s
    calls = settings.requests_per_minute or 60
    tokens = settings.tokens_per_minute or 40_000
    per_minute = {
        "requests-per-minute": Trouble("rate", "requests", "minute", calls, calls, 1, minute / calls),
        "tokens-per-minute": Trouble("rate", "tokens", "minute", tokens, tokens * 0.95, tokens * 0.1, minute * 0.05),
        "input-tokens-per-minute": Trouble(
            "rate", "input_tokens", "minute", tokens, tokens * 0.95, tokens * 0.1, minute * 0.05
        ),
        "output-tokens-per-minute": Trouble(
            "rate", "output_tokens", "minute", tokens, tokens * 0.95, tokens * 0.1, minute * 0.05
        ),
        "images-per-minute": Trouble("rate", "images", "minute", 10, 10, 1, minute / 10),
        "rate-limit": Trouble("rate", "requests", "minute", 20, 20, 1, minute / 20),
        "requests-per-day": Trouble("rate", "requests", "day", 200, 200, 1, settings.day_s / 200),
        "tokens-per-day": Trouble("rate", "tokens", "day", 200_000, 199_500, 1_500, settings.day_s / 200),
        "too-large": Trouble("too-large", "tokens", "minute", tokens, 0, tokens * 1.7),
        "concurrency": Trouble("concurrency", limit=1, used=1, requested=1, wait_s=minute / 60),
        "bad-request": Trouble("bad-request", detail="Unsupported value: 'temperature' must be between 0 and 2."),
    }
    return per_minute.get(name) or Trouble(trick.kind or "server-error")
