"""What is asked: a call, where it goes, what it weighs."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Any, Final, Literal

from daemon.model.noun import noun
from daemon.redact import Sealed, Secret, withhold


class Priority(enum.IntEnum):
    """Who goes first; a smaller number goes earlier."""

    INTERACTIVE = 0
    NORMAL = 1
    BATCH = 2


Dimension = Literal["requests", "tokens", "input_tokens", "output_tokens", "images", "audio_seconds", "concurrency"]
"""One of DIMENSIONS."""

BARE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods that say nothing of an empty body. With all others `Content-Length: 0` is sent (RFC 9110, 8.6, for POST)."""

Headers = tuple[tuple[str, str], ...]
"""Header fields in order, with case and duplicates as they came."""

SealedHeaders = tuple[tuple[str, Sealed], ...]
"""The same, with secret values sealed."""


@noun(frozen=True, slots=True)
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


@noun(frozen=True, slots=True)
class Way:
    """One of several keys or endpoints for the same host, all of them the person's own."""

    name: str
    url: str | None = None
    """As `Origin.url`; None: that of the origin."""
    variable: str | None = None
    """The environment variable with the key; None: the call's own key, or none."""


@noun(frozen=True, slots=True)
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


@noun(frozen=True, slots=True)
class Scope:
    """Whose limits a call uses. One pacing pool each."""

    host: str
    key: str
    """Bucket name of the credential and organisation headers; `-` when the call carries none."""
    group: str
    """The model, or the configured group of models; empty for calls without a model (lists, files)."""


@noun(frozen=True, slots=True)
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


@noun(frozen=True, slots=True)
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


@noun(frozen=True, slots=True)
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


@noun(frozen=True, slots=True)
class Sharing:
    """What a call may share with others."""

    coalesce: bool = False
    """While it is under way, calls that are identical to it get its answer."""
    cache: CacheUse = "off"
    batch: bool = False
    """It may go as one request with others that wait beside it."""


@noun(frozen=True, slots=True)
class Company:
    """The other call whose sending answers this one."""

    how: Literal["same", "batch", "cache"]
    """same: it was identical; batch: both were one request; cache: its answer was kept."""
    call: str
    """Its id."""


@noun(frozen=True, slots=True)
class Message:
    """One turn of a normalised conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@noun(frozen=True, slots=True)
class Chat:
    """A conversation for any provider, as JSON-RPC `chat` takes it."""

    model: str
    messages: tuple[Message, ...]
    stream: bool = True
    max_tokens: int | None = None
    temperature: float | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    """Further body fields, passed on as they are."""


@noun(frozen=True, slots=True)
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

    def shown(self) -> Call:
        """As it may be shown: without the values of header fields that nobody knows to be harmless."""
        return replace(self, headers=tuple([(name, withhold(name, value)) for name, value in self.headers]))

    def secrets(self) -> tuple[Secret, ...]:
        """All secrets that the call carries, for the redactor."""
        return (*self.target.secrets(), *[s for _, value in self.headers for s in value.secrets()])
