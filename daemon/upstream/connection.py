"""One connection: one request at a time, its answer read as it comes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from typing import Final, cast

from daemon.inlet import Inlet
from daemon.upstream.faults import cut, lost, not_http, too_late
from daemon.upstream.parser import AnswerParser, Head
from daemon.upstream.timeouts import Watchdog

_MOST_UNREAD: Final = 2**16
"""Bytes of a body that wait here for a slow reader; beyond that the provider is not listened to."""
_SMALL: Final = 2**16
"""Up to here a body is sent in one piece with its head: to copy it costs less than a second system call."""


class Connection(Inlet):
    """To be used by one call at a time. Whoever stops in the middle of an answer must `abort`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._parser: AnswerParser | None = None
        self._pieces: list[bytes] = []
        self._unread = 0
        self._paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._watchdog = Watchdog(loop, self._wake_late)
        self._late = False
        self._error: Exception | None = None
        self.ended = False
        """No more bytes will come or go."""
        self.used = False
        """It has carried an answer before."""
        self.heard = False
        """Something of the answer to the last request has come."""
        self.number = 0
        self.idle_since = 0.0

    # ---- what asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        parser = self._parser
        if parser is None:  # it speaks without being asked: nobody can know whose answer that is
            self.abort()
            return
        self.heard = True
        piece = parser.feed(data)
        if piece:
            self._pieces.append(piece)
            self._unread += len(piece)
            if self._unread > _MOST_UNREAD and not self._paused and self._transport is not None:
                self._paused = True
                self._transport.pause_reading()
        if parser.broken:
            self.abort()
        if parser.head is not None or parser.broken:
            self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        """It has ended."""
        if self._parser is not None and error is None and not self.ended:  # what we ended ourselves is not whole
            self._parser.end()
        self.ended = True
        self._error = error
        self._watchdog.leave()
        self._wake()

    # ---- what a call does

    @property
    def usable(self) -> bool:
        """True if bytes can go. When the other side has ended it, asyncio closes it a moment before it tells us."""
        return not self.ended and self._transport is not None and not self._transport.is_closing()

    async def ask(
        self, method: str, head: bytes, body: bytes, limit_s: float, left: Callable[[], object] | None = None
    ) -> Head:
        """Send a request and return the beginning of its answer within LIMIT_S seconds. Raises Fault.

        LEFT is called when the request has been handed to the system.
        """
        transport = self._transport
        if transport is None or not self.usable:
            raise lost(self._error, sent=False)
        parser = self._parser = AnswerParser(method)
        self.heard = False
        if len(body) <= _SMALL:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)
        if left is not None:
            left()
        self._watchdog.watch(limit_s)
        while parser.head is None:
            if parser.broken:
                raise not_http(parser.rule)
            if self.ended:
                raise lost(self._error)
            if not await self._wait():
                raise too_late("first_byte_timeout", "first_byte", limit_s, sent=True)
        self._watchdog.rest()
        return parser.head

    async def piece(self, limit_s: float, meanwhile: Callable[[], object] | None = None) -> bytes:
        """What has come of the body, after at most LIMIT_S seconds; empty at its end. Raises Fault.

        MEANWHILE is called if nothing is there yet.
        """
        parser = self._parser
        if not self._pieces and parser is not None and not (parser.done or parser.broken or self.ended):
            if meanwhile is not None:
                meanwhile()
            self._watchdog.watch(limit_s)
            while not (self._pieces or parser.done or parser.broken or self.ended):
                if not await self._wait():
                    raise too_late("idle_timeout", "idle", limit_s, sent=True)
            self._watchdog.rest()
        if self._pieces:
            return self._take()
        if parser is None or not parser.done:
            raise cut()
        return b""

    def whole(self) -> bool:
        """The answer was read to its end."""
        return self._parser is not None and self._parser.done and not self._pieces

    def release(self) -> bool:
        """Be free for another call, if HTTP allows it."""
        parser, transport = self._parser, self._transport
        if parser is None or transport is None or not self.whole() or self.ended or transport.is_closing():
            return False
        if not parser.keep or parser.excess or parser.broken or transport.get_write_buffer_size():
            return False  # with bytes of the request unsent, the answer was one to a part of it
        self._parser = None
        self.used = True
        return True

    def abort(self) -> None:
        """End it at once: what is under way must not be paid for. Idempotent."""
        self.ended = True
        self._watchdog.leave()
        if self._transport is not None:
            self._transport.abort()
        self._wake()

    # ---- TLS inside

    async def start_tls(self, context: ssl.SSLContext, host: str) -> None:
        """Speak TLS from now on. Raises OSError."""
        if self._transport is None or self.ended or (self._parser is not None and self._parser.excess):
            raise ConnectionAbortedError
        self._parser = None
        self._transport = await self._loop.start_tls(self._transport, self, context, server_hostname=host)

    def certificate(self) -> bytes:
        """What the other side has shown of itself (DER); nothing without TLS."""
        spoken = self._transport.get_extra_info("ssl_object") if self._transport is not None else None
        return (spoken.getpeercert(binary_form=True) if spoken is not None else None) or b""

    # ---- waiting

    def _take(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        self._unread = 0
        if self._paused and self._transport is not None and not self.ended:
            self._paused = False
            self._transport.resume_reading()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    async def _wait(self) -> bool:
        """Wait until something happens; False if it was the watchdog."""
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        late, self._late = self._late, False
        return not late

    def _wake_late(self) -> None:
        self._late = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
