"""How bytes come in: each connection gets its own, and of memory no more than that."""

from __future__ import annotations

import asyncio
import socket
import tracemalloc

from daemon.inlet import SIZE, Inlet


class Heard(Inlet):
    """Keeps what came."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        """Keep DATA."""
        self.pieces.append(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The end."""
        self.ended.set()


async def connected() -> tuple[socket.socket, Heard]:
    """A socket to write to, and what reads at its other end."""
    ours, theirs = socket.socketpair()
    _, heard = await asyncio.get_running_loop().create_connection(Heard, sock=theirs)
    return ours, heard


async def test_each_connection_has_its_own_bytes() -> None:
    """What came by one buffer is kept apart, also when the other connection has read since."""
    (one, first), (two, second) = await connected(), await connected()
    for number in range(5):
        one.sendall(b"one%d" % number)
        two.sendall(b"two%d" % number)
        await asyncio.sleep(0)
    one.close()
    two.close()
    await first.ended.wait()
    await second.ended.wait()
    assert b"".join(first.pieces) == b"one0one1one2one3one4"
    assert b"".join(second.pieces) == b"two0two1two2two3two4"


async def test_more_than_the_buffer_holds() -> None:
    """It comes in pieces, in order and whole."""
    ours, heard = await connected()
    sent = bytes(range(256)) * (3 * SIZE // 256)
    await asyncio.to_thread(lambda: (ours.sendall(sent), ours.close()))
    await heard.ended.wait()
    assert b"".join(heard.pieces) == sent
    assert max(map(len, heard.pieces)) <= SIZE


async def test_a_reading_takes_no_more_memory_than_its_bytes() -> None:
    """A few bytes do not pass through a room of 256 KiB that is made for them."""
    ours, heard = await connected()
    tracemalloc.start()
    try:
        for _ in range(20):
            ours.sendall(b"x" * 100)
            await asyncio.sleep(0)
        ours.close()
        await heard.ended.wait()
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
