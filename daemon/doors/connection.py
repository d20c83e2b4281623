"""One HTTP connection: requests are read one after the other, each is answered before the next is looked at, and who
leaves is noticed at once."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol, cast

from daemon.doors.gate import Gate
from daemon.doors.parsing import NotHttp, Request, RequestParser
from daemon.doors.request import HttpSettings
from daemon.doors.writing import Ready, Wording
from daemon.errors import BodyTooLarge, InvalidCall, Refusal
from daemon.inlet import Inlet
from daemon.model import Headers
from daemon.phrases import phrase
from daemon.upstream import Watchdog

MOST_AHEAD: Final = 64 * 1024
"""Bytes of later requests that are kept while one is answered."""
AHEAD_S: Final = 1.0
"""Who has sent more than that, and waits so long, is cut: a connection that is not read would not tell that its client
has left."""
PARTING_S: Final = 0.5
"""How long what was no HTTP is still read, so that its sender comes to read the answer."""

Route = tuple[str, str] | None
"""Host and target of a call; None: an operation of ours."""


class House(Protocol):
    """What a connection asks of its door."""

    accepting: bool
    leaving: bool

    def came(self, connection: HttpConnection) -> None:
        """It is open."""

    def went(self, connection: HttpConnection) -> None:
        """It has ended."""

    def admit(self, request: Request, gate: Gate | None) -> Route:
        """Where REQUEST goes, before its body is read. Raises Refusal."""

    async def answer(self, request: Request, route: Route, body: bytes, connection: HttpConnection) -> None:
        """Answer it by `say`, or by `begin`, `more` and `end`."""

    def refused(self, refusal: Refusal, request: Request) -> Ready:
        """REFUSAL in the visitor's language."""

    def not_http(self, fault: NotHttp) -> Ready:
        """An answer to what could not be read."""

    def broken(self, request: Request) -> Ready:
        """An answer when we broke; the exception is being handled."""

    def cut_for_haste(self) -> None:
        """A client is cut that did not wait for its answers."""

    def cut_for_sloth(self) -> None:
        """A client is cut that did not take the rest of its answer."""


