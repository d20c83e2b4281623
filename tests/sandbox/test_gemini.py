"""Gemini's answers, streams and errors."""

from __future__ import annotations

import json
from typing import Any

from daemon.sandbox import gemini
from daemon.sandbox.dialect import Moment
from daemon.sandbox.question import Question
from daemon.sandbox.trouble import Trouble

WORDS = "안녕 🎉"
GENERATE = Question("gemini", "generate", "gem-1")


def text(parts: list[Any]) -> str:
    """The text of a stream's answers."""
    return "".join(part["candidates"][0]["content"]["parts"][0]["text"] for part in parts)


def refused(trouble: Trouble, minute_s: float = 60.0) -> dict[str, Any]:
    """The error object."""
    error: dict[str, Any] = json.loads(gemini.refuse(trouble, GENERATE, Moment(0.0, minute_s), "r").body)["error"]
    return error


def detail(error: dict[str, Any], kind: str) -> dict[str, Any]:
    """The detail whose type ends in KIND."""
    found: dict[str, Any] = next(d for d in error["details"] if d["@type"].endswith(kind))
    return found


async def test_whole(serve: Any):
    """Text and usage; no rate limit headers although there are limits."""
    client = await serve(requests_per_minute=60)
    status, headers, body = await client.ask("generate", "gem-1", text=WORDS)
    answer = json.loads(body)
    assert (status, text([answer])) == (200, f"You said: {WORDS}")
    assert answer["usageMetadata"]["totalTokenCount"] > 5
    assert not any("limit" in name.lower() for name in headers)


async def test_stream_is_a_json_array(serve: Any):
    """Valid JSON as a whole; usage grows, the last part has the reason."""
    client = await serve()
    _, headers, body = await client.ask("generate", "gem-1", stream=True, text=WORDS)
    parts = json.loads(body)
    assert headers["content-type"] == "application/json; charset=UTF-8"
    assert text(parts) == f"You said: {WORDS}"
    assert parts[-1]["candidates"][0]["finishReason"] == "STOP"


def test_no_chunk_is_a_lone_bracket():
    """gptel's parser stumbles over it."""
    from daemon.sandbox.text import Answer

    question = Question("gemini", "generate", "gem-1", stream=True, sse=False)
    chunks = list(gemini.chunks(question, Answer(("a", "b"), 1, 2), "r", 0.0))
    assert all(b"{" in chunk for chunk in chunks)
    assert len(json.loads(b"".join(chunks))) == 2
    assert json.loads(b"".join(gemini.chunks(question, Answer((), 1, 0), "r", 0.0)))


async def test_stream_as_events(serve: Any):
    """With alt=sse."""
    client = await serve()
    _, headers, body = await client.ask("generate", "gem-1", stream=True, text=WORDS, query="?alt=sse")
    parts = [json.loads(line.removeprefix("data: ")) for line in body.decode().split("\r\n\r\n") if line]
    assert (headers["content-type"], text(parts)) == ("text/event-stream", f"You said: {WORDS}")


async def test_embeddings_models_and_counts(serve: Any):
    """One, several, the list, one model, a count."""
    client = await serve()
    base = client.url + "/v1beta/models"
    one = {"content": {"parts": [{"text": "a"}]}}
    async with client.session.post(base + "/e:embedContent", json=one) as response:
        assert len((await response.json())["embedding"]["values"]) == 8
    async with client.session.post(base + "/e:batchEmbedContents", json={"requests": [one, one]}) as response:
        assert len((await response.json())["embeddings"]) == 2
    async with client.session.post(base + "/e:countTokens", json={"contents": [one["content"]]}) as response:
        assert await response.json() == {"totalTokens": 1}
    async with client.session.get(base) as response:
        assert "models/echo" in [row["name"] for row in (await response.json())["models"]]
    async with client.session.get(base + "/echo") as response:
        assert (await response.json())["name"] == "models/echo"


def test_a_rate_limit_is_told_by_its_quota_id():
    """The figure is a string, the wait is truncated in RetryInfo and exact in the message."""
    error = refused(Trouble("rate", "requests", "minute", 15, 15, 1, 3.56))
    assert (error["code"], error["status"]) == (429, "RESOURCE_EXHAUSTED")
    violation = detail(error, "QuotaFailure")["violations"][0]
    assert violation["quotaId"] == "GenerateRequestsPerMinutePerProjectPerModel-FreeTier"
    assert violation["quotaValue"] == "15"
    assert detail(error, "RetryInfo")["retryDelay"] == "3s"
    assert error["message"].endswith("Please retry in 3.56s.")


def test_a_days_quota_lies_about_its_wait():
    """PerDay in the quota id, seconds in the delay."""
    error = refused(Trouble("rate", "requests", "day", 250, 250, 1, 43_200.0))
    assert "PerDay" in detail(error, "QuotaFailure")["violations"][0]["quotaId"]
    assert detail(error, "RetryInfo")["retryDelay"] == "20s"


def test_a_quota_of_zero_has_no_value():
    """Protobuf leaves zeros out; the message says limit: 0."""
    error = refused(Trouble("not-in-plan"))
    assert "quotaValue" not in detail(error, "QuotaFailure")["violations"][0]
    assert "limit: 0" in error["message"]


def test_errors_of_an_array_stream_are_an_array():
    """As Google's streaming endpoints answer."""
    question = Question("gemini", "generate", "gem-1", stream=True, sse=False)
    body = gemini.refuse(Trouble("overloaded"), question, Moment(0.0), "r").body
    assert json.loads(body)[0]["error"]["status"] == "UNAVAILABLE"
