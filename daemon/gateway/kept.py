"""Answers that are kept: given again to whoever asks the same with the same key, and kept when a new one was whole."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from functools import partial

from daemon.cache import Answer, AnswerCache
from daemon.gateway.identity import name_of
from daemon.gateway.inspect import GENERATING
from daemon.gateway.outcome import Retold, ours, without_ours
from daemon.gateway.telling import Teller
from daemon.gateway.under_way import UnderWay
from daemon.model import Call, Company, Event, Headers, Reply, Usage
from daemon.pacing.reasons import duration
from daemon.packed import coding_of, is_clean
from daemon.phrases import phrase
from daemon.redact import Redactor

PIECE = 16 << 10
"""Bytes of a kept answer that is no stream, in one piece."""

_OF_THAT_TIME = re.compile(
    r"(?i)^(set-cookie|.*rate-?limit.*|x-tokenlimit-.*|retry-after.*|date|age|via|cf-ray|server)$"
)
"""Fields that were true when the answer came, and are not any more."""
_EVENT = re.compile(rb".*?(?:\r?\n\r?\n|\r\r|\Z)", re.DOTALL)


class Kept:
    """The cache, as calls see it. Without a CACHE nothing is kept."""

    def __init__(
        self,
        cache: AnswerCache | None,
        redactor: Redactor,
        tell: Teller,
        under_way: UnderWay,
        wall: Callable[[], float] = time.time,
        *,
        enabled: bool = False,
    ) -> None:
        self.cache = cache
        self.enabled = enabled
        """Calls use it without asking for it."""
        self.hits = 0
        self._redactor = redactor
        self._tell = tell
        self._under_way = under_way
        self._wall = wall
        self._ends: dict[str, Event | None] = {}
        """Of calls whose answers are being read, and may be kept then; None: it has not ended."""

    async def answer(self, call: Call) -> Reply | None:
        """The kept answer for CALL; None when there is none."""
        if self.cache is None or call.ask.kind not in GENERATING:
            return None
        found = await asyncio.to_thread(self.cache.get, name_of(call))
        if found is None:
            return None
        self.hits += 1
        age = max(0.0, self._wall() - found.at)
        self._tell.emit(self._tell.event("queued", call, 0))
        joined = self._tell.event("joined", call, 0, reason=phrase("shared.cache", call=found.call, age=duration(age)))
        self._tell.emit(replace(joined, company=Company("cache", found.call)))
        self._tell.emit(self._tell.event("first_byte", call, 0))
        headers = (*found.headers, *ours(call, 0), ("X-Sluice-Cache", f"hit; age={age:.0f}"))
        body = Retold(pieces(found), lambda how: self._given(call, found, how))
        return Reply(call, found.status, found.reason, headers, body)

    def _given(self, call: Call, found: Answer, how: BaseException | None) -> None:
        if how is None:
            done = self._tell.event("done", call, 0, status=found.status, final=True)
            self._under_way.end(replace(done, usage=Usage(), bytes_out=len(found.body)))
            return
        reason = self._under_way.why(call.id, how)
        self._under_way.end(self._tell.event("cancelled", call, 0, reason=reason, final=True))

    def keeping(self, asked: Call, reply: Reply) -> Reply:
        """REPLY as it is; when its call wants so, and it comes to a proper end, it is kept before the client hears of
        that end. It is kept as the answer to what was ASKED: that may have gone with a key or endpoint that was chosen
        for it."""
        call = reply.call
        if self.cache is None or call.sharing is None or call.sharing.cache == "off" or reply.explanation is not None:
            return reply
        self._ends[call.id] = None
        headers = (*reply.headers, ("X-Sluice-Cache", "miss"))
        return replace(reply, headers=headers, chunks=Keeping(reply, self.cache.max_body, partial(self._keep, asked)))

    def ended(self, event: Event) -> None:
        """The end of a call."""
        if event.call.id in self._ends and event.kind == "done":
            self._ends[event.call.id] = event

    async def _keep(self, asked: Call, reply: Reply, body: bytes | None) -> None:
        """Keep BODY, if REPLY's call ended well and nothing secret is in it; None: it was too large, or was cut."""
        call, end = reply.call, self._ends.pop(reply.call.id, None)
        whole = end is not None and end.status == 200 and call.ask.kind in GENERATING
        if self.cache is None or body is None or not whole or not self._is_clean(reply, body, self.cache.max_body):
            return
        headers = tuple(pair for pair in without_ours(reply.headers) if not _OF_THAT_TIME.match(pair[0]))
        answer = Answer(
            call.id, self._wall(), reply.status, reply.reason, self._clean(call, headers), call.stream, body
        )
        await asyncio.to_thread(self.cache.put, name_of(asked), answer)

    def _is_clean(self, reply: Reply, body: bytes, most: int) -> bool:
        """True if no key stands in it, also when it is unpacked: a changed answer would be another one."""
        secrets, coding = reply.call.secrets(), coding_of(reply.headers)
        if coding:
            return is_clean(body, coding, secrets, most)
        return self._redactor.scrub_bytes(body, secrets) == body

    def _clean(self, call: Call, headers: Headers) -> Headers:
        return tuple((name, self._redactor.scrub(value, call.secrets())) for name, value in headers)


class Keeping:
    """The body of a success, with a copy of all of it while it is not larger than MOST.

    The last piece of a body that is no stream is given when the answer is kept: a client that knows the length does not
    wait for the end, and may ask again at once.
    """

    def __init__(self, reply: Reply, most: int, keep: Callable[[Reply, bytes | None], Awaitable[None]]) -> None:
        self._reply = reply
        self._most = most
        self._keep = keep
        self._parts: list[bytes] | None = []
        self._size = 0
        self._told = False
        self._ahead: bytes | None = None

    def __aiter__(self) -> Keeping:
        return self

    async def __anext__(self) -> bytes:
        if self._reply.call.stream:
            return await self._next()
        chunk = self._ahead if self._ahead is not None else await self._next()
        try:
            self._ahead = await self._next()
        except StopAsyncIteration:
            self._ahead = None
        return chunk

    async def _next(self) -> bytes:
        try:
            chunk = await anext(self._reply.chunks)
        except StopAsyncIteration:
            await self._end(None if self._parts is None else b"".join(self._parts))
            raise
        self._size += len(chunk)
        if self._parts is not None and self._size <= self._most:
            self._parts.append(chunk)
        else:
            self._parts = None
        return chunk

    async def aclose(self) -> None:
        """Close the body; what was not read to its end is not kept."""
        close = getattr(self._reply.chunks, "aclose", None)
        if close is not None:
            await close()
        await self._end(None)

    async def _end(self, body: bytes | None) -> None:
        if not self._told:
            self._told, self._parts = True, None
            await self._keep(self._reply, body)


def pieces(answer: Answer) -> Iterator[bytes]:
    """The body in pieces: the events of a stream, if it can be read; else by size."""
    packed = any(name.lower() == "content-encoding" for name, _ in answer.headers)
    if answer.stream and not packed and len(answer.body) > 0:
        yield from (found for found in _EVENT.findall(answer.body) if found)
        return
    yield from (answer.body[i : i + PIECE] for i in range(0, len(answer.body), PIECE))
