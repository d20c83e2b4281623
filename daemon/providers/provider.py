"""A provider: what is known of it from data/providers.yaml, and the one face to its dialect."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from daemon.document import document_of
from daemon.errors import InvalidCall
from daemon.model import Ask, Chat, Headers, Limit, Reading, Usage
from daemon.phrases import phrase
from daemon.providers import anthropic, bedrock, gemini, ollama, openai
from daemon.providers.audio import seconds_in_upload
from daemon.providers.batching import UNSTATED, BatchLimits
from daemon.providers.dialect import ChatPath, ChatRequest, Dialect, model_name
from daemon.providers.error_body import error_body
from daemon.providers.limits import read_limits
from daemon.providers.routes import route
from daemon.providers.stream import StreamReader
from daemon.providers.usage import usage_of_body

DialectName = Literal["openai", "anthropic", "gemini", "bedrock", "ollama", "plain"]

_DIALECTS: Final[dict[str, Dialect]] = {
    "openai": openai, "anthropic": anthropic, "gemini": gemini, "bedrock": bedrock, "ollama": ollama, "plain": openai,
}  # fmt: skip
_OF_KIND: Final[dict[str, Dialect]] = {"messages": anthropic, "generate": gemini, "responses": openai}
_MULTIPART_MODEL: Final = re.compile(rb'name="model"\r?\n(?:[^\r\n]+\r?\n)*\r?\n([^\r\n]{1,200})\r?\n')
_JSON_SPACE: Final = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Host:
    """A host that a provider answers on."""

    pattern: str
    """As in the Host header; `*` stands for one label of a name, or for a port."""
    url: str
    """With {host} where the pattern has a `*`. No trailing slash."""


@dataclass(frozen=True, slots=True)
class Account:
    """Where a provider tells for nothing what is left of the credit."""

    path: str
    left: str
    """Dotted path of the amount in the answer; null there: no ceiling."""
    currency: str = ""
    """Dotted path of the currency, or the currency itself."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. Reading never raises, whatever the bytes are."""

    name: str
    title: str
    """For people: `OpenAI`."""
    dialect: DialectName = "openai"
    key_variable: str | None = None
    """The environment variable in which people keep the key, by the provider's own documentation."""
    hosts: tuple[Host, ...] = ()
    local: bool = False
    """A server of the user's own machine: no key, no limits."""
    limits: tuple[Limit, ...] = ()
    """Documented limits that hold for everybody."""
    chat: ChatPath | None = None
    """None: there is no chat API that Sluice could speak by itself."""
    models: str | None = None
    """Path of the free list of models, where it does not stand beside the chat API."""
    account: Account | None = None
    key: tuple[str, str] | None = None
    """Header name and the text before the key, where they are not the dialect's."""
    periods: Mapping[str, float] = field(default_factory=dict)
    """Seconds per dimension, documented for header names that carry no period."""
    header_unit_s: float | None = None
    """The headers give averages over so many seconds of a limit a minute."""
    ignore_limits: bool = False
    """The headers say nothing that could be paced by."""
    batch: Mapping[str, BatchLimits] = field(default_factory=dict)
    """What it takes in one request, by the kind of call, where that is documented."""

    def batch_limits(self, kind: str) -> BatchLimits:
        """What goes into one request for several calls of this KIND (embeddings, completions)."""
        return self.batch.get(kind) or UNSTATED[kind]

    def read_ask(self, method: str, target: str, content_type: str | None, body: bytes) -> Ask:
        """What the request says about its own size. The target may carry a query."""
        found = route(method, target)
        start = body[:200].lstrip(_JSON_SPACE)[:1] or body.lstrip(_JSON_SPACE)[:1]
        if content_type and "multipart/" in content_type.lower():
            match = _MULTIPART_MODEL.search(body[:1_000_000]) or _MULTIPART_MODEL.search(body[-65_536:])
            model = model_name(match[1].decode("utf-8", "replace").strip()) if match else None
            seconds = seconds_in_upload(content_type, body) if found.kind == "audio" else 0.0
            return Ask(found.kind, model or found.model, max_output=0, audio_seconds=seconds)
        if start != b"{":
            return Ask(found.kind, found.model, max_output=0 if found.kind == "models" else None)
        try:
            document = document_of(body)
            ask = _DIALECTS[found.dialect].ask(found.kind, target.partition("?")[0], document)
        except (ValueError, RecursionError, TypeError, AttributeError, KeyError):
            return Ask(model=found.model)
        return ask if ask.model or not found.model else replace(ask, model=found.model)

    def read_limits(self, status: int, headers: Headers, now: float) -> tuple[Reading, ...]:
        """What the headers of an answer say about limits; impossible figures are left out. NOW: Unix seconds."""
        return () if self.ignore_limits else read_limits(headers, now, self.periods, self.header_unit_s)

    def read_usage(self, body: bytes) -> Usage | None:
        """The usage in a whole answer."""
        return usage_of_body(body)

    def stream_reader(self, ask: Ask) -> StreamReader:
        """A reader for the answer to a request."""
        return StreamReader(ask)

    def chat_request(self, chat: Chat) -> ChatRequest:
        """A normalised conversation in this provider's words, without a key."""
        if self.chat is None:
            raise InvalidCall(phrase("params.no_chat", provider=self.title))
        return _DIALECTS[self.dialect].chat_request(chat, self.chat)

    def chat_answer(self, body: bytes) -> tuple[str, str | None]:
        """The text and the finish reason of a whole answer; empty when it is none."""
        reader = StreamReader(Ask())
        reader.feed(body)
        return "".join(reader.take_text()), reader.finish

    def models_path(self) -> str | None:
        """The path of the list of models, which costs nothing; None where there is none."""
        if self.models is not None:
            return self.models
        if self.dialect == "anthropic":
            return "/v1/models"
        if self.dialect == "gemini" and self.key is None:
            return "/v1beta/models"
        end = "/chat/completions"
        return self.chat.path[: -len(end)] + "/models" if self.chat and self.chat.path.endswith(end) else None

    def key_header(self) -> tuple[str, str]:
        """The header that carries the key, and what stands before the key in it."""
        return self.key or _DIALECTS[self.dialect].KEY_HEADER

    def error_body(
        self,
        explanation_json: Mapping[str, Any],
        *,
        status: int,
        original: bytes,
        mode: Literal["inline", "field"],
        message: str | None,
        kind: str = "other",
    ) -> bytes:
        """The client's error body; see `daemon.providers.error_body`. KIND: what was asked for, which on a relay may be
        of another dialect than the host's."""
        dialect = _OF_KIND.get(kind, _DIALECTS[self.dialect])
        return error_body(dialect, explanation_json, status=status, original=original, mode=mode, message=message)
