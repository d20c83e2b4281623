"""A provider that sees and sends bytes: each connection plays a script, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

Answer = Callable[["Visit"], Awaitable[None]]


class Visit:
    """One connection to the raw server."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.gone = asyncio.Event()

    async def request(self) -> None:
        """Read one request whole."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head[:-4].split(b"\r\n")[1:])
        self.heads.append(head)
        self.bodies.append(await self.reader.readexactly(int(fields.get(b"content-length", b"0"))))

    async def send(self, data: bytes) -> None:
        """Write bytes."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Close with RST."""
        self.writer.get_extra_info("socket").setsockopt(1, 13, struct.pack("ii", 1, 0))  # SO_LINGER 0
        self.writer.transport.abort()


class Server:
    """A raw server on loopback; `answer` plays each connection."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.visits: list[Visit] = []
        self.port = 0

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        visit = Visit(reader, writer)
        self.visits.append(visit)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await self.answer(visit)
            await reader.read()
        visit.gone.set()
        writer.close()


@contextlib.asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Server]:
    """A server that plays ANSWER."""
    server = Server(answer)
    listening = await asyncio.start_server(server.play, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for visit in server.visits:
            visit.writer.transport.abort()
        await asyncio.sleep(0)


def ok(body: bytes = b"{}", *, extra: bytes = b"") -> Answer:
    """A plain success."""

    async def answer(visit: Visit) -> None:
        while True:
            await visit.request()
            await visit.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%b\r\n%b" % (len(body), extra, body))

    return answer


def raw(data: bytes, then: str = "stay") -> Answer:
    """DATA as it is after the request, then stay, close or reset."""

    async def answer(visit: Visit) -> None:
        await visit.request()
        await visit.send(data)
        if then == "close":
            visit.writer.close()
        elif then == "reset":
            visit.reset()

    return answer
