"""Google's Gemini API, also on Vertex AI. Source: ai.google.dev/api/generate-content and .../embeddings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from daemon.model import Ask, Chat
from daemon.providers.dialect import ChatPath, ChatRequest, Gathered, Piece, count, encoded, items, section
from daemon.providers.usage import usage_of

KEY_HEADER: Final = ("x-goog-api-key", "")

_ERROR_STATUS: Final = {
    400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND",
    409: "ABORTED", 429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL", 501: "UNIMPLEMENTED",
    503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED",
}  # fmt: skip
"""google.rpc.Code as HTTP status (github.com/googleapis/googleapis, google/rpc/code.proto)."""


def ask(kind: str, path: str, body: Mapping[str, Any]) -> Ask:
    """Read a request's size. The model is in the path: see `daemon.providers.routes`."""
    gathered = Gathered()
    if kind in ("embeddings", "images"):
        for request in [body, *items(body, "requests"), *items(body, "instances")]:
            if isinstance(request, dict):
                gathered.add(request.get("content"))
                gathered.add(request.get("prompt"))
        choices = count(section(body, "parameters").get("sampleCount")) or 1
        return Ask(kind, text=gathered.text, max_output=0, choices=choices)
    contents = items(body, "contents")
    gathered.add(body.get("systemInstruction") or body.get("system_instruction"))
    gathered.add(contents)
    gathered.add_json(body.get("tools"))
    settings = section(body, "generationConfig") or section(body, "generation_config")
    return Ask(
        kind,
        stream=":stream" in path,
        text=gathered.text,
        messages=len(contents),
        images=gathered.images,
        max_output=count(settings.get("maxOutputTokens", settings.get("max_output_tokens"))),
        choices=count(settings.get("candidateCount")) or 1,
    )


def piece(event: Mapping[str, Any], name: str) -> Piece | None:
    """Read a chunk, which has the form of a whole answer."""
    if not any(key in event for key in ("candidates", "usageMetadata", "promptFeedback")):
        return None
    texts, chars, finish = [], 0, None
    for candidate in items(event, "candidates"):
        if not isinstance(candidate, dict):
            continue
        finish = finish or candidate.get("finishReason")
        for part in items(section(candidate, "content"), "parts"):
            text = part.get("text") if isinstance(part, dict) else None
            if isinstance(text, str):
                chars += len(text)
                if not candidate.get("index") and not part.get("thought"):
                    texts.append(text)
            elif isinstance(part, dict) and "functionCall" in part:
                chars += len(str(part["functionCall"]))
    finish = finish or section(event, "promptFeedback").get("blockReason")
    finish = finish if isinstance(finish, str) else None
    return Piece("".join(texts), chars, finish is not None, finish, usage=usage_of(event))


def chat_request(chat: Chat, at: ChatPath) -> ChatRequest:
    """generateContent, or streamGenerateContent as SSE."""
    system = "\n\n".join(message.content for message in chat.messages if message.role == "system")
    body: dict[str, Any] = {
        "contents": [
            {"role": "model" if m.role == "assistant" else "user", "parts": [{"text": m.content}]}
            for m in chat.messages
            if m.role != "system"
        ]
    }
    if system:
        body["systemInstruction"] = {"parts": [{"text": system}]}
    settings: dict[str, Any] = {}
    if chat.max_tokens is not None:
        settings["maxOutputTokens"] = chat.max_tokens
    if chat.temperature is not None:
        settings["temperature"] = chat.temperature
    extra = dict(chat.extra)
    settings.update(section(extra, "generationConfig"))
    extra.pop("generationConfig", None)
    if settings:
        body["generationConfig"] = settings
    body.update(extra)
    verb = "streamGenerateContent?alt=sse" if chat.stream else "generateContent"
    model = quote(chat.model.removeprefix("models/"), safe="")
    return ChatRequest(
        "POST", at.path.format(model=model) + ":" + verb, (("Content-Type", "application/json"),), encoded(body)
    )


def error_object(known: Mapping[str, Any], message: str, status: int) -> dict[str, Any]:
    """`{"error": {code, message, status, details}}`; the code is the HTTP status as a number."""
    word = _ERROR_STATUS.get(status, "INTERNAL" if status >= 500 else "FAILED_PRECONDITION")
    return {"error": {"code": status, "message": message, "status": word, **known}}
