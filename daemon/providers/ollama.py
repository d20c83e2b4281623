"""Ollama's native API: one JSON object a line. Source: github.com/ollama/ollama, docs/api.md.

Its OpenAI-compatible API under /v1 is `daemon.providers.openai`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from daemon.model import Ask, Chat
from daemon.providers import openai
from daemon.providers.dialect import ChatPath, ChatRequest, Gathered, Piece, count, items, model_name, section
from daemon.providers.usage import usage_of

KEY_HEADER: Final = ("Authorization", "Bearer ")


def ask(kind: str, path: str, body: Mapping[str, Any]) -> Ask:
    """Read a request's size. A stream is the default here."""
    gathered = Gathered()
    model = model_name(body.get("model"))
    if kind == "embeddings":
        gathered.add(body.get("input") or body.get("prompt"))
        return Ask(kind, model, text=gathered.text, max_output=0)
    messages = items(body, "messages")
    gathered.add(messages)
    gathered.add(body.get("system"))
    gathered.add(body.get("prompt"))
    gathered.add_json(body.get("tools"))
    attached = [message.get("images") for message in messages if isinstance(message, dict)] + [body.get("images")]
    return Ask(
        kind,
        model,
        body.get("stream", True) is True,
        gathered.text,
        messages=len(messages),
        images=sum(len(images) for images in attached if isinstance(images, list)),
        max_output=count(section(body, "options").get("num_predict")),
    )


def piece(event: Mapping[str, Any], name: str) -> Piece | None:
    """Read one line."""
    if "done" not in event:
        return None
    text = section(event, "message").get("content", event.get("response"))
    text = text if isinstance(text, str) else ""
    ended = event.get("done") is True
    reason = event.get("done_reason")
    finish = reason if isinstance(reason, str) else "stop"
    if not ended:
        return Piece(text, len(text), more=True)
    return Piece(text, len(text), True, finish, usage=usage_of(event))


def chat_request(chat: Chat, at: ChatPath) -> ChatRequest:
    """By the OpenAI-compatible API, which all its versions of the last years have."""
    return openai.chat_request(chat, at)


def error_object(known: Mapping[str, Any], message: str, status: int) -> dict[str, Any]:
    """`{"error": "text"}` is Ollama's own form; an object keeps the explanation beside the text."""
    return openai.error_object(known, message, status)
