"""A visitor of a Unix socket who sees bytes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

GUARD_S = 5.0
"""No answer takes that long; a test that waits longer has failed."""


class Wire:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        """Write bytes as they are."""
        self.writer.write(data)

    async def some(self) -> bytes:
        """What one read gives; empty at the end."""
        return await asyncio.wait_for(self.reader.read(1 << 20), GUARD_S)

    async def line(self) -> bytes:
        """The next line."""
        return await asyncio.wait_for(self.reader.readline(), GUARD_S)

    async def exactly(self, size: int) -> bytes:
        """The next SIZE bytes."""
        return await asyncio.wait_for(self.reader.readexactly(size), GUARD_S)

    async def rest(self) -> bytes:
        """Everything until the other side closes, cleanly or not."""
        data = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := await self.some():
                data += piece
        return data

    async def answer(self) -> tuple[bytes, dict[str, str], bytes]:
        """One HTTP answer with Content-Length or chunks: status line, fields (lower case), body."""
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), GUARD_S)
        first, *lines = head[:-4].split(b"\r\n")
        fields = {n.lower(): v for n, v in (line.decode().split(": ", 1) for line in lines)}
        if "content-length" in fields:
            return first, fields, await self.exactly(int(fields["content-length"]))
        body = b""
        while size := int(await self.line(), 16):
            body += (await self.exactly(size + 2))[:-2]
        await self.line()
        return first, fields, body

    async def close(self) -> None:
        """Leave."""
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(self.writer.wait_closed(), GUARD_S)

    def vanish(self) -> None:
        """Leave without a word."""
        self.writer.transport.abort()


async def pour(sock: socket.socket, data: bytes, *, at_once: bool) -> None:
    """Send DATA in one piece or byte by byte, as far as it is taken."""
    loop = asyncio.get_running_loop()
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        for piece in [data] if at_once else [data[at : at + 1] for at in range(len(data))]:
            await loop.sock_sendall(sock, piece)
            await asyncio.sleep(0)


async def trickle(path: Path, data: bytes, *, at_once: bool) -> bytes:
    """Send DATA whole or byte by byte until it is answered; everything that is answered until the end.

    A plain socket: asyncio's streams forget what they got when a later write fails.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.setblocking(False)
        await loop.sock_connect(sock, str(path))
        await pour(sock, data, at_once=at_once)
        got = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := await asyncio.wait_for(loop.sock_recv(sock, 1 << 16), GUARD_S):
                got += piece
                if whole(got):
                    break
        return got


def whole(answer: bytes) -> bool:
    """True if ANSWER has all that its Content-Length promises."""
    head, end, body = answer.partition(b"\r\n\r\n")
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return bool(end and length) and len(body) >= int(length)


@contextlib.asynccontextmanager
async def visit(path: Path) -> AsyncIterator[Wire]:
    """A connection to the Unix socket at PATH."""
    wire = Wire(*await asyncio.open_unix_connection(str(path), limit=16 << 20))
    try:
        yield wire
    finally:
        await wire.close()
