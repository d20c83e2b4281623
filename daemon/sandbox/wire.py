"""Troubles of the connection. Each is played after the call was let in and the service time has passed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from daemon.sandbox.exchange import Exchange
from daemon.sandbox.trouble import Trouble

_SOME = 6
"""Chunks before trouble begins: enough for each API to have said some words."""

Play = Callable[[Exchange], Awaitable[web.StreamResponse]]


async def error_in_stream(x: Exchange) -> web.StreamResponse:
    """200, some chunks, then an error in the API's form; the stream ends in an orderly way."""
    trouble = Trouble("overloaded")
    if not x.question.stream:
        return await x.send(200, x.dialect.refuse(trouble, x.question, x.moment(), x.request_id).body)
    response = await x.stream(_some(x))
    await x.write(response, x.dialect.stream_trouble(x.question, trouble))
    await response.write_eof()
    x.seen.finished = True
    return response


async def cut_stream(x: Exchange) -> web.StreamResponse:
    """Some chunks, then an end without the end of the body."""
    response = await _part(x)
    x.hang_up()
    return response


async def reset_in_stream(x: Exchange) -> web.StreamResponse:
    """Some chunks, then a reset."""
    response = await _part(x)
    # A reset throws away what the client has not read yet: give it the time to read the first chunks.
    await asyncio.sleep(max(0.05, x.settings.chunk_s))
    x.hang_up(reset=True)
    return response


async def reset(x: Exchange) -> web.StreamResponse:
    """No answer, a reset."""
    x.hang_up(reset=True)
    return web.StreamResponse()


async def close(x: Exchange) -> web.StreamResponse:
    """No answer, an orderly end of the connection."""
    x.hang_up()
    return web.StreamResponse()


async def hang(x: Exchange) -> web.StreamResponse:
    """Nothing, until the client leaves."""
    await asyncio.Event().wait()
    return web.StreamResponse()


async def stall(x: Exchange) -> web.StreamResponse:
    """The first chunk, then nothing until the client leaves."""
    if x.question.stream:
        await x.stream(1)
    else:
        await _part(x)
    return await hang(x)


async def slow_first_byte(x: Exchange) -> web.StreamResponse:
    """A success that comes late."""
    await asyncio.sleep(x.settings.slow_s)
    return await x.succeed()


async def truncated_body(x: Exchange) -> web.StreamResponse:
    """A body that is shorter than its content-length."""
    body = x.body()
    response = await x.open("application/json", len(body))
    await x.write(response, body[: len(body) // 2])
    x.hang_up()
    return response


async def garbage(x: Exchange) -> web.StreamResponse:
    """Bytes that are no HTTP."""
    data = b"\x16\x03\x01 this is not HTTP\r\n\r\n"
    if x.request.transport is not None:
        x.request.transport.write(data)
    x.seen.bytes_out += len(data)
    x.hang_up()
    return web.StreamResponse()


async def _part(x: Exchange) -> web.StreamResponse:
    """Begin a success and leave it open: some chunks, or half of a body whose length was not told."""
    if x.question.stream:
        return await x.stream(_some(x))
    body = x.body()
    response = await x.open("application/json")
    await x.write(response, body[: len(body) // 2])
    return response


def _some(x: Exchange) -> int:
    """Some chunks, but never all."""
    return min(_SOME, sum(1 for _ in x.chunks()) - 1) or 1


PLAYS: dict[str, Play] = {
    "error-in-stream": error_in_stream,
    "cut-stream": cut_stream,
    "reset-in-stream": reset_in_stream,
    "reset": reset,
    "close": close,
    "hang": hang,
    "stall": stall,
    "slow-first-byte": slow_first_byte,
    "truncated-body": truncated_body,
    "garbage": garbage,
}
"""By the name of the trick."""
