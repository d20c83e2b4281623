"""What a request asks for: which API, which model, streamed or not, how much text. Lenient, as providers are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs, unquote

Api = Literal["openai", "anthropic", "gemini"]

_PATHS: tuple[tuple[str, Api, str], ...] = (
    (r"/chat/completions$", "openai", "chat"),
    (r"/completions$", "openai", "completions"),
    (r"/responses$", "openai", "responses"),
    (r"/embeddings$", "openai", "embeddings"),
    (r"/images/generations$", "openai", "images"),
    (r"/messages$", "anthropic", "messages"),
    (r"/messages/count_tokens$", "anthropic", "count_tokens"),
    (r"/models/[^/:]+:generateContent$", "gemini", "generate"),
    (r"/models/[^/:]+:streamGenerateContent$", "gemini", "generate"),
    (r"/models/[^/:]+:(?:embedContent|batchEmbedContents)$", "gemini", "embeddings"),
    (r"/models/[^/:]+:countTokens$", "gemini", "count_tokens"),
)
_GEMINI_MODEL = re.compile(r"/models/([^/:]+)(?::(\w+))?$")
_TEXT_KEYS = (
    "text", "content", "input", "parts", "input_text", "thinking", "messages", "system", "prompt", "instructions",
    "contents", "requests", "systemInstruction", "system_instruction",
)  # fmt: skip
"""Where texts are, in the bodies of all three APIs."""


@dataclass(frozen=True, slots=True)
class Question:
    """One request, read."""

    api: Api
    kind: str
    """chat, completions, responses, embeddings, images, messages, generate, count_tokens, models, or other."""
    model: str | None = None
    stream: bool = False
    text: str = ""
    """All that costs input tokens."""
    last: str = ""
    """What the user said last."""
    inputs: tuple[str, ...] = ()
    """For embeddings and completions: each input; of token numbers, a text that is as many tokens."""
    max_output: int | None = None
    choices: int = 1
    wants_usage: bool = False
    """For streams of OpenAI chat: stream_options.include_usage."""
    sse: bool = True
    """For streams of Gemini: alt=sse; without it a JSON array."""
    batch: bool = False
    """For Gemini embeddings: batchEmbedContents."""
    body: Mapping[str, Any] | None = None
    """The body as parsed; None if it is not a JSON object."""

    @property
    def costs(self) -> bool:
        """True if the request counts against limits."""
        return self.kind not in ("models", "count_tokens", "other")


def read(method: str, target: str, headers: Mapping[str, str], body: bytes) -> Question:
    """Read a request. TARGET is the raw one; HEADERS has lower-case names."""
    path, _, query = target.partition("?")
    api, kind = _route(method, unquote(path), headers)
    parsed = _object(body)
    if api == "gemini":
        return _gemini(kind, unquote(path), query, parsed)
    data = parsed or {}
    inputs = _inputs(data.get("prompt" if kind == "completions" else "input"))
    text = "\n".join(_texts(parsed)) if parsed else ""
    if kind in ("embeddings", "completions"):
        text = "\n".join(inputs)
    return Question(
        api,
        kind,
        _model(data, path),
        stream=data.get("stream") is True,
        text=text,
        last=_last(data),
        inputs=inputs,
        max_output=_count(data, "max_completion_tokens", "max_output_tokens", "max_tokens"),
        choices=_count(data, "n") or 1,
        wants_usage=bool(_dict(data.get("stream_options")).get("include_usage")),
        body=parsed,
    )


def _route(method: str, path: str, headers: Mapping[str, str]) -> tuple[Api, str]:
    if method == "POST":
        for pattern, api, kind in _PATHS:
            if re.search(pattern, path):
                return api, kind
    api = (
        "gemini"
        if "/v1beta/" in path
        else "anthropic"
        if "anthropic-version" in headers or "/messages" in path
        else "openai"
    )
    return api, "models" if method in ("GET", "HEAD") and re.search(r"/models(/[^/]+)?$", path) else "other"


def _dict(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _object(body: bytes) -> Mapping[str, Any] | None:
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return parsed if isinstance(parsed, dict) else None


def _model(data: Mapping[str, Any], path: str) -> str | None:
    deployment = re.search(r"/deployments/([^/]+)/", path)
    model = deployment[1] if deployment else data.get("model")
    return model if isinstance(model, str) else None


def _gemini(kind: str, path: str, query: str, parsed: Mapping[str, Any] | None) -> Question:
    found = _GEMINI_MODEL.search(path)
    data = parsed or {}
    config = _dict(data.get("generationConfig") or data.get("generation_config"))
    requests = data.get("requests")
    inputs = [
        " ".join(_texts(item)) for item in (requests if isinstance(requests, list) else [data.get("content") or {}])
    ]
    return Question(
        "gemini",
        kind,
        found[1] if found else None,
        stream=bool(found and found[2] == "streamGenerateContent"),
        text="\n".join(_texts(data)),
        last=_last(data),
        inputs=tuple(inputs),
        max_output=_count(config, "maxOutputTokens", "max_output_tokens"),
        choices=_count(config, "candidateCount") or 1,
        sse=parse_qs(query).get("alt") == ["sse"],
        batch=bool(found and found[2] == "batchEmbedContents"),
        body=parsed,
    )


def _texts(value: Any) -> Iterator[str]:
    """All texts of a conversation: messages, system prompts, tools."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key in ("tools", "functions"):
                yield json.dumps(item, ensure_ascii=False)
            elif key in _TEXT_KEYS:
                yield from _texts(item)


def _last(data: Mapping[str, Any]) -> str:
    """What the user said last: the last message of a conversation, or the prompt."""
    for name in ("messages", "contents", "input", "prompt"):
        value = data.get(name)
        if isinstance(value, str):
            return value
        if isinstance(value, list) and value:
            turns = [turn for turn in value if not isinstance(turn, dict) or turn.get("role", "user") == "user"]
            return " ".join(_texts((turns or value)[-1]))
    return ""


def _inputs(value: Any) -> tuple[str, ...]:
    """A text, token numbers, or a list of such."""
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list):
        return ()
    if value and all(isinstance(item, int) for item in value):
        return (_as_text(value),)
    return tuple(_as_text(item) for item in value)


def _as_text(item: Any) -> str:
    """Token numbers as words of four letters, each of which is a token: different numbers are different words."""
    if isinstance(item, list):
        return "".join(f"{number % 46656:04x}" if isinstance(number, int) else str(number) for number in item)
    return str(item)


def _count(data: Mapping[str, Any], *names: str) -> int | None:
    for name in names:
        value = data.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
    return None
