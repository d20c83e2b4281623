"""The load client: prepared bytes over sockets that stay open, and of an answer only what says where it ends.

One for all contenders, and cheap: no task, no parser, no header object; a call costs it about as much as the system
calls do.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from time import perf_counter
from typing import cast

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding: *chunked\r\n", re.IGNORECASE)
LAST = b"\r\n0\r\n\r\n"
PATIENCE_S = 60.0
"""Without any answer."""


class Refused(Exception):
    """A contender did not answer with 200, or closed the connection: its figure is not there."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a contender listens, and how it wants to be asked."""

    address: str | tuple[str, int]
    """The path of a Unix socket, or host and port."""
    host: str = "127.0.0.1"
    path: str = "/v1/chat/completions"
    headers: tuple[tuple[str, str], ...] = field(default=())

    async def connect(self, make: Callable[[], Caller]) -> Caller:
        """A new connection."""
        loop = asyncio.get_running_loop()
        if isinstance(self.address, str):
            return (await loop.create_unix_connection(make, self.address))[1]
        return (await loop.create_connection(make, *self.address))[1]

    def request(self, *, stream: bool = False, prompt: str = "word " * 200, model: str = "quick",
                client: str | None = None) -> bytes:  # fmt: skip
        """A chat call as bytes; its prompt is a kilobyte unless it is told otherwise."""
        message = {"role": "user", "content": prompt}
        body = json.dumps({"model": model, "max_tokens": 100, "stream": stream, "messages": [message]},
                          separators=(",", ":")).encode()  # fmt: skip
        fields = [("Host", self.host), ("User-Agent", "toll/1.0"), ("Authorization", "Bearer CANARY-toll"),
                  ("Content-Type", "application/json"), ("Content-Length", str(len(body))), *self.headers]  # fmt: skip
        if client is not None:
            fields.append(("X-Sluice-Client", client))
        head = f"POST {self.path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields)
        return head.encode() + b"\r\n" + body


class Caller(asyncio.Protocol):
    """One connection. `begun`, `first` and `ended` are the instants of the newest call."""

    def __init__(self) -> None:
        self.begun = self.first = self.ended = 0.0
        self.status = 0
        self.tail = b""
        """The last bytes of the answer."""
        self.on_end: Callable[[Caller], None] = lambda caller: None
        self.on_loss: Callable[[Exception], None] = lambda error: None
        self._head: bytes | None = b""
        self._missing: int | None = 0
        self._busy = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember where requests go."""
        self.transport = cast(asyncio.Transport, transport)

    def send(self, request: bytes) -> None:
        """Begin a call; `on_end` is told when its answer is whole."""
        self._head, self.tail, self.first, self._busy = b"", b"", 0.0, True
        self.begun = perf_counter()
        self.transport.write(request)

    def data_received(self, data: bytes) -> None:
        """Look for the end of the answer."""
        if self._head is not None:
            self._head += data
            end = self._head.find(b"\r\n\r\n")
            if end < 0:
                return
            data = self._open(self._head, end)
        if not data and self._missing != 0:
            return
        if not self.first:
            self.first = perf_counter()
        self.tail = (self.tail + data)[-64:] if len(data) < 64 else data[-64:]
        if self._missing is None:
            if not (self.tail.endswith(LAST) or self.tail == LAST[2:]):
                return
        else:
            self._missing -= len(data)
            if self._missing > 0:
                return
        self._close()

    def _open(self, seen: bytes, end: int) -> bytes:
        """Read status and length; return what follows the header fields."""
        self._head = None
        self.status = int(seen[9:12])
        length = LENGTH.search(seen, 0, end + 2)
        if length is None and not CHUNKED.search(seen, 0, end + 2):
            raise Refused("an answer without a length")
        self._missing = int(length[1]) if length else None
        return seen[end + 4 :]

    def _close(self) -> None:
        self.ended, self._busy = perf_counter(), False
        if self.status != 200:
            self.on_loss(Refused(f"{self.status}: ...{self.tail.decode('latin-1')}"))
        else:
            self.on_end(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """In the middle of a call it is a refusal."""
        if self._busy:
            self.on_loss(Refused(f"the connection was closed in the middle of a call: {exc}"))


@dataclass(slots=True)
class Load:
    """What one load found."""

    seconds: list[float] = field(default_factory=list)
    """How long each call took, from the first byte out to the last byte in."""
    first: list[float] = field(default_factory=list)
    """How long the first byte of each body took."""
    elapsed: float = 0.0


async def load(place: Place, requests: Iterable[bytes], *, connections: int = 1, calls: int | None = None,
               seconds: float | None = None, whole: bytes = b"") -> Load:  # fmt: skip
    """Send REQUESTS over and over, CONNECTIONS at a time, CALLS times in all or for so many SECONDS.

    With WHOLE, each answer must have these bytes near its end. Raises Refused.
    """
    found = Load()
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    callers = [await place.connect(Caller) for _ in range(connections)]
    source = cycle(requests)
    left, running = (calls if calls is not None else 1 << 60), 0
    until = perf_counter() + seconds if seconds is not None else float("inf")

    def fail(error: Exception) -> None:
        if not done.done():
            done.set_exception(error)

    def more(caller: Caller) -> None:
        nonlocal left, running
        if left > 0 and perf_counter() < until:
            left -= 1
            running += 1
            caller.send(next(source))
        elif not running and not done.done():
            done.set_result(None)

    def end(caller: Caller) -> None:
        nonlocal running
        running -= 1
        if whole and whole not in caller.tail:
            fail(Refused(f"not the whole answer: ...{caller.tail.decode('latin-1')}"))
            return
        found.seconds.append(caller.ended - caller.begun)
        found.first.append(caller.first - caller.begun)
        more(caller)

    start = perf_counter()
    try:
        for caller in callers:
            caller.on_end, caller.on_loss = end, fail
            more(caller)
        await _patiently(done, found)
    finally:
        for caller in callers:
            caller.on_loss = lambda error: None
            caller.transport.abort()
    found.elapsed = perf_counter() - start
    return found


async def _patiently(done: asyncio.Future[None], found: Load) -> None:
    """Wait for DONE as long as answers come. Raises Refused."""
    before = -1
    while not done.done():
        if len(found.seconds) == before:
            raise Refused(f"no answer within {PATIENCE_S:g} s")
        before = len(found.seconds)
        await asyncio.wait({done}, timeout=PATIENCE_S)
    done.result()


def quantile(values: Sequence[float], part: float) -> float:
    """The value below which PART of VALUES lie: 0.5 the median. Raises ValueError for none."""
    if not values:
        raise ValueError("no values")
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]
