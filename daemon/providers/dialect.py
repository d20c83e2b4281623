"""What the files of the dialects have in common: the nouns they return and the reading of message contents."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, Protocol

from daemon.model import Ask, Chat, Headers, Usage


class Piece(NamedTuple):
    """What one stream event, or one whole answer, says. A tuple, since one is made for every event of a stream."""

    text: str = ""
    """Visible text of the first choice."""
    chars: int = 0
    """Characters that cost output tokens: text of all choices, reasoning, tool arguments."""
    ended: bool = False
    finish: str | None = None
    """Why the model stopped, in the provider's word."""
    error: bytes | None = None
    usage: Usage | None = None
    more: bool = False
    """It says itself that another one follows: the end of its JSON is not the end of the answer."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A normalised conversation as this provider wants it. Carries no key."""

    method: str
    target: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class ChatPath:
    """How the provider's chat API is reached; from providers.yaml."""

    path: str
    """With {model} where the model is part of it."""
    max_tokens: str = "max_tokens"
    """The field for the largest answer; OpenAI renamed it for its newer models, others keep the old name."""
    stream_usage: bool = False
    """The API takes `stream_options.include_usage`."""


class Dialect(Protocol):
    """One API shape; the files openai, anthropic, gemini, bedrock and ollama are such."""

    KEY_HEADER: tuple[str, str]

    def ask(self, kind: str, path: str, body: Mapping[str, Any]) -> Ask:
        """Read a request's size from its parsed BODY; PATH is without the query."""

    def piece(self, event: Mapping[str, Any], name: str) -> Piece | None:
        """Read one stream event or whole answer; None when it is of another dialect. NAME: as the framing gave it."""

    def chat_request(self, chat: Chat, at: ChatPath) -> ChatRequest:
        """Write a conversation."""

    def error_object(self, known: Mapping[str, Any], message: str, status: int) -> dict[str, Any]:
        """The whole error body in this dialect, from the fields of `error` that are KNOWN already."""


MAX_MODEL_CHARS: Final = 200


def model_name(value: object) -> str | None:
    """A model's name, or None when it is none. It becomes the name of a queue: nothing long, nothing empty."""
    return value if isinstance(value, str) and 0 < len(value) <= MAX_MODEL_CHARS else None


def count(value: object, most: int = 10**9) -> int | None:
    """A count that a request gives; None when it is absent or nonsense."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most else None


def section(body: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """An object within BODY; empty when it is absent or no object."""
    value = body.get(name)
    return value if isinstance(value, dict) else {}


def items(body: Mapping[str, Any], name: str) -> list[Any]:
    """A list within BODY; empty when it is absent or no list."""
    value = body.get(name)
    return value if isinstance(value, list) else []


def as_json(value: object) -> str:
    """VALUE as compact JSON text: what providers count of tools and their arguments."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def encoded(body: Mapping[str, Any]) -> bytes:
    """A request body. Lone surrogates become `?`, since no provider takes them."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


class Gathered:
    """Collects the text and the images of messages, whichever dialect wrote them."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.images = 0

    @property
    def text(self) -> str:
        return "\n".join(self.texts)

    def add(self, content: object) -> None:
        """Take a message's content: text, a part, or a list of parts; data in base64 is left out."""
        if isinstance(content, str):
            self.texts.append(content)
        elif isinstance(content, list):
            for part in content:
                self.add(part)
        elif isinstance(content, dict):
            self._add_part(content)

    def add_json(self, value: object) -> None:
        """Take tools and the like, which are counted as JSON text."""
        if value:
            self.texts.append(as_json(value))

    def _add_part(self, part: dict[str, Any]) -> None:
        if _is_image(part):
            self.images += 1
            return
        for name in ("text", "thinking", "refusal", "content", "parts", "transcript"):
            if name in part:
                self.add(part[name])
        for name in _COUNTED_AS_JSON:
            if name in part:
                self.add_json(part[name])
        source = section(part, "source")  # Anthropic's documents given as text
        if source.get("type") in ("text", "content"):
            self.add(source.get("data") or source.get("content"))


_COUNTED_AS_JSON: Final = (
    "tool_calls", "function_call", "functionCall", "functionResponse", "input", "arguments", "output", "toolUse",
    "toolResult", "executableCode", "codeExecutionResult",
)  # fmt: skip


def _is_image(part: Mapping[str, Any]) -> bool:
    if part.get("type") in ("image", "image_url", "input_image"):
        return True
    data = part.get("inlineData") or part.get("inline_data") or part.get("fileData") or part.get("file_data")
    if isinstance(data, dict):
        kind = data.get("mimeType") or data.get("mime_type")
        return isinstance(kind, str) and kind.startswith("image/")
    return isinstance(part.get("image"), dict)
