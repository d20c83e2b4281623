"""The nouns. Values only: frozen, slotted, no I/O. What two rooms both need is here.

Times: names that end in `_s` are seconds; `_at` is Unix time in seconds. Token counts are floats before a call
(estimates) and ints after it (what the provider reported).
"""

from __future__ import annotations

import enum
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from daemon.dimensions import DIMENSIONS as DIMENSIONS
from daemon.redact import Sealed, Secret


class Priority(enum.IntEnum):
    """Who goes first; a smaller number goes earlier."""

    INTERACTIVE = 0
    NORMAL = 1
    BATCH = 2


Dimension = Literal["requests", "tokens", "input_tokens", "output_tokens", "images", "audio_seconds", "concurrency"]
"""One of DIMENSIONS."""

Headers = tuple[tuple[str, str], ...]
"""Header fields in order, with case and duplicates as they came."""

SealedHeaders = tuple[tuple[str, Sealed], ...]
"""The same, with secret values sealed."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that the configuration or a provider's catalogue states."""

    dimension: Dimension
    amount: float
    period_s: float | None = None
    """None for concurrency."""
    period: str | None = None
    """The word it was written with: second, minute, hour, day, month; None for a free duration."""
    models: tuple[str, ...] = ()
    """Shell patterns of the model names it applies to; empty: all calls of the origin and key together."""


@dataclass(frozen=True, slots=True)
class Way:
    """One of several keys or endpoints for the same host, all of them the person's own."""

    name: str
    url: str | None = None
    """As `Origin.url`; None: that of the origin."""
    variable: str | None = None
    """The environment variable with the key; None: the call's own key, or none."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the calls for one host go, and what is known about it beforehand."""

    host: str
    """As in the Host header: `api.openai.com`, `localhost:11434`."""
    url: str
    """Scheme, host, optional port and path prefix: `https://api.openai.com`. No trailing slash."""
    provider: str
    """A name from providers.yaml: openai, anthropic, gemini, azure, groq, ..., openai-compatible."""
    limits: tuple[Limit, ...] = ()
    minute_s: float = 60.0
    """What this origin calls a minute. Not 60 for simulators; second and hour scale with it, day and month do not."""
    share: float = 1.0
    """The part of each limit that Sluice may use; the rest is left to others on the same key."""
    key_variable: str | None = None
    """The environment variable that holds the key; overrides the provider's."""
    groups: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Models that share a limit: (group name, shell patterns of models)."""
    include_usage: bool = False
    """Ask for usage in streams (`stream_options.include_usage`) and take the extra chunk out again."""
    resend_after_reset: bool = False
    """Send again a call whose connection was lost after it had been sent. It may be paid for twice."""
    ways: tuple[Way, ...] = ()
    """Keys and endpoints to choose from; empty: there is no choice."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose limits a call uses. One pacing pool each."""

    host: str
    key: str
    """Bucket name of the credential and organisation headers; `-` when the call carries none."""
    group: str
    """The model, or the configured group of models; empty for calls without a model (lists, files)."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What a request says about its own size, read from its path and body by `daemon.providers`."""

    kind: str = "other"
    """chat, responses, messages, generate, embeddings, models, images, audio, completions, other."""
    model: str | None = None
    stream: bool = False
    text: str = ""
    """All text that costs input tokens, joined by newlines: messages, system prompt, tools as JSON."""
    messages: int = 0
    images: int = 0
    """Images in the input."""
    audio_seconds: float = 0.0
    """How long an uploaded recording is."""
    max_output: int | None = None
    """max_tokens and its kin; None when the request leaves it out."""
    choices: int = 1
    """n / candidateCount; images asked for, when kind is images."""
    wants_usage: bool = True
    """False for a stream that will not report usage (OpenAI chat without stream_options.include_usage)."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a call will cost, before it is sent. Floats, never negative."""

    raw_input: float = 0.0
    """Uncalibrated count of input tokens."""
    input: float = 0.0
    output: float = 0.0
    """What is reserved for the answer."""
    images: float = 0.0
    audio_seconds: float = 0.0

    @property
    def total(self) -> float:
        return self.input + self.output


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call cost, as the provider reported it."""

    input: int = 0
    output: int = 0
    cached_input: int = 0
    """Part of `input` that was read from the provider's cache."""
    cache_write: int = 0
    """Part of `input` that was written to the provider's cache (Anthropic)."""
    audio_seconds: float = 0.0
    """Length of a recording, as the provider counted it; 0 when it said nothing of one."""
    reported: bool = True
    """False: estimated from the text that passed, because the provider reported nothing."""

    @property
    def total(self) -> int:
        return self.input + self.output


CacheUse = Literal["off", "on", "refresh"]
"""on: an answer that is kept will do; refresh: send, and keep the new answer."""


@dataclass(frozen=True, slots=True)
class Sharing:
    """What a call may share with others."""

    coalesce: bool = False
    """While it is under way, calls that are identical to it get its answer."""
    cache: CacheUse = "off"
    batch: bool = False
    """It may go as one request with others that wait beside it."""


@dataclass(frozen=True, slots=True)
class Company:
    """The other call whose sending answers this one."""

    how: Literal["same", "batch", "cache"]
    """same: it was identical; batch: both were one request; cache: its answer was kept."""
    call: str
    """Its id."""


