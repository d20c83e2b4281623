"""What is settled at the door: whose limits a request uses, what it is charged, and whether it came before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from urllib.parse import parse_qs

from daemon.sandbox.meter import Cost
from daemon.sandbox.question import Question
from daemon.sandbox.record import Seen
from daemon.sandbox.settings import SandboxSettings
from daemon.sandbox.text import estimate


def account(settings: SandboxSettings, headers: Mapping[str, str], target: str, model: str | None) -> str:
    """Whose limits a request uses."""
    query = parse_qs(target.partition("?")[2]).get("key", [""])[0]
    named = (headers.get(name, "") for name in ("authorization", "x-api-key", "x-goog-api-key", "api-key"))
    key = next((value for value in (*named, query) if value), "-") if settings.per_key else "all"
    return f"{key} {model}" if settings.per_model else key


def cost_of(question: Question) -> Cost:
    """What is charged at the door: characters/4, and max_tokens where the provider reserves it.

    OpenAI reserves max_tokens; Anthropic counts output as it is generated; Gemini's token limit is on input alone.
    """
    size = estimate(question.text)
    images = float(question.choices) if question.kind == "images" else 0.0
    if question.kind in ("embeddings", "images"):
        return Cost(size, 0.0, images)
    if question.api == "openai" and question.max_output is not None:
        prompts = max(1, len(question.inputs)) if question.kind == "completions" else 1
        return Cost(size, float(question.max_output * question.choices * prompts))
    return Cost(size, None, input_only=question.api == "gemini")


def same(seen: Seen) -> bytes:
    """What tells that a request is another attempt of the same."""
    return hashlib.sha256(
        b"\n".join(
            (seen.account.encode("utf-8", "surrogateescape"), seen.target.encode("utf-8", "surrogateescape"), seen.body)
        )
    ).digest()
