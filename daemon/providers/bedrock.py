"""AWS Bedrock's runtime API: Converse, ConverseStream and InvokeModel.

Source: docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html and API_runtime_ConverseStream.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final
from urllib.parse import quote

from daemon.model import Ask, Chat
from daemon.providers import anthropic
from daemon.providers.dialect import ChatPath, ChatRequest, Gathered, Piece, as_json, count, encoded, items, section
from daemon.providers.usage import usage_of

KEY_HEADER: Final = ("Authorization", "Bearer ")
"""Of a Bedrock API key. Signed requests (SigV4) carry their own header, which cannot be made here."""


def ask(kind: str, path: str, body: Mapping[str, Any]) -> Ask:
    """Read a request's size. The model is in the path."""
    stream = "stream" in path.rsplit("/", 1)[-1]
    if "inferenceConfig" not in body and "anthropic_version" in body:
        return replace(anthropic.ask(kind, path, body), stream=stream)
    gathered = Gathered()
    messages = items(body, "messages")
    gathered.add(body.get("system"))
    gathered.add(messages)
    gathered.add(body.get("prompt") or body.get("inputText"))
    gathered.add_json(section(body, "toolConfig").get("tools"))
    most = count(section(body, "inferenceConfig").get("maxTokens"))
    return Ask(
        kind,
        stream=stream,
        text=gathered.text,
        messages=len(messages),
        images=gathered.images,
        max_output=count(body.get("max_tokens")) if most is None else most,
    )


def piece(event: Mapping[str, Any], name: str) -> Piece | None:
    """Read a ConverseStream event (its name is in the frame) or a whole Converse answer."""
    if name.endswith("Exception"):
        known = {"type": name[:1].upper() + name[1:], "message": event.get("message") or name}
        return Piece(error=encoded({"error": known}))
    if name == "contentBlockDelta":
        delta = section(event, "delta")
        text = delta.get("text")
        text = text if isinstance(text, str) else ""
        return Piece(text, len(text) if text else len(as_json(delta)))
    if name == "messageStop":
        reason = event.get("stopReason")
        return Piece(ended=True, finish=reason if isinstance(reason, str) else None)
    if name == "metadata":
        return Piece(ended=True, usage=usage_of(event))
    if name in ("messageStart", "contentBlockStart", "contentBlockStop"):
        return Piece()
    return _whole(event) if "stopReason" in event and "output" in event else None


def _whole(document: Mapping[str, Any]) -> Piece:
    parts = items(section(section(document, "output"), "message"), "content")
    text = "".join(part["text"] for part in parts if isinstance(part, dict) and isinstance(part.get("text"), str))
    reason = document.get("stopReason")
    return Piece(text, len(text), True, reason if isinstance(reason, str) else None, usage=usage_of(document))


def chat_request(chat: Chat, at: ChatPath) -> ChatRequest:
    """Converse or ConverseStream."""
    body: dict[str, Any] = {
        "messages": [{"role": m.role, "content": [{"text": m.content}]} for m in chat.messages if m.role != "system"]
    }
    system = [{"text": message.content} for message in chat.messages if message.role == "system"]
    if system:
        body["system"] = system
    settings: dict[str, Any] = {}
    if chat.max_tokens is not None:
        settings["maxTokens"] = chat.max_tokens
    if chat.temperature is not None:
        settings["temperature"] = chat.temperature
    if settings:
        body["inferenceConfig"] = settings
    body.update(chat.extra)
    verb = "converse-stream" if chat.stream else "converse"
    target = f"{at.path.format(model=quote(chat.model, safe=''))}/{verb}"
    return ChatRequest("POST", target, (("Content-Type", "application/json"),), encoded(body))


def error_object(known: Mapping[str, Any], message: str, status: int) -> dict[str, Any]:
    """Bedrock's own errors are `{"message": …}`; gptel and the SDKs of others read `error.message`: both are given."""
    return {"message": message, "error": {"message": message, **known}}
