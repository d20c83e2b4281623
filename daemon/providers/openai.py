"""OpenAI's API and the many that copy it: chat completions, completions, responses, embeddings, images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from daemon.model import Ask, Chat
from daemon.providers.dialect import ChatPath, ChatRequest, Gathered, Piece, count, encoded, items, model_name, section
from daemon.providers.usage import usage_of

KEY_HEADER: Final = ("Authorization", "Bearer ")

_ERROR_TYPES: Final = {
    400: "invalid_request_error", 401: "authentication_error", 402: "insufficient_quota", 403: "permission_error",
    404: "not_found_error", 413: "request_too_large", 422: "invalid_request_error", 429: "rate_limit_error",
}  # fmt: skip
_ENDS: Final = frozenset({"response.completed", "response.incomplete", "response.failed", "response.cancelled"})
_IMAGE_ENDS: Final = frozenset({"image_generation.completed", "image_edit.completed"})


def ask(kind: str, path: str, body: Mapping[str, Any]) -> Ask:
    """Read a request's size."""
    gathered = Gathered()
    stream = body.get("stream") is True
    model = model_name(body.get("model"))
    if kind == "chat":
        return _chat_ask(body, gathered, model, stream)
    if kind == "responses":
        return _responses_ask(body, gathered, model, stream)
    if kind == "completions":
        _add_tokens_or_text(gathered, body.get("prompt"))
        choices = max(count(body.get("n")) or 1, count(body.get("best_of")) or 1)
        wants_usage = not stream or section(body, "stream_options").get("include_usage") is True
        return Ask(
            kind, model, stream, gathered.text, max_output=count(body.get("max_tokens")), choices=choices,
            wants_usage=wants_usage,
        )  # fmt: skip
    if kind == "embeddings":
        _add_tokens_or_text(gathered, body.get("input"))
        return Ask(kind, model, stream, gathered.text, max_output=0)
    if kind in ("images", "audio"):
        gathered.add(body.get("prompt") or body.get("input"))
        return Ask(kind, model, stream, gathered.text, choices=count(body.get("n")) or 1, max_output=0)
    return Ask(kind, model, stream)


def _chat_ask(body: Mapping[str, Any], gathered: Gathered, model: str | None, stream: bool) -> Ask:
    messages = items(body, "messages")
    gathered.add(messages)
    for name in ("tools", "functions", "response_format"):
        gathered.add_json(body.get(name))
    most = count(body.get("max_completion_tokens"))
    return Ask(
        "chat",
        model,
        stream,
        gathered.text,
        messages=len(messages),
        images=gathered.images,
        max_output=count(body.get("max_tokens")) if most is None else most,
        choices=count(body.get("n")) or 1,
        wants_usage=not stream or section(body, "stream_options").get("include_usage") is True,
    )


def _responses_ask(body: Mapping[str, Any], gathered: Gathered, model: str | None, stream: bool) -> Ask:
    given = body.get("input")
    gathered.add(body.get("instructions"))
    gathered.add(given)
    gathered.add_json(body.get("tools"))
    return Ask(
        "responses",
        model,
        stream,
        gathered.text,
        messages=len(given) if isinstance(given, list) else 1,
        images=gathered.images,
        max_output=count(body.get("max_output_tokens")),
    )


def _add_tokens_or_text(gathered: Gathered, value: object) -> None:
    """Prompts and inputs may be lists of token numbers: a short word stands for each, so that they are counted."""
    if isinstance(value, list) and value and all(isinstance(item, int) for item in value):
        gathered.add("a " * len(value))
    elif isinstance(value, list):
        for item in value:
            _add_tokens_or_text(gathered, item)
    else:
        gathered.add(value)


def piece(event: Mapping[str, Any], name: str) -> Piece | None:
    """Read a chunk, a Responses event, or a whole answer."""
    if "choices" in event:
        return _choices_piece(event)
    kind = event.get("type")
    if isinstance(kind, str) and kind.startswith("response."):
        return _responses_piece(kind, event)
    if event.get("object") == "response":
        return _whole_response(event)
    if kind in _IMAGE_ENDS:
        return Piece(ended=True, usage=usage_of(event))
    return None


def _choices_piece(event: Mapping[str, Any]) -> Piece:
    texts, chars, finish = [], 0, None
    for choice in items(event, "choices"):
        if not isinstance(choice, dict):
            continue
        delta = section(choice, "delta") or section(choice, "message")
        text = _plain(delta.get("content")) or _plain(choice.get("text"))
        reasoning = _plain(delta.get("reasoning_content")) or _plain(delta.get("reasoning"))
        chars += len(text) + len(reasoning) + _tool_chars(delta)
        if not choice.get("index"):
            texts.append(text)
        finish = finish or choice.get("finish_reason")
    finish = finish if isinstance(finish, str) else None
    return Piece("".join(texts), chars, finish is not None, finish, usage=usage_of(event))


def _plain(content: object) -> str:
    """A content's text; Mistral's thinking models send a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(_plain(part.get("text")) for part in content if isinstance(part, dict))
    return ""


def _tool_chars(delta: Mapping[str, Any]) -> int:
    if "tool_calls" not in delta and "function_call" not in delta:  # nearly always
        return 0
    calls = [call for call in items(delta, "tool_calls") if isinstance(call, dict)]
    functions = [section(call, "function") for call in calls] + [section(delta, "function_call")]
    return sum(len(_plain(f.get("arguments"))) + len(_plain(f.get("name"))) for f in functions)


def _responses_piece(kind: str, event: Mapping[str, Any]) -> Piece:
    delta = _plain(event.get("delta")) if kind.endswith(".delta") else ""
    if kind == "response.output_text.delta":
        return Piece(delta, len(delta))
    if kind not in _ENDS:
        return Piece(chars=len(delta))
    response = section(event, "response")
    error = encoded({"error": response["error"]}) if response.get("error") else None
    finish = response.get("status")
    finish = finish if isinstance(finish, str) else kind.removeprefix("response.")
    return Piece(ended=True, finish=finish, error=error, usage=usage_of(event))


def _whole_response(document: Mapping[str, Any]) -> Piece:
    parts = [
        _plain(part.get("text"))
        for item in items(document, "output")
        if isinstance(item, dict)
        for part in items(item, "content")
        if isinstance(part, dict)
    ]
    status = document.get("status")
    text = "".join(parts)
    return Piece(text, len(text), True, status if isinstance(status, str) else None, usage=usage_of(document))


def chat_request(chat: Chat, at: ChatPath) -> ChatRequest:
    """Chat completions."""
    body: dict[str, Any] = {
        "model": chat.model,
        "messages": [{"role": message.role, "content": message.content} for message in chat.messages],
        "stream": chat.stream,
    }
    if chat.stream and at.stream_usage:
        body["stream_options"] = {"include_usage": True}
    if chat.max_tokens is not None:
        body[at.max_tokens] = chat.max_tokens
    if chat.temperature is not None:
        body["temperature"] = chat.temperature
    body.update(chat.extra)
    headers = (
        ("Content-Type", "application/json"),
        ("Accept", "text/event-stream" if chat.stream else "application/json"),
    )
    return ChatRequest("POST", at.path, headers, encoded(body))


def error_object(known: Mapping[str, Any], message: str, status: int) -> dict[str, Any]:
    """`{"error": {message, type, param, code}}`."""
    kind = _ERROR_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    return {"error": {"message": message, "type": kind, "param": None, "code": None, **known}}
