"""Three well-known hosts that are really the sandbox, and one small request for each of their APIs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

HOSTS = {
    "openai": "api.openai.com",
    "anthropic": "api.anthropic.com",
    "gemini": "generativelanguage.googleapis.com",
}
KEYS = {name: f"CANARY-{name}-4f1d9c2e8b7a6053" for name in HOSTS}


def config(url: str, *, minute_s: float | None = None, more: str = "", limits: str = "") -> str:
    """A config.yaml that sends the three hosts to the sandbox at URL; MORE is put below, LIMITS into each entry."""
    minute = f", minute: {minute_s * 1000:.0f}ms" if minute_s else ""
    entries = [
        f"- {{host: {host}, url: '{url}', provider: {name}{minute}{', limits: ' + limits if limits else ''}}}"
        for name, host in HOSTS.items()
    ]
    return "upstreams:\n" + "\n".join(entries) + "\n" + more


@dataclass(frozen=True)
class Api:
    """One API of a provider, as a client calls it."""

    name: str
    provider: str
    path: str
    stream_path: str | None
    """None: the API cannot stream."""

    def body(self, model: str, text: str = "Hello", *, stream: bool = False) -> dict[str, Any]:
        """The JSON of a request."""
        chat = [{"role": "user", "content": text}]
        plain: dict[str, Any] = {
            "chat": {"model": model, "messages": chat},
            "responses": {"model": model, "input": text},
            "messages": {"model": model, "max_tokens": 64, "messages": chat},
            "generate": {"contents": [{"role": "user", "parts": [{"text": text}]}]},
            "embeddings": {"model": model, "input": text},
            "models": {},
        }[self.name]
        return {**plain, "stream": True} if stream and self.name != "generate" else plain

    def url(self, model: str, *, stream: bool = False) -> str:
        """The whole URL, by plain http since it goes through the socket."""
        path = (self.stream_path or self.path) if stream else self.path
        return f"http://{HOSTS[self.provider]}{path.replace('MODEL', model)}"

    def key_header(self) -> str:
        """The header line with the key."""
        key = KEYS[self.provider]
        return {
            "openai": f"Authorization: Bearer {key}",
            "anthropic": f"x-api-key: {key}",
            "gemini": f"x-goog-api-key: {key}",
        }[self.provider]

    def curl(self, model: str, *, stream: bool = False, text: str = "Hello") -> list[str]:
        """The arguments of curl after the socket."""
        out = ["-H", self.key_header(), "-H", "Content-Type: application/json"]
        if self.provider == "anthropic":
            out += ["-H", "anthropic-version: 2023-06-01"]
        if self.name != "models":
            out += ["--data-binary", json.dumps(self.body(model, text, stream=stream), ensure_ascii=False)]
        return [*out, self.url(model, stream=stream)]


GENERATE = "/v1beta/models/MODEL:generateContent"
APIS = (
    Api("chat", "openai", "/v1/chat/completions", "/v1/chat/completions"),
    Api("responses", "openai", "/v1/responses", "/v1/responses"),
    Api("messages", "anthropic", "/v1/messages", "/v1/messages"),
    Api("generate", "gemini", GENERATE, "/v1beta/models/MODEL:streamGenerateContent?alt=sse"),
    Api("embeddings", "openai", "/v1/embeddings", None),
    Api("models", "openai", "/v1/models", None),
    Api("models", "anthropic", "/v1/models", None),
    Api("models", "gemini", "/v1beta/models", None),
)
CHATS = APIS[:4]
