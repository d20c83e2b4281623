"""One connection: who may use it again, how much it holds, and who is told when it ends."""

from __future__ import annotations

import asyncio

import pytest

from daemon.upstream.connection import Connection
from daemon.upstream.faults import Fault
from stage.origin import Answer, Server, Visit, ok, raw, serving

HEAD = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n"


async def connected(server: Server) -> Connection:
    """A connection to SERVER."""
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(lambda: Connection(loop), "127.0.0.1", server.port)
    return connection


async def read(connection: Connection) -> bytes:
    """The body, to its end."""
    pieces = []
    while piece := await connection.piece(5):
        pieces.append(piece)
    return b"".join(pieces)


async def test_one_request_after_another() -> None:
    """After a whole answer it is free, and knows that it was used."""
    async with serving(ok(b"ab")) as server:
        connection = await connected(server)
        for _ in range(3):
            assert (await connection.ask("POST", HEAD, b"{}", 5)).status == 200
            assert await read(connection) == b"ab"
            assert connection.release()
            assert connection.used
        connection.abort()
        with pytest.raises(Fault):
            await connection.ask("POST", HEAD, b"{}", 5)
    assert [len(visit.heads) for visit in server.visits] == [3]


@pytest.mark.parametrize(
    "answer",
    [
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab"),
        raw(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab"),
        raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabHTTP/1.1 200 OK\r\n\r\n"),
        raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nx"),
        raw(b"HTTP/1.1 200 OK\r\n\r\nab", then="close"),
    ],
    ids=["close", "1.0", "an answer too many", "a byte too many", "until the end"],
)
async def test_one_that_may_not_be_used_again(answer: Answer) -> None:
    """The body is whole, but the next answer on it might not be ours."""
    async with serving(answer) as server:
        connection = await connected(server)
        await connection.ask("POST", HEAD, b"{}", 5)
        assert await read(connection) == b"ab"
        assert connection.whole()
        assert not connection.release()
        connection.abort()


async def test_one_that_is_being_closed() -> None:
    """The other side has closed it, and asyncio has not told us yet: it cannot be used, and whoever tries learns that
    nothing was sent."""
    async with serving(ok(b"ab")) as server:
        connection = await connected(server)
        await connection.ask("POST", HEAD, b"{}", 5)
        assert await read(connection) == b"ab"
        assert connection.release()
        assert connection.usable
        assert connection._transport is not None
        connection._transport.close()
        assert (connection.ended, connection.usable) == (False, False)
        with pytest.raises(Fault) as fault:
            await connection.ask("POST", HEAD, b"{}", 5)
        assert (fault.value.kind, fault.value.sent) == ("reset", False)
    assert [len(visit.heads) for visit in server.visits] == [1]


async def test_an_answer_before_the_request_was_sent() -> None:
    """What of the request is still to go would be read as the next one."""

    async def answer(visit: Visit) -> None:
        await visit.reader.readuntil(b"\r\n\r\n")
        await visit.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.Event().wait()

    async with serving(answer) as server:
        connection = await connected(server)
        head = b"POST / HTTP/1.1\r\nContent-Length: 50000000\r\n\r\n"
        assert (await connection.ask("POST", head, b"x" * 50_000_000, 5)).status == 413
        assert not connection.release()
        connection.abort()
        for visit in server.visits:
            visit.writer.transport.abort()


async def test_bytes_that_nobody_asked_for() -> None:
    """They end a connection that waits."""

    async def answer(visit: Visit) -> None:
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        await speak.wait()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")

    speak = asyncio.Event()
    async with serving(answer) as server:
        connection = await connected(server)
        await connection.ask("POST", HEAD, b"{}", 5)
        assert connection.release()
        speak.set()
        await asyncio.wait_for(server.visits[0].gone.wait(), 5)
        assert connection.ended


async def test_a_slow_reader_slows_the_provider() -> None:
    """Of an endless body only so much waits here; and all of it arrives."""
    sent = 0

    async def answer(visit: Visit) -> None:
        nonlocal sent
        await visit.request()
        await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (64 << 20))
        for _ in range(1024):
            await visit.send(b"x" * 65536)
            sent += 65536

    async with serving(answer) as server:
        connection = await connected(server)
        await connection.ask("POST", HEAD, b"{}", 5)
        async with asyncio.timeout(5):
            while not connection._paused:  # noqa: ASYNC110 - until it is full
                await asyncio.sleep(0)
        held = connection._unread
        for _ in range(100):
            await asyncio.sleep(0)
        assert connection._unread == held < 1 << 20
        assert sent < 32 << 20
        assert len(await read(connection)) == 64 << 20
        assert connection.release()
        connection.abort()


async def test_abort_wakes_whoever_waits() -> None:
    """A body that is waited for ends as cut."""
    async with serving(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")) as server:
        connection = await connected(server)
        await connection.ask("POST", HEAD, b"{}", 5)
        waiting = asyncio.create_task(connection.piece(60))
        await asyncio.sleep(0)
        connection.abort()
        connection.abort()
        with pytest.raises(Fault) as fault:
            await asyncio.wait_for(waiting, 5)
        assert fault.value.kind == "truncated"


async def test_what_we_end_ourselves_is_not_whole() -> None:
    """A body that ends with its connection is cut, if it was us who ended that."""
    async with serving(raw(b"HTTP/1.1 200 OK\r\n\r\nab")) as server:
        connection = await connected(server)
        await connection.ask("POST", HEAD, b"{}", 5)
        assert await connection.piece(5) == b"ab"
        connection.abort()
        await asyncio.wait_for(server.visits[0].gone.wait(), 5)
        with pytest.raises(Fault):
            await connection.piece(5)
        assert not connection.whole()
