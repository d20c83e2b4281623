"""What the client gets: header fields, the explained error body, and the body of a success to its end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Literal

from daemon.gateway.copy import Copy
from daemon.gateway.fields import HOP_BY_HOP
from daemon.gateway.intake import provider_of
from daemon.model import Call, Explanation, Failure, Headers, Reply
from daemon.providers import UsageChunkRemover
from daemon.upstream import Response, StreamCut

_DESCRIBES_THE_BODY = frozenset(
    {"content-type", "content-encoding", "content-length", "content-md5", "content-digest", "etag", "location"}
)
_LENGTH = frozenset({"content-length"})
_OF_THE_ENCODING = frozenset({"content-encoding", "content-length", "content-md5", "content-digest", "etag"})

Ending = Callable[[StreamCut | BaseException | None, int], None]
"""Told once how a body ended: None for its end, a StreamCut, or the exception that stopped it; and its size."""


class Body:
    """The body of a success. Whoever iterates it must `aclose()` it; that settles the call even if nothing was read."""

    def __init__(
        self,
        first: bytes,
        rest: AsyncIterator[bytes],
        copy: Copy,
        answer: Response,
        ending: Ending,
        later: Callable[[], object],
        remover: UsageChunkRemover | None = None,
    ) -> None:
        """LATER: done when more has come than the first, which is on its way to the client then."""
        self._remover = remover
        self._first: bytes | None = (remover.feed(first) if remover else first) or None
        self._rest = rest
        self._copy = copy
        self._answer = answer
        self._ending: Ending | None = ending
        self._later = later
        self._size = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        chunk, self._first = self._first, None
        if chunk is None:
            chunk = await self._next()
        self._size += len(chunk)
        return chunk

    async def _next(self) -> bytes:
        """The next bytes for the client. With a remover, chunks may become empty; an empty one must not be sent."""
        while True:
            try:
                chunk = await anext(self._rest)
            except StopAsyncIteration:
                if self._remover is not None and (left := self._remover.rest()):
                    self._remover = None
                    return left
                self._end(None)
                raise
            except BaseException as error:
                self._end(error)
                raise
            self._later()
            self._copy.feed(chunk)
            if self._remover is not None:
                chunk = self._remover.feed(chunk)
            if chunk:
                return chunk

    async def aclose(self) -> None:
        """Close early or after the end; the client left if it was early."""
        self._end(GeneratorExit())

    def _end(self, how: BaseException | None) -> None:
        ending, self._ending = self._ending, None
        if ending is not None:
            self._answer.close()
            ending(how, self._size)


def for_client(headers: Headers) -> Headers:
    """An upstream's header fields as the client may see them: no hop-by-hop fields, and ASCII only, since gptel
    counts header bytes as characters."""
    return tuple(
        [
            (name, value if value.isascii() else value.encode("ascii", "replace").decode())
            for name, value in headers
            if name.lower() not in HOP_BY_HOP and name.isascii()
        ]
    )


def explained(call: Call, failure: Failure, explanation: Explanation, ours: Headers) -> Reply:
    """The client's error answer: provider's shape and status, our one line, the whole explanation beside it."""
    if call.explain == "off" and failure.status is not None and failure.fault is None and failure.headers:
        headers = (*as_decoded(call, failure), *ours)
        return Reply(call, failure.status, "", headers, one(failure.body), explanation)
    status = failure.status if failure.status and failure.status >= 400 else 502
    mode: Literal["inline", "field"] = "field" if call.explain == "field" else "inline"
    words = {**explanation.as_json(), "call": call.id, "curl": f"daemon curl {call.id}"}
    body = provider_of(call.origin).error_body(
        words,
        status=status,
        original=failure.body,
        mode=mode,
        message=message_for(explanation),
        kind=call.ask.kind,
    )
    headers = tuple(pair for pair in for_client(failure.headers) if pair[0].lower() not in _DESCRIBES_THE_BODY)
    headers = (*headers, ("Content-Type", "application/json"), ("Content-Length", str(len(body))), *ours)
    return Reply(call, status, explanation.reason, headers, one(body), explanation)


def as_decoded(call: Call, failure: Failure) -> Headers:
    """The fields of an error whose body goes on unexplained. It was decoded, and perhaps cut, to be understood."""
    packed = any(name.lower() == "content-encoding" for name, _ in failure.headers)
    gone = _OF_THE_ENCODING if packed else _LENGTH
    kept = tuple(pair for pair in for_client(failure.headers) if call.method == "HEAD" or pair[0].lower() not in gone)
    return kept if call.method == "HEAD" else (*kept, ("Content-Length", str(len(failure.body))))


def message_for(explanation: Explanation) -> str:
    """The one line; but a provider's own sentence about something that is not ours to explain stays."""
    finding = explanation.finding
    return finding.original if finding.subtype == "unknown" and finding.original else explanation.line


async def one(body: bytes) -> AsyncIterator[bytes]:
    """A body in one piece."""
    yield body
