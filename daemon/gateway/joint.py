"""One sending and all who wait for its answer. What has come is kept for those who come later, up to a bound."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from daemon.gateway.under_way import Stop
from daemon.model import Call, Event, Priority, Reply
from daemon.phrases import phrase
from daemon.upstream import StreamCut, failure_of

MOST_KEPT = 8 << 20
"""Bytes of an answer that are kept. Who has not read them when more has come is too slow, and is cut."""


class TooSlow(Exception):
    """A listener has not read what had to go."""


class Joint:
    """What has come of one sending. Whoever listens hears it from the beginning."""

    def __init__(self, lead: Call, name: str | None, most: int = MOST_KEPT) -> None:
        self.lead = lead
        """The call that is sent."""
        self.name = name
        """Of all identical calls; None: nobody may listen but the lead's own client."""
        self.most = most
        self.priority: Priority = lead.priority
        """The most urgent one among those who have come."""
        self.task: asyncio.Task[None] | None = None
        self.reply: Reply | None = None
        """Status and headers, as the lead's client gets them."""
        self.end: Event | None = None
        """How the lead's sending ended."""
        self.error: Exception | None = None
        self.finished = False
        self.closing = False
        """Nobody waits for it any more: it is about to be stopped."""
        self.listeners: dict[str, Listener] = {}
        """By their calls' ids."""
        self._chunks: list[bytes] = []
        self._first = 0
        """Number of the oldest chunk that is kept."""
        self._size = 0
        self._stalled = False
        """The sending waits for a listener."""
        self._waiting: set[asyncio.Future[None]] = set()

    @property
    def open(self) -> bool:
        """True while a new listener could still hear all of it."""
        return not self.closing and not self.finished and self._first == 0

    def listen(self, call: Call) -> Listener:
        """A listener for the client of CALL, in whose task this is."""
        listener = self.listeners[call.id] = Listener(self, call.id)
        return listener

    # The sending's side

    def begin(self, reply: Reply) -> None:
        """The answer begins."""
        self.reply = reply
        self._wake()

    async def add(self, chunk: bytes) -> None:
        """The next piece. Waits while even the fastest listener has not read what would have to go."""
        while self._size + len(chunk) > self.most and self._chunks:
            if not self._drop():
                self._stalled = True
                await self.changed()
        self._stalled = False
        self._chunks.append(chunk)
        self._size += len(chunk)
        self._wake()

    def finish(self, error: Exception | None = None) -> None:
        """Nothing more comes: it was the end, or ERROR came between."""
        if not self.finished:
            self.error, self.finished = error, True
            self._wake()

    def _drop(self) -> bool:
        """Let the oldest pieces go that somebody has read, an eighth of the bound at once; False if nobody has."""
        fastest = max((one.place for one in self.listeners.values()), default=self._first + len(self._chunks))
        gone, count = 0, 0
        while count < fastest - self._first and gone < self.most // 8:
            gone += len(self._chunks[count])
            count += 1
        del self._chunks[:count]
        self._first += count
        self._size -= gone
        return count > 0

    # The listeners' side

    def chunk(self, number: int) -> bytes | None:
        """The piece of that NUMBER; None when it has not come yet. Raises TooSlow when it has gone."""
        if number < self._first:
            raise TooSlow
        return self._chunks[number - self._first] if number < self._first + len(self._chunks) else None

    def moved(self) -> None:
        """A listener has read something, or has left: the sending may go on."""
        if self._stalled:
            self._wake()

    async def changed(self) -> None:
        """Wait until something happens."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)


class Listener:
    """One client's place in the answer: an iterator of its pieces, which must be closed. A cut is a StreamCut."""

    def __init__(self, joint: Joint, call_id: str) -> None:
        self.joint = joint
        self.call_id = call_id
        self.task = asyncio.current_task()
        self.place = 0
        self.size = 0
        self.stop: Stop | None = None
        """Why somebody has ended it while others go on listening."""
        self.on_end: Callable[[BaseException | None], None] | None = None
        """Told once how it ended: None for the end of the answer."""

    async def head(self) -> Reply:
        """Wait for status and headers. Raises what the sending raised."""
        while self.joint.reply is None:
            if self.joint.error is not None:
                raise self.joint.error
            await self.joint.changed()
        return self.joint.reply

    def __aiter__(self) -> Listener:
        return self

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._next()
        except TooSlow as slow:
            self._ended(slow)
            raise StreamCut(failure_of(self.joint.lead, "truncated", phrase("ended.too_slow"), sent=True)) from None
        except BaseException as error:
            self._ended(error)
            raise
        if chunk is None:
            self._ended(None)
            raise StopAsyncIteration
        self.place += 1
        self.size += len(chunk)
        self.joint.moved()
        return chunk

    async def aclose(self) -> None:
        """Close early or after the end; the client has left if it was early."""
        self._ended(GeneratorExit())

    async def _next(self) -> bytes | None:
        joint = self.joint
        while (chunk := joint.chunk(self.place)) is None:
            if joint.error is not None:
                raise joint.error
            if joint.finished:
                return None
            await joint.changed()
        return chunk

    def _ended(self, how: BaseException | None) -> None:
        on_end, self.on_end = self.on_end, None
        if on_end is not None:
            on_end(how)
