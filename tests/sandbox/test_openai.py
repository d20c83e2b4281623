"""OpenAI's answers, streams and headers, read as a client reads them."""

from __future__ import annotations

import base64
import json
import struct
from typing import Any

from daemon.sandbox import openai
from daemon.sandbox.dialect import Moment
from daemon.sandbox.meter import Standing

KOREAN = "안녕 세계 🎉"


def events(body: bytes) -> list[Any]:
    """The data of server-sent events; the end mark as it is."""
    lines = [line.removeprefix("data: ") for line in body.decode().split("\n\n") if line]
    return [line if line == "[DONE]" else json.loads(line) for line in lines]


async def test_chat(serve: Any):
    """The echo, usage that adds up, and a request id."""
    client = await serve()
    status, headers, body = await client.ask("chat", "gpt-4o", text=KOREAN)
    answer = json.loads(body)
    assert (status, headers["content-type"]) == (200, "application/json")
    assert headers["x-request-id"].startswith("req_")
    assert answer["choices"][0]["message"]["content"] == f"You said: {KOREAN}"
    usage = answer["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 10


async def test_chat_stream(serve: Any):
    """Chunks join to the echo; the role comes first, the reason last, usage only when asked for."""
    client = await serve()
    status, headers, body = await client.ask("chat", "gpt-4o", stream=True, text=KOREAN)
    *chunks, done = events(body)
    assert (status, done, headers["content-type"]) == (200, "[DONE]", "text/event-stream; charset=utf-8")
    assert chunks[0]["choices"][0]["delta"]["role"] == "assistant"
    assert "".join(c["choices"][0]["delta"].get("content", "") for c in chunks) == f"You said: {KOREAN}"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"
    assert not any("usage" in c for c in chunks)
    _, _, body = await client.ask("chat", "gpt-4o", stream=True, stream_options={"include_usage": True})
    last = events(body)[-2]
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] > 0


async def test_max_tokens_and_choices(serve: Any):
    """A cut answer says length; n answers have an index each and are counted in usage."""
    client = await serve()
    _, answer = await client.json("chat", "long-50", max_tokens=5, n=3)
    assert [c["index"] for c in answer["choices"]] == [0, 1, 2]
    assert {c["finish_reason"] for c in answer["choices"]} == {"length"}
    assert answer["usage"]["completion_tokens"] == 15


async def test_embeddings_in_both_encodings(serve: Any):
    """The SDK asks for base64 by default."""
    client = await serve()
    body = {"model": "embed", "input": ["a", "bc"], "dimensions": 4}
    async with client.session.post(client.url + "/v1/embeddings", json=body) as response:
        plain = await response.json()
    async with client.session.post(
        client.url + "/v1/embeddings", json=body | {"encoding_format": "base64"}
    ) as response:
        packed = await response.json()
    assert [len(row["embedding"]) for row in plain["data"]] == [4, 4]
    floats = struct.unpack("<4f", base64.b64decode(packed["data"][1]["embedding"]))
    assert all(abs(a - b) < 1e-6 for a, b in zip(floats, plain["data"][1]["embedding"], strict=True))


async def test_other_endpoints(serve: Any):
    """Completions, images and the model list have their forms."""
    client = await serve()
    async with client.session.post(client.url + "/v1/completions", json={"model": "m", "prompt": "hi"}) as response:
        assert (await response.json())["choices"][0]["text"] == "You said: hi"
    async with client.session.post(client.url + "/v1/images/generations", json={"model": "i", "n": 2}) as response:
        images = await response.json()
    assert all(base64.b64decode(row["b64_json"]).startswith(b"\x89PNG") for row in images["data"])
    async with client.session.get(client.url + "/v1/models") as response:
        assert "echo" in [row["id"] for row in (await response.json())["data"]]
    async with client.session.get(client.url + "/v1/models/hang") as response:
        assert (await response.json())["id"] == "hang"
    async with client.session.get(client.url + "/v1/models/nothing") as response:
        assert response.status == 404


def test_limit_headers_tell_when_all_is_there_again():
    """limit 5000, one used: reset is 12ms, as OpenAI's."""
    standings = (
        Standing("requests", "minute", 5000, 4999, 60 / 5000),
        Standing("requests", "day", 10_000, 9_999, 8.64),
        Standing("tokens", "minute", 40_000, 39_000.4, 1.5),
    )
    fields = dict(openai.limit_headers(standings, Moment(0.0), day=False))
    assert fields == {
        "x-ratelimit-limit-requests": "5000", "x-ratelimit-remaining-requests": "4999",
        "x-ratelimit-reset-requests": "12ms", "x-ratelimit-limit-tokens": "40000",
        "x-ratelimit-remaining-tokens": "39000", "x-ratelimit-reset-tokens": "1.5s",
    }  # fmt: skip
    assert dict(openai.limit_headers(standings, Moment(0.0), day=True))["x-ratelimit-reset-requests"] == "8.64s"
    assert dict(openai.limit_headers(standings[1:2], Moment(0.0), day=False))["x-ratelimit-limit-requests"] == "10000"
