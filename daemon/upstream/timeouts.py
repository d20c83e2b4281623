"""How long is waited for what, and the one timer of a connection."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. There is no total: a stream may run as long as bytes come."""

    connect_s: float = 10.0
    """Name look-up, connection and TLS handshake together."""
    first_byte_s: float = 600.0
    """From sending the request until the answer's headers."""
    idle_s: float = 300.0
    """Between two pieces of the answer's body."""


class Watchdog:
    """Bites when its time has passed. To move it to later costs nothing: the timer looks again when it rings."""

    __slots__ = ("_bite", "_deadline", "_loop", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop, bite: Callable[[], None]) -> None:
        self._loop = loop
        self._bite = bite
        self._deadline: float | None = None
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, seconds: float) -> None:
        """Bite in SECONDS, unless told otherwise before."""
        self._deadline = deadline = self._loop.time() + seconds
        timer = self._timer
        if timer is not None:
            if timer.when() <= deadline:
                return
            timer.cancel()
        self._timer = self._loop.call_at(deadline, self._ring)

    def rest(self) -> None:
        """Bite nobody until it is told to watch."""
        self._deadline = None

    def leave(self) -> None:
        """The connection has ended."""
        self._deadline = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        self._timer = None
        if self._deadline is None:
            return
        if self._loop.time() < self._deadline:
            self._timer = self._loop.call_at(self._deadline, self._ring)
            return
        self._deadline = None
        self._bite()
