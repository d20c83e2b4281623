"""What the doors' tests share: a short folder for sockets, and a visitor who sees bytes."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

GUARD_S = 5.0
"""No answer takes that long; a test that waits longer has failed."""


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder of our own with a short name, since a socket's path is at most 103 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="slu"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


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


@contextlib.asynccontextmanager
async def visit(path: Path) -> AsyncIterator[Wire]:
    """A connection to the Unix socket at PATH."""
    wire = Wire(*await asyncio.open_unix_connection(str(path)))
    try:
        yield wire
    finally:
        await wire.close()
