"""Anthropic's answers, streams, errors and headers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from daemon.sandbox import anthropic
from daemon.sandbox.dialect import Moment
from daemon.sandbox.meter import Standing
from daemon.sandbox.question import Question
from daemon.sandbox.trouble import Kind, Trouble


def events(body: bytes) -> list[tuple[str, Any]]:
    """Name and data of each event."""
    blocks = [block.split("\n") for block in body.decode().split("\n\n") if block]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


async def test_message(serve: Any):
    """Text, usage and request id."""
    client = await serve()
    status, headers, body = await client.ask("messages", "claude", text="안녕 🎉")
    answer = json.loads(body)
    assert (status, answer["content"][0]["text"]) == (200, "You said: 안녕 🎉")
    assert headers["request-id"].startswith("req_")
    assert answer["usage"]["output_tokens"] > 0


async def test_stream(serve: Any):
    """From message_start (input tokens) to message_delta (output tokens) and message_stop."""
    client = await serve()
    _, _, body = await client.ask("messages", "claude", stream=True, text="안녕 🎉")
    got = events(body)
    assert all(name == data["type"] for name, data in got)
    assert [got[0][0], got[-2][0], got[-1][0]] == ["message_start", "message_delta", "message_stop"]
    assert got[0][1]["message"]["usage"]["input_tokens"] > 0
    assert got[-2][1]["usage"]["output_tokens"] > 1
    text = "".join(data["delta"]["text"] for name, data in got if name == "content_block_delta")
    assert text == "You said: 안녕 🎉"


async def test_models_and_token_counts(serve: Any):
    """Both cost nothing."""
    client = await serve(requests_per_minute=0)
    version = {"anthropic-version": "2023-06-01"}
    async with client.session.get(client.url + "/v1/models", headers=version) as response:
        assert (await response.json())["first_id"] == "echo"
    body = {"model": "claude", "messages": [{"role": "user", "content": "x" * 40}]}
    async with client.session.post(client.url + "/v1/messages/count_tokens", json=body) as response:
        assert await response.json() == {"input_tokens": 10}


@pytest.mark.parametrize(
    ("kind", "status", "type_"),
    [
        ("rate", 429, "rate_limit_error"),
        ("insufficient-quota", 400, "invalid_request_error"),
        ("overloaded", 529, "overloaded_error"),
        ("server-error", 500, "api_error"),
        ("invalid-key", 401, "authentication_error"),
        ("billing-inactive", 402, "billing_error"),
        ("not-found", 404, "not_found_error"),
    ],
)
def test_kinds(kind: Kind, status: int, type_: str):
    """Status and type as the documents have them, in Anthropic's envelope."""
    refused = anthropic.refuse(Trouble(kind), Question("anthropic", "messages", "claude"), Moment(0.0), "req_7")
    body = json.loads(refused.body)
    assert (refused.status, body["type"], body["error"]["type"], body["request_id"]) == (
        status,
        "error",
        type_,
        "req_7",
    )


def test_a_rate_limit_names_the_limit_and_has_retry_after():
    """With the figure in thousands and whole seconds."""
    trouble = Trouble("rate", "input_tokens", "minute", 40_000, 39_000, 3_000, 3.0)
    refused = anthropic.refuse(trouble, Question("anthropic", "messages", "claude"), Moment(0.0), "req_7")
    assert "rate limit of 40,000 input tokens per minute" in json.loads(refused.body)["error"]["message"]
    assert dict(refused.headers)["retry-after"] == "3"


def test_a_spend_limit_ends_with_the_month():
    """The first of the next month, also from December."""
    question = Question("anthropic", "messages", "claude")
    body = anthropic.refuse(Trouble("spend-limit"), question, Moment(1_766_000_000.0), "req_7").body
    assert b"2026-01-01 at 00:00 UTC" in body


def test_limit_headers():
    """Instants of full replenishment; remaining tokens rounded to thousands, never above the limit."""
    standings = (
        Standing("requests", "minute", 50, 49, 1.2),
        Standing("input_tokens", "minute", 40_400, 40_399, 0.1),
        Standing("requests", "day", 1000, 999, 86.4),
    )
    fields = dict(anthropic.limit_headers(standings, Moment(1_700_000_000.0), day=False))
    assert fields == {
        "anthropic-ratelimit-requests-limit": "50", "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2023-11-14T22:13:22Z", "anthropic-ratelimit-input-tokens-limit": "40400",
        "anthropic-ratelimit-input-tokens-remaining": "40000",
        "anthropic-ratelimit-input-tokens-reset": "2023-11-14T22:13:21Z",
    }  # fmt: skip
