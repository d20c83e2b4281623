"""What an answer says: of limits, and of what went wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from daemon.model.call import Dimension, Headers
from daemon.model.noun import noun

UNREAD: Final = "unread"
"""In place of a rule's id, when no rule could be read."""


@noun(frozen=True, slots=True)
class Reading:
    """What the headers of one answer say about one limit."""

    dimension: Dimension
    limit: float | None = None
    remaining: float | None = None
    reset_s: float | None = None
    """Seconds from the answer until the limit is full again (instants are converted with the answer's Date)."""
    period_s: float | None = None
    """Nominal period (60, 86400, ...) where the header's name or the provider's documentation says it; else None."""


TransportFault = Literal[
    "dns", "offline", "refused", "unreachable", "tls", "connect_timeout", "send_timeout", "first_byte_timeout",
    "idle_timeout", "reset", "truncated", "bad_answer",
]  # fmt: skip
"""dns: there is no such name. offline: there is no network, as no way leads there and no name server answers.
dns..connect_timeout: nothing was sent. The others: the request may have been received, and paid for."""


@noun(frozen=True, slots=True)
class Failure:
    """An answer that is not a success, no answer at all, or a pasted error text."""

    status: int | None = None
    headers: Headers = ()
    body: bytes = b""
    text: str | None = None
    """A pasted text; status, headers and body are then unset."""
    host: str | None = None
    provider: str | None = None
    """A name from providers.yaml, when we know whom we asked; None makes the catalogue find out."""
    model: str | None = None
    """The model that the call asked for; not a fact of the error."""
    fault: TransportFault | None = None
    sent: bool = False
    """With a `fault`: bytes of the request had gone out."""
    detail: str = ""
    """With a `fault`: what the operating system or TLS said, redacted; and which timeout it was."""


Retry = Literal["wait", "change", "never", "unknown"]
"""wait: it clears by itself; change: this request must change; never: a person must act; unknown."""

Confidence = Literal["sure", "likely", "guess"]


FALSE_DAY_WAITS = frozenset({"gemini", "vertex", "gemini-cli"})
"""Google prints a wait of seconds beside a limit per day, which comes back at midnight in Los Angeles (reports)."""


@noun(frozen=True, slots=True)
class Finding:
    """What kind of failure it is, and the facts that the error itself states."""

    subtype: str = "unknown"
    family: str = "unknown"
    retry: Retry = "unknown"
    confidence: Confidence = "guess"
    provider: str | None = None
    status: int | None = None
    dimension: Dimension | None = None
    window: str | None = None
    """second, minute, hour, day, week, month, ...; None when it is not stated."""
    limit: float | None = None
    used: float | None = None
    requested: float | None = None
    retry_after_s: float | None = None
    reset_at: float | None = None
    model: str | None = None
    plan: str | None = None
    rule: str | None = None
    """Id of the rule that decided; UNREAD: none could be read."""
    evidence: tuple[str, ...] = ()
    """What was seen, for people: `status 429`, `error.code "insufficient_quota"`."""
    original: str = ""
    """The provider's own sentence, on one line."""

    def seen(self, *marks: str) -> Finding:
        """The same, with more evidence: MARKS, as `mark` writes them."""
        return replace(self, evidence=(*self.evidence, *marks))

    @property
    def is_unread(self) -> bool:
        """True where the rules could not be read: nothing is known of the failure, and nothing is learned from it."""
        return self.rule == UNREAD

    @property
    def is_rate(self) -> bool:
        """True if waiting for the provider's window clears it."""
        return self.family == "rate"

    @property
    def true_wait_s(self) -> float | None:
        """The seconds to wait that are stated; None as well where the provider is known to state false ones."""
        return None if self.window == "day" and self.provider in FALSE_DAY_WAITS else self.retry_after_s


@noun(frozen=True, slots=True)
class Situation:
    """What the daemon knows around a failure; everything optional, nothing invented."""

    call_id: str | None = None
    host: str | None = None
    model: str | None = None
    attempts: int = 0
    calls_last_minute: int | None = None
    last_success_s: float | None = None
    """Seconds since the last success with this key."""
    resend_in_s: float | None = None
    """The daemon will send again after this time; None: it will not."""
    waited_s: float | None = None
    key_variable: str | None = None
    room: tuple[str, ...] = ()
    """Models that were used lately with the same key and have room now."""


@noun(frozen=True, slots=True)
class Action:
    """One thing that a person can do."""

    text: str
    url: str | None = None


@noun(frozen=True, slots=True)
class Explanation:
    """A finding in words, in one language."""

    finding: Finding
    language: str
    line: str
    """At most 150 characters, most important words first, no newline."""
    reason: str
    """ASCII, at most 30 characters: the HTTP reason phrase, for example `Out of credit`."""
    title: str
    what: str
    why: str
    now: str
    """What happens now: waits and sends again, or waiting will not help."""
    actions: tuple[Action, ...] = ()
    not_this: str = ""
    """What it is not."""
    evidence: str = ""

    def as_json(self) -> dict[str, Any]:
        """The JSON form that clients get (`error.sluice`, JSON-RPC, `daemon explain --json`)."""
        f = self.finding
        return {
            "subtype": f.subtype, "family": f.family, "retry": f.retry, "confidence": f.confidence,
            "provider": f.provider, "status": f.status, "dimension": f.dimension, "window": f.window,
            "limit": f.limit, "used": f.used, "requested": f.requested, "retry_after_s": f.retry_after_s,
            "reset_at": f.reset_at, "model": f.model, "plan": f.plan, "rule": f.rule, "original": f.original,
            "language": self.language, "line": self.line, "title": self.title, "what": self.what, "why": self.why,
            "now": self.now, "actions": [{"text": a.text, "url": a.url} for a in self.actions],
            "not_this": self.not_this, "evidence": self.evidence, "reason": self.reason,
        }  # fmt: skip

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> Explanation:
        """The explanation that `as_json` wrote, without the evidence as a list."""
        names = (
            "subtype", "family", "retry", "confidence", "provider", "status", "dimension", "window", "limit", "used",
            "requested", "retry_after_s", "reset_at", "model", "plan", "rule", "original",
        )  # fmt: skip
        words = ("language", "line", "reason", "title", "what", "why", "now", "not_this", "evidence")
        return cls(
            finding=Finding(**{name: kept[name] for name in names if kept.get(name) is not None}),
            actions=tuple(Action(one["text"], one.get("url")) for one in kept.get("actions") or ()),
            **{name: str(kept.get(name) or "") for name in words},
        )