@dataclass(frozen=True, slots=True)
class Call:
    """One thing a user asked for; it may take several attempts."""

    id: str
    origin: Origin
    scope: Scope
    method: str
    target: Sealed
    """Path and query exactly as they go upstream (after the origin's path prefix), secrets sealed."""
    headers: SealedHeaders
    """As they go upstream, in order; without hop-by-hop fields, Host, Content-Length and ours."""
    body: bytes
    ask: Ask
    estimate: Estimate = Estimate()
    client: str = "-"
    """Who asked: `X-Sluice-Client`, else a short form of User-Agent. Fairness is between clients."""
    ref: str | None = None
    """The client's own id for the call (`X-Sluice-Request`)."""
    priority: Priority = Priority.NORMAL
    deadline_s: float | None = None
    """Seconds after `arrived_at` in which the call must have been admitted."""
    arrived_at: float = 0.0
    language: str | None = None
    explain: Literal["inline", "field", "off"] = "inline"
    sharing: Sharing | None = None
    """None: it shares nothing, and is sent as it is."""
    movable: bool = True
    """False: its client does not want it to be answered by another host or model."""
    chat: Chat | None = None
    """The conversation, where it was handed over as one: it can be written again for any other API."""
    way: Way | None = None
    """The key or endpoint that was chosen for it."""
    usage_asked: bool = False
    """The body asks for usage that the client did not ask for: that chunk is taken out of the stream again."""

    @property
    def model(self) -> str | None:
        return self.ask.model

    @property
    def stream(self) -> bool:
        return self.ask.stream

    def secrets(self) -> tuple[Secret, ...]:
        """All secrets that the call carries, for the redactor."""
        return (*self.target.secrets(), *(s for _, value in self.headers for s in value.secrets()))


@dataclass(frozen=True, slots=True)
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
    "dns", "refused", "unreachable", "tls", "connect_timeout", "send_timeout", "first_byte_timeout", "idle_timeout",
    "reset", "truncated", "bad_answer",
]  # fmt: skip
"""dns..connect_timeout: nothing was sent. The others: the request may have been received, and paid for."""


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
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
    """Id of the rule that decided."""
    evidence: tuple[str, ...] = ()
    """What was seen, for people: `status 429`, `error.code "insufficient_quota"`."""
    original: str = ""
    """The provider's own sentence, on one line."""

    @property
    def is_rate(self) -> bool:
        """True if waiting for the provider's window clears it."""
        return self.family == "rate"


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a person can do."""

    text: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
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


EventKind = Literal[
    "queued", "joined", "keyed", "rerouted", "admitted", "sent", "answered", "first_byte", "left", "failed", "held",
    "done", "cancelled",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One step in the life of a call. Journal, log and progress notifications are readers of these.

    queued: the call has come in. joined: it is not sent by itself, another call's sending answers it (`company`).
    keyed: one of several keys or endpoints was chosen. rerouted: it goes to another host or model (`reason`); from then
    on `call` is what goes there; with a `failure`, nobody else could answer and it is the first call again.
    admitted: it may go (`waited_s`). sent: bytes go out (attempt n). answered: status and headers are there.
    first_byte: body begins. left: its client has gone, but others wait for the same answer. failed: an attempt failed
    (`failure`, `explanation`; `final` says whether the client gets it). held: it waits to be sent again (`wait_s`,
    `reason`). done: a success has been delivered whole. cancelled: the client left or somebody cancelled it.
    Every call ends with exactly one of done, cancelled, or failed with `final` true.
    """

    kind: EventKind
    call: Call
    at: float
    attempt: int = 0
    status: int | None = None
    headers: Headers = ()
    readings: tuple[Reading, ...] = ()
    usage: Usage | None = None
    failure: Failure | None = None
    explanation: Explanation | None = None
    final: bool = False
    wait_s: float | None = None
    reason: str = ""
    body: bytes | None = None
    """With done: the answer's body, when the journal wants bodies of all calls."""
    bytes_out: int = 0
    """With done: size of the answer's body."""
    company: Company | None = None
    """With joined."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back to the client of a call."""

    call: Call
    status: int
    reason: str
    headers: Headers
    chunks: AsyncIterator[bytes]
    """The body. Closing it early means that the client left; an exception from it means a cut stream."""
    explanation: Explanation | None = None


class Memory(Protocol):
    """What the pacer keeps over a restart. Small JSON texts under (kind, key)."""

    def recall(self, kind: str) -> Mapping[str, str]:
        """All remembered values of a kind."""

    def remember(self, kind: str, key: str, value: str) -> None:
        """Keep VALUE; on disk within a second."""

    def remember_now(self, kind: str, key: str, value: str) -> None:
        """Keep VALUE; on disk before this returns. For reservations of day and month counters."""

    def forget(self, kind: str, key: str) -> None:
        """Drop it."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a normalised conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation for any provider, as JSON-RPC `chat` takes it."""

    model: str
    messages: tuple[Message, ...]
    stream: bool = True
    max_tokens: int | None = None
    temperature: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further body fields, passed on as they are."""
