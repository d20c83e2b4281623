"""Troubles of the connection, as a client meets them."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import aiohttp
import pytest

APIS = ["chat", "responses", "messages", "generate"]


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("model", ["cut-stream", "reset-in-stream"])
async def test_a_cut_stream_has_a_beginning_and_no_end(serve: Any, api: str, model: str):
    """The client reads some chunks, then an error; we closed, not the client."""
    client = await serve()
    async with client.request(api, model, stream=True, text="one two three four five six") as response:
        assert response.status == 200
        begin = await response.content.readany()
        assert begin
        with pytest.raises((aiohttp.ClientPayloadError, ConnectionError)):
            await response.content.read()
    seen = await client.until(lambda seen: seen.ended is not None)
    assert (seen.finished, seen.closed_by_client, seen.trouble) == (False, False, model)
    assert seen.bytes_out > 0


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize(
    ("model", "error"),
    [
        ("reset", (ConnectionResetError, aiohttp.ClientOSError)),
        ("close", aiohttp.ServerDisconnectedError),
        ("garbage", aiohttp.ClientResponseError),
        ("truncated-body", aiohttp.ClientPayloadError),
    ],
)
async def test_broken_answers(serve: Any, api: str, model: str, error: type[Exception]):
    """Each breaks in its own way, after the call was let in."""
    client = await serve()
    with pytest.raises(error):
        await client.ask(api, model)
    seen = await client.until(lambda seen: seen.ended is not None)
    assert seen.admitted is not None
    assert (seen.finished, seen.closed_by_client, seen.trouble) == (False, False, model)


@pytest.mark.parametrize("api", APIS)
@pytest.mark.parametrize("stream", [False, True])
async def test_error_in_a_200(serve: Any, api: str, stream: bool):
    """In a stream after some words, else as the whole body; in the API's form."""
    client = await serve()
    status, _, body = await client.ask(api, "error-in-stream", stream=stream, text="one two three four five six")
    assert status == 200
    assert b'error"' in body
    assert (b"You" in body) is stream
    if api == "generate" and stream:
        assert "error" in json.loads(body)[-1]


@pytest.mark.parametrize("model", ["hang", "stall"])
async def test_silence_until_the_client_leaves(serve: Any, model: str):
    """It is seen that the client closed."""
    client = await serve()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(0.2):
            await client.ask("chat", model, stream=True)
    seen = await client.until(lambda seen: seen.ended is not None)
    assert (seen.closed_by_client, seen.finished) == (True, False)
    assert (seen.bytes_out > 0) is (model == "stall")


async def test_silence_ends_when_the_sandbox_stops(serve: Any):
    """Nobody has to wait for a hanging call, and it is not taken for the client's doing."""
    client = await serve()
    task = asyncio.create_task(client.ask("chat", "hang"))
    await client.until(lambda seen: seen.admitted is not None)
    await client.sandbox.stop()
    with pytest.raises(aiohttp.ClientError):
        await task
    assert not client.sandbox.seen[-1].closed_by_client


async def test_slow_first_byte_arrives(serve: Any):
    """Late, and whole."""
    client = await serve(slow_s=0.1)
    status, answer = await client.json("chat", "slow-first-byte")
    seen = client.sandbox.seen[-1]
    assert (status, answer["object"], seen.finished) == (200, "chat.completion", True)
    assert seen.ended - seen.admitted >= 0.1
