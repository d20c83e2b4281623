"""The responses API, read as gptel and the SDKs read it."""

from __future__ import annotations

import json
from typing import Any


def events(body: bytes) -> list[tuple[str, Any]]:
    """Name and data of each event."""
    blocks = [block.split("\n") for block in body.decode().split("\n\n") if block]
    return [(name.removeprefix("event: "), json.loads(data.removeprefix("data: "))) for name, data in blocks]


async def test_whole(serve: Any):
    """Output text and usage."""
    client = await serve()
    status, answer = await client.json("responses", "gpt-4o", text="안녕 🎉")
    assert (status, answer["status"], answer["object"]) == (200, "completed", "response")
    assert answer["output"][0]["content"][0]["text"] == "You said: 안녕 🎉"
    assert answer["usage"]["total_tokens"] == answer["usage"]["input_tokens"] + answer["usage"]["output_tokens"]


async def test_stream(serve: Any):
    """Numbered events from created to completed; deltas join to the text; the last one has usage."""
    client = await serve()
    _, _, body = await client.ask("responses", "gpt-4o", stream=True, text="안녕 🎉")
    got = events(body)
    assert (got[0][0], got[-1][0]) == ("response.created", "response.completed")
    assert all(name == data["type"] for name, data in got)
    assert [data["sequence_number"] for _, data in got] == list(range(len(got)))
    deltas = [data["delta"] for name, data in got if name == "response.output_text.delta"]
    assert "".join(deltas) == "You said: 안녕 🎉"
    assert got[-1][1]["response"]["usage"]["total_tokens"] > 0


async def test_cut_by_max_output_tokens(serve: Any):
    """The response is incomplete and says why."""
    client = await serve()
    _, answer = await client.json("responses", "long-20", max_output_tokens=3)
    assert (answer["status"], answer["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    _, _, body = await client.ask("responses", "long-20", stream=True, max_output_tokens=3)
    assert events(body)[-1][0] == "response.incomplete"


async def test_an_error_in_the_stream_is_an_error_event(serve: Any):
    """Its fields stand at the top of the event."""
    client = await serve()
    _, _, body = await client.ask("responses", "error-in-stream", stream=True)
    name, data = events(body)[-1]
    assert (name, data["type"]) == ("error", "error")
    assert data["message"]
