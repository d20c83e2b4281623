"""One request that is being answered: sending whole answers and streams, and hanging up in ways that break clients."""

from __future__ import annotations

import asyncio
import functools
import socket
import struct
from collections.abc import Callable, Iterator
from email.utils import formatdate

from aiohttp import web
from multidict import CIMultiDict

from daemon.sandbox.dialect import Dialect, Fields, Moment, Refused
from daemon.sandbox.question import Question
from daemon.sandbox.record import Seen
from daemon.sandbox.settings import SandboxSettings
from daemon.sandbox.text import Answer, answer, tokens


class Exchange:
    """A request, what is known about it, and the connection that it came by."""

    def __init__(
        self,
        request: web.Request,
        seen: Seen,
        question: Question,
        dialect: Dialect,
        request_id: str,
        settings: SandboxSettings,
        clock_on_wall: Callable[[], float],
    ) -> None:
        self.request = request
        self.seen = seen
        self.question = question
        self.dialect = dialect
        self.request_id = request_id
        self.settings = settings
        self.limit_headers: Fields = []
        self.hung_up = False
        """We closed the connection, not the client."""
        self._now = clock_on_wall
        self.wall = clock_on_wall()
        """Unix time for which the limit headers hold."""
        self._sent_pieces = 0

    @functools.cached_property
    def answer(self) -> Answer:
        """The words of the success."""
        return answer(self.question, self.settings.output_tokens)

    @property
    def produced(self) -> int:
        """Output tokens of what was sent so far."""
        words = self.answer
        if self.seen.finished or not self.question.stream:
            return words.output * self.question.choices
        return tokens("".join(words.pieces[: self._sent_pieces]))

    def body(self) -> bytes:
        """The success in one piece."""
        return self.dialect.whole(self.question, self.answer, self.request_id, self.wall)

    def chunks(self) -> Iterator[bytes]:
        """The success as a stream's chunks."""
        return self.dialect.chunks(self.question, self.answer, self.request_id, self.wall)

    def _headers(self, content_type: str | None, more: Fields) -> Fields:
        # With a short minute the date must fit the instants in the limit headers: see Moment.instant.
        date = self.wall if self.settings.minute_s < 60 else self._now()
        out: Fields = [("date", formatdate(date, usegmt=True)), ("server", "sandbox")]
        if content_type:
            out.append(("content-type", content_type))
        return [*out, (self.dialect.request_id_header(), self.request_id), *self.limit_headers, *more]

    async def send(
        self, status: int, body: bytes, content_type: str | None = "application/json", more: Fields | None = None
    ) -> web.Response:
        """Send a whole answer."""
        fields: CIMultiDict[str] = CIMultiDict()
        for name, value in self._headers(content_type, more or []):
            # A page's own `server` stands in place of ours; other fields may come twice.
            (fields.__setitem__ if name == "server" else fields.add)(name, value)
        response = web.Response(status=status, body=body, headers=fields)
        self.seen.status = status
        await response.prepare(self.request)
        await response.write_eof()
        self.seen.bytes_out += len(body)
        self.seen.finished = True
        return response

    async def refuse(self, refused: Refused) -> web.Response:
        """Send an error."""
        return await self.send(refused.status, refused.body, refused.content_type, refused.headers)

    async def open(self, content_type: str, length: int | None = None) -> web.StreamResponse:
        """Begin an answer with 200; the headers go out with its first bytes."""
        response = web.StreamResponse(headers=self._headers(content_type, []))
        response.content_length = length
        self.seen.status = 200
        await response.prepare(self.request)
        return response

    async def write(self, response: web.StreamResponse, data: bytes) -> None:
        """Send a piece of the body; waits while the client does not read."""
        await response.write(data)
        self.seen.bytes_out += len(data)

    async def stream(self, some: int | None = None) -> web.StreamResponse:
        """Send the stream, or only SOME of its first chunks; then it is open still."""
        response = await self.open(self.dialect.stream_type(self.question))
        for number, chunk in enumerate(self.chunks()):
            if number == some:
                return response
            if number and self.settings.chunk_s:
                await asyncio.sleep(self.settings.chunk_s)
            for piece in _cut(chunk, 7) if self.question.model == "dribble" else (chunk,):
                await self.write(response, piece)
            self._sent_pieces = number + 1
        if some is None:
            await response.write_eof()
            self.seen.finished = True
        return response

    async def succeed(self) -> web.StreamResponse:
        """Send the success as it was asked for."""
        if self.question.stream:
            return await self.stream()
        return await self.send(200, self.body(), _WHOLE_TYPE.get(self.question.api, "application/json"))

    def hang_up(self, reset: bool = False) -> None:
        """Close the connection; with RESET the client sees a reset and not an orderly end (TCP only)."""
        self.hung_up = True
        transport = self.request.transport
        if transport is None:
            return
        raw = transport.get_extra_info("socket")
        if not reset:
            transport.close()
            return
        if raw is not None and raw.family != getattr(socket, "AF_UNIX", None):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()

    def stamp(self, limit_headers: Fields) -> None:
        """The limit headers hold for now."""
        self.limit_headers, self.wall = limit_headers, self._now()

    def moment(self) -> Moment:
        """Now, as the API's modules want it."""
        return Moment(self.wall, self.settings.minute_s)


_WHOLE_TYPE = {"gemini": "application/json; charset=UTF-8"}


def _cut(data: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]
