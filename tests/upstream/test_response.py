"""An answer in the hands of the gateway; the bodies themselves are in test_sender.py."""

from __future__ import annotations

import asyncio

import pytest

from daemon.upstream import StreamCut
from stage.origin import Visit, ok, raw, serving
from upstream.calling import answered, call_to, sender


async def test_fields_are_found_in_any_case() -> None:
    """The first one counts."""
    async with serving(ok(extra=b"X-A: 1\r\nx-a: 2\r\n")) as server, sender() as upstream:
        response = answered(await upstream.send(call_to(server.port)))
        assert (response.header("X-a"), response.header("content-LENGTH"), response.header("x")) == ("1", "2", None)
        response.close()


async def test_a_closed_answer_is_no_whole_one() -> None:
    """Whoever reads on is told, and the next call's answer is not his."""
    async with serving(ok(b"ab")) as server, sender() as upstream:
        response = answered(await upstream.send(call_to(server.port)))
        response.close()
        with pytest.raises(StreamCut) as cut:
            await response.read(10)
    assert (cut.value.failure.fault, cut.value.failure.status) == ("truncated", 200)


async def test_reading_an_answer_to_its_last_byte_is_enough() -> None:
    """`read` up to the length gives the connection back: nobody has to ask for the end after the end."""
    async with serving(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab")) as server, sender() as upstream:
        response = answered(await upstream.send(call_to(server.port)))
        assert await response.read(2) == b"ab"
        response.close()
        assert not server.visits[0].gone.is_set()
        assert upstream._pool.take(response._route) is not None


async def test_there_is_time_while_the_body_is_waited_for() -> None:
    """`meanwhile` is called when a piece has not come yet, and not for those that are there."""
    go_on, times = asyncio.Event(), list[int]()

    async def answer(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab")
        await go_on.wait()
        await visit.send(b"cd")

    def meanwhile() -> None:
        times.append(len(got))
        go_on.set()

    async with serving(answer) as server, sender() as upstream:
        response, got = answered(await upstream.send(call_to(server.port))), list[bytes]()
        response.meanwhile = meanwhile
        async for piece in response.chunks():
            got.append(piece)
        response.close()
    assert got == [b"ab", b"cd"]
    assert times == [1]
