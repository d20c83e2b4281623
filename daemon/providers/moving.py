"""A request of one model written for another, at the same host or at another one that speaks the same API.

Only what must change does: the model's name, and the path where the other host has it elsewhere. All other bytes of the
body stay as they came.
"""

from __future__ import annotations

import json
from typing import Final
from urllib.parse import quote

from daemon.providers.provider import Provider
from daemon.providers.routes import Route, route
from daemon.providers.spans import members

_OPENAI: Final = {"chat": "/chat/completions", "responses": "/responses", "completions": "/completions"}
KINDS: Final = frozenset({"chat", "responses", "completions", "messages", "generate"})
"""What a model says can be asked of another one. Vectors of another model cannot be compared with those one has."""


def can_move(method: str, path: str, kind: str) -> bool:
    """True for a request of a KIND that any model could answer. Bedrock's are signed: whatever changes breaks them."""
    return method == "POST" and kind in KINDS and route(method, path).dialect != "bedrock"


def with_model(body: bytes, model: str) -> bytes | None:
    """BODY with MODEL as its model, all else byte for byte; None if it names no model."""
    try:
        text = body.decode()
        span = members(text).get("model")
    except (ValueError, RecursionError):
        return None
    if span is None or text[span.start] != '"':
        return None
    return (text[: span.start] + json.dumps(model, ensure_ascii=False) + text[span.end :]).encode()


def path_with_model(path: str, model: str) -> str:
    """PATH with MODEL in the place of the model's name, where it has one."""
    named = route("POST", path).model
    if named is None:
        return path
    written = next((form for form in (quote(named, safe=""), quote(named, safe=":"), named) if form in path), None)
    before, found, after = path.rpartition(written) if written else (path, "", "")
    return before + quote(model, safe=":") + after if found else path


def path_at(provider: Provider, path: str, model: str) -> str | None:
    """Where PROVIDER takes what was asked at PATH, which has no query; None if it does not speak that API."""
    asked = route("POST", path)
    if provider.chat is None:
        return None
    theirs = provider.chat.path
    if asked.dialect == "openai" and provider.dialect in ("openai", "ollama"):
        start, end, _ = theirs.rpartition("/chat/completions")
        return start + _OPENAI[asked.kind] if end and asked.kind in _OPENAI else None
    if asked.dialect != provider.dialect:
        return None
    return _of_dialect(asked, path, theirs, model)


def _of_dialect(asked: Route, path: str, theirs: str, model: str) -> str | None:
    if asked.dialect == "ollama":
        return path
    if asked.dialect == "anthropic":
        return theirs if path.endswith("/messages") else None
    if asked.dialect == "gemini" and asked.kind == "generate":
        return theirs.replace("{model}", quote(model, safe=":")) + ":" + path.rpartition(":")[2]
    return None
