"""Sending answers: pieces, pace and what is remembered of it."""

from __future__ import annotations

from typing import Any

import pytest


async def test_dribble_cuts_in_the_middle_of_characters(serve: Any):
    """Pieces of 7 bytes that join to whole events."""
    client = await serve()
    _, _, body = await client.ask("chat", "dribble", stream=True, text="안녕하세요 🎉")
    assert "안녕하세요" in body.decode()
    assert body.endswith(b"data: [DONE]\n\n")


async def test_chunks_come_one_by_one(serve: Any):
    """With chunk_s there is time between them: the first is there before the last was written."""
    client = await serve(chunk_s=0.02)
    async with client.request("chat", "long-10", stream=True) as response:
        first = await response.content.readany()
        assert b"[DONE]" not in first
        rest = await response.content.read()
    seen = client.sandbox.seen[-1]
    assert rest.endswith(b"data: [DONE]\n\n")
    assert seen.bytes_out == len(first) + len(rest)


@pytest.mark.parametrize("stream", [False, True])
async def test_a_finished_answer_is_remembered_as_such(serve: Any, stream: bool):
    """Status, size, and that it was whole."""
    client = await serve()
    _, _, body = await client.ask("messages", "claude", stream=stream)
    seen = client.sandbox.seen[-1]
    assert (seen.status, seen.bytes_out, seen.finished, seen.closed_by_client) == (200, len(body), True, False)


async def test_what_a_client_left_is_charged_as_far_as_it_was_sent(serve: Any):
    """A stream that was left after its beginning does not cost its whole length."""
    client = await serve(chunk_s=0.01, tokens_per_minute=100_000, minute_s=600)
    async with client.request("messages", "long-400", stream=True, max_tokens=5000) as response:
        await response.content.readany()
    await client.until(lambda seen: seen.ended is not None)
    assert client.sandbox.seen[-1].closed_by_client
    _, headers, _ = await client.ask("messages", "claude")
    assert int(headers["anthropic-ratelimit-tokens-remaining"]) == 100_000
