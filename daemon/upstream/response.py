"""An answer whose body is still coming."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

from daemon.model import Call, Headers
from daemon.upstream.connection import Connection
from daemon.upstream.faults import Fault, StreamCut, cut, failure_of
from daemon.upstream.parser import Head
from daemon.upstream.pool import Pool
from daemon.upstream.route import Route


class Response:
    """An answer whose headers are in. Close it always; a closed connection of an unread body is not reused."""

    def __init__(self, call: Call, head: Head, connection: Connection, route: Route, pool: Pool, idle_s: float) -> None:
        self._call = call
        self._connection: Connection | None = connection
        self._route = route
        self._pool = pool
        self._idle_s = idle_s
        self.status = head.status
        self.reason = head.reason
        self.headers: Headers = head.headers
        self._fields = head.fields
        self.meanwhile: Callable[[], object] | None = None
        """Called whenever the next piece of the body has not come yet: there is time now."""

    def header(self, name: str) -> str | None:
        """The first value of a header, or None."""
        return self._fields.get(name.lower())

    def chunks(self) -> AsyncIterator[bytes]:
        """The body as it comes, in its transfer-decoded bytes. Raises StreamCut when it ends too early."""
        return _Chunks(self._piece)

    async def read(self, most: int) -> bytes:
        """Return up to MOST bytes of the body. Raises StreamCut as `chunks` does."""
        parts, size = [], 0
        while size < most and (chunk := await self._piece()):
            parts.append(chunk)
            size += len(chunk)
        return b"".join(parts)[:most]

    def close(self) -> None:
        """Give the connection back if the body was read whole, else close it. Idempotent."""
        if self._connection is not None:
            self._pool.put(self._route, self._connection)
            self._connection = None

    async def _piece(self) -> bytes:
        try:
            if self._connection is None:
                raise cut()
            return await self._connection.piece(self._idle_s, self.meanwhile)
        except Fault as fault:
            failure = failure_of(
                self._call, fault.kind, fault.detail, sent=True, status=self.status, headers=self.headers
            )
            raise StreamCut(failure) from None


class _Chunks:
    """Pieces until an empty one; after that it stays at its end, whatever becomes of the connection. A generator would
    be known to the loop, and be forgotten by it, for each call."""

    def __init__(self, piece: Callable[[], Awaitable[bytes]]) -> None:
        self._piece: Callable[[], Awaitable[bytes]] | None = piece

    def __aiter__(self) -> _Chunks:
        return self

    async def __anext__(self) -> bytes:
        if self._piece is not None:
            if chunk := await self._piece():
                return chunk
            self._piece = None
        raise StopAsyncIteration
