"""Anthropic's Messages API. Source: platform.claude.com/docs/en/api/messages, .../streaming, .../errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from daemon.model import Ask, Chat
from daemon.providers.dialect import ChatPath, ChatRequest, Gathered, Piece, count, encoded, items, model_name, section
from daemon.providers.usage import usage_of

KEY_HEADER: Final = ("x-api-key", "")
VERSION: Final = "2023-06-01"
MAX_TOKENS: Final = 4096
"""The API demands max_tokens. Every model of the last years gives this many."""

_ERROR_TYPES: Final = {
    400: "invalid_request_error", 401: "authentication_error", 402: "billing_error", 403: "permission_error",
    404: "not_found_error", 413: "request_too_large", 429: "rate_limit_error", 504: "timeout_error",
    529: "overloaded_error",
}  # fmt: skip
_QUIET: Final = frozenset({"ping", "content_block_stop"})


def ask(kind: str, path: str, body: Mapping[str, Any]) -> Ask:
    """Read a request's size."""
    gathered = Gathered()
    messages = items(body, "messages")
    gathered.add(body.get("system"))
    gathered.add(messages)
    gathered.add_json(body.get("tools"))
    return Ask(
        kind,
        model_name(body.get("model")),
        body.get("stream") is True,
        gathered.text,
        messages=len(messages),
        images=gathered.images,
        max_output=count(body.get("max_tokens")),
    )


def piece(event: Mapping[str, Any], name: str) -> Piece | None:
    """Read a stream event or a whole message."""
    kind = event.get("type")
    if kind == "content_block_delta":
        return _delta_piece(section(event, "delta"))
    if kind == "content_block_start":
        return Piece(chars=len(str(section(event, "content_block").get("name") or "")))
    if kind == "message_start":
        return Piece(usage=usage_of(event))
    if kind == "message_delta":
        return _end_piece(section(event, "delta").get("stop_reason"), event)
    if kind == "message_stop":
        return Piece(ended=True)
    if kind == "message":
        text = "".join(_text(part) for part in items(event, "content"))
        whole = _end_piece(event.get("stop_reason"), event)
        return Piece(text, len(text), True, whole.finish, usage=whole.usage)
    return Piece() if kind in _QUIET else None


def _delta_piece(delta: Mapping[str, Any]) -> Piece:
    text = _text(delta)
    unseen = delta.get("thinking") or delta.get("partial_json")
    return Piece(text, len(text) + (len(unseen) if isinstance(unseen, str) else 0))


def _end_piece(reason: object, event: Mapping[str, Any]) -> Piece:
    finish = reason if isinstance(reason, str) else None
    return Piece(ended=finish is not None, finish=finish, usage=usage_of(event))


def _text(part: object) -> str:
    value = part.get("text") if isinstance(part, dict) else None
    return value if isinstance(value, str) else ""


def chat_request(chat: Chat, at: ChatPath) -> ChatRequest:
    """A Messages request; system messages become the `system` prompt."""
    system = "\n\n".join(message.content for message in chat.messages if message.role == "system")
    body: dict[str, Any] = {
        "model": chat.model,
        "max_tokens": MAX_TOKENS if chat.max_tokens is None else chat.max_tokens,
        "messages": [{"role": m.role, "content": m.content} for m in chat.messages if m.role != "system"],
        "stream": chat.stream,
    }
    if system:
        body["system"] = system
    if chat.temperature is not None:
        body["temperature"] = chat.temperature
    body.update(chat.extra)
    headers = (
        ("Content-Type", "application/json"),
        ("Accept", "text/event-stream" if chat.stream else "application/json"),
        ("anthropic-version", VERSION),
    )
    return ChatRequest("POST", at.path, headers, encoded(body))


def error_object(known: Mapping[str, Any], message: str, status: int) -> dict[str, Any]:
    """`{"type": "error", "error": {type, message}}`."""
    kind = _ERROR_TYPES.get(status, "api_error" if status >= 500 else "invalid_request_error")
    return {"type": "error", "error": {"type": kind, "message": message, **known}}
