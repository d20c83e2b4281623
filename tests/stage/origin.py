"""A provider that sees and sends bytes: each connection plays a script, and keeps what it was asked."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
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

    def __init__(self, answer: Answer, tls: ssl.SSLContext | None = None) -> None:
        self.answer = answer
        self._tls = tls
        self._listening: asyncio.Server | None = None
        self.visits: list[Visit] = []
        self.port = 0

    async def open(self) -> None:
        """Listen, at the same port as before."""
        self._listening = await asyncio.start_server(self.play, "127.0.0.1", self.port, ssl=self._tls)
        self.port = self._listening.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Listen no more. Connections that are open stay."""
        if self._listening is not None:
            self._listening.close()

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
async def serving(answer: Answer, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server that plays ANSWER."""
    server = Server(answer, tls)
    await server.open()
    try:
        yield server
    finally:
        server.close()
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