class HttpConnection(Inlet):
    """Reads, and has its house answer."""

    def __init__(self, house: House, settings: HttpSettings, gate: Gate | None = None) -> None:
        self.gate = gate
        self.task: asyncio.Task[None] | None = None
        """What answers the request under way."""
        self._house = house
        self._settings = settings
        self._loop = asyncio.get_running_loop()
        self._watchdog = Watchdog(self._loop, self._bite)
        self._transport: asyncio.Transport | None = None
        self._parser = RequestParser()
        self._route: Route = None
        self._body: list[bytes] = []
        self._size = 0
        self._ahead = b""
        self._impatience: asyncio.TimerHandle | None = None
        self._wording: Wording | None = None
        self._parting = False
        """The last word is written: what still comes is thrown away."""
        self._writable: asyncio.Future[None] | None = None
        self._late = False

    # ---- what asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast(asyncio.Transport, transport)
        self._house.came(self)
        self._watchdog.watch(self._settings.keepalive_s)

    def data_received(self, data: bytes) -> None:
        """Read on; while a request is answered, keep what comes behind it."""
        if self._parting or self._transport is None or self._transport.is_closing():
            return
        if self.task is None:
            self._read(data)
            return
        self._keep(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """The client has left, or we have closed: nobody waits for what runs."""
        self._transport = None
        self._watchdog.leave()
        self._be_patient()
        self._house.went(self)
        if self.task is not None:
            self.task.cancel()

    def pause_writing(self) -> None:
        """The client reads slowly."""
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """It reads again."""
        writable, self._writable = self._writable, None
        if writable is not None and not writable.done():
            writable.set_result(None)

    # ---- reading

    def _read(self, data: bytes) -> None:
        """Read on in DATA. A refusal that ends nothing is followed by what comes behind it."""
        while True:
            parser = self._parser
            try:
                self._take(parser, data)
            except NotHttp as fault:
                self._say_last(Wording(None), self._house.not_http(fault), min(PARTING_S, self._settings.linger_s))
                return
            except Refusal as refusal:
                data = self._refuse(refusal, parser)
                if data:
                    continue
                return
            if parser.done and parser.request is not None:
                self._watchdog.rest()
                self.task = self._loop.create_task(self._answer(parser.request))
                self._keep(parser.rest)
            return

    def _take(self, parser: RequestParser, data: bytes) -> None:
        """Have PARSER read DATA, and look at the request as soon as its head is there. Raises NotHttp, Refusal."""
        new = parser.request is None
        piece = parser.feed(data)
        request = parser.request
        if request is None:
            return
        if new:
            self._route = self._house.admit(request, self.gate)
        if piece:
            self._size += len(piece)
            self._body.append(piece)
        most = self._settings.max_body
        if self._size > most or parser.length > most:
            raise BodyTooLarge(phrase("http.body_too_large", most=most))
        if not parser.done:
            self._watchdog.watch(self._settings.body_idle_s)

    def _refuse(self, refusal: Refusal, parser: RequestParser) -> bytes:
        """Say REFUSAL of the request that was read so far; return what is to be read behind it."""
        request = cast(Request, parser.request)
        ready, wording = self._house.refused(refusal, request), Wording(request, last=not parser.done)
        if wording.closes:
            self._say_last(wording, ready, 0.0 if parser.done else self._settings.linger_s)
            return b""
        self._write(wording.whole(ready))
        self._be_ready()
        return parser.rest

    def _be_ready(self) -> None:
        """Wait for the next request."""
        self._parser, self._body, self._size = RequestParser(), [], 0
        self._watchdog.watch(self._settings.keepalive_s)

    def _bite(self) -> None:
        """Too long without a byte, in or out."""
        if self._transport is None or self._transport.is_closing():
            if self._transport is not None and self._transport.get_write_buffer_size():
                self._house.cut_for_sloth()
            self.abort()  # it was closed, and what is left to write is not taken
        elif self._writable is not None and self.task is not None:
            self._late = True
            self.resume_writing()
        elif self._parser.request is not None and self.task is None and not self._parting:
            late = InvalidCall(phrase("http.body_late", seconds=self._settings.body_idle_s), status=408)
            self._refuse(late, self._parser)
        else:
            self._close(self._transport)

    def _keep(self, data: bytes) -> None:
        """Keep DATA, which belongs to later requests."""
        self._ahead += data
        if len(self._ahead) > MOST_AHEAD and self._impatience is None and self._transport is not None:
            self._transport.pause_reading()
            self._impatience = self._loop.call_later(AHEAD_S, self._cut_for_haste)

    def _be_patient(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None

    def _cut_for_haste(self) -> None:
        self._impatience = None
        self._house.cut_for_haste()
        self.abort()

    # ---- answering

    async def _answer(self, request: Request) -> None:
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body = []
        try:
            await self._house.answer(request, self._route, body, self)
        except asyncio.CancelledError:
            self.abort()
            raise
        except Exception:
            ready = self._house.broken(request)
            if self._wording is None:
                self.say(ready, request, last=True)
            else:
                self.abort()
        finally:
            self.task = None
        self._go_on()

    def _go_on(self) -> None:
        """The answer is written: read the next request, or end."""
        wording, self._wording = self._wording, None
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if wording is None or wording.closes or not self._house.accepting:
            self._close(transport)
            return
        self._be_ready()
        if self._impatience is not None:
            self._be_patient()
            transport.resume_reading()
        ahead, self._ahead = self._ahead, b""
        if ahead:
            self._read(ahead)

    def say(self, ready: Ready, request: Request, *, last: bool = False) -> None:
        """Give a whole answer."""
        self._wording = wording = Wording(request, last=last or self._house.leaving)
        self._write(wording.whole(ready))

    def begin(self, request: Request, status: int, reason: str, headers: Headers, first: bytes) -> None:
        """Write the head of an answer together with the first piece of its body."""
        self._wording = wording = Wording(request, last=self._house.leaving)
        head = wording.head(status, reason, headers)
        self._write(head + wording.piece(first))

    async def more(self, piece: bytes) -> None:
        """Write a piece. Raises TimeoutError when the client takes nothing for too long: it holds a slot meanwhile."""
        if self._wording is not None:
            self._write(self._wording.piece(piece))
        if self._writable is not None:
            await self._until_writable(self._writable)

    async def _until_writable(self, writable: asyncio.Future[None]) -> None:
        self._watchdog.watch(self._settings.write_idle_s)
        await writable
        self._watchdog.rest()
        if self._late:
            raise TimeoutError

    def end(self) -> None:
        """The body is whole."""
        if self._wording is not None:
            self._write(self._wording.end())

    def abort(self) -> None:
        """End it uncleanly at once: the only way to tell a client that a stream is not whole. Idempotent."""
        if self._transport is not None:
            self._transport.abort()

    def part(self) -> None:
        """End it if nothing is being answered."""
        if self.task is None and self._transport is not None:
            self._close(self._transport)

    def _say_last(self, wording: Wording, ready: Ready, linger_s: float) -> None:
        """Say READY and nothing more. For LINGER_S what still comes is read and thrown away: a sender who meets a
        closed connection may never see the answer."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        transport.write(wording.whole(ready))
        self._parting = True
        self._body = []
        if linger_s <= 0:
            self._close(transport)
            return
        self._watchdog.watch(linger_s)
        if transport.can_write_eof():
            transport.write_eof()

    def _close(self, transport: asyncio.Transport) -> None:
        """End it when what is written has been taken; whoever takes nothing is not waited for without end."""
        transport.close()
        if transport.get_write_buffer_size():
            self._watchdog.watch(self._settings.write_idle_s)

    def _write(self, data: bytes) -> None:
        """To a client who has left it is no fault: what runs for it is cancelled in a moment."""
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)
