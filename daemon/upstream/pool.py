"""Connections that wait for another call."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from daemon.upstream.connection import Connection
from daemon.upstream.route import Route

_KEEP_S: Final = 15.0
"""Seconds; short, since a POST on a connection that the other side just closed cannot be sent again."""
_NAP_S: Final = 5.0
"""Seconds; what is shorter is a late timer, not a sleep."""


def seconds_asleep() -> float:
    """For how many seconds the machine was suspended since it started; 0 where the system does not say."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.clock_gettime(clock) - time.clock_gettime(time.CLOCK_MONOTONIC) if clock is not None else 0.0


class Pool:
    """Idle connections by route, and all that are open."""

    def __init__(self, asleep: Callable[[], float]) -> None:
        """ASLEEP: for how many seconds the machine has been suspended so far."""
        self._asleep = asleep
        self._slept_s = asleep()
        self._made = 0
        """How many connections there were: each has its number."""
        self._dead = 0
        """Up to this number none is used again; nor up to those of `_dead_on` on their routes."""
        self._dead_on: dict[Route, int] = {}
        self._idle: dict[Route, list[Connection]] = {}
        self._busy: set[Connection] = set()
        self._sweep: asyncio.TimerHandle | None = None

    def slept(self) -> bool:
        """Whether the machine was suspended since the last look. What was connected before is dead then."""
        slept_s = self._asleep()
        nap_s, self._slept_s = slept_s - self._slept_s, slept_s
        return nap_s > _NAP_S

    def take(self, route: Route) -> Connection | None:
        """The connection that was used last, if one is alive. It is now yours."""
        waiting = self._idle.get(route)
        oldest = asyncio.get_running_loop().time() - _KEEP_S
        while waiting:
            connection = waiting.pop()
            if connection.usable and connection.idle_since >= oldest:
                self._busy.add(connection)
                return connection
            connection.abort()
        return None

    def add(self, connection: Connection) -> None:
        """A new one, yours."""
        self._made += 1
        connection.number = self._made
        self._busy.add(connection)

    def put(self, route: Route, connection: Connection) -> None:
        """Give one back: it is kept if another call may use it, else closed."""
        self._busy.discard(connection)
        if connection.number <= max(self._dead, self._dead_on.get(route, 0)) or not connection.release():
            connection.abort()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._idle.setdefault(route, []).append(connection)
        if self._sweep is None:
            self._sweep = loop.call_later(_KEEP_S, self._sweep_out)

    def forget(self) -> None:
        """Use none again that is open now. Answers that run keep theirs."""
        self._dead = self._made
        self._dead_on.clear()
        for waiting in self._idle.values():
            for connection in waiting:
                connection.abort()
        self._idle.clear()
        if self._sweep is not None:
            self._sweep.cancel()
            self._sweep = None

    def drop(self, route: Route) -> None:
        """The same for those on ROUTE, the network of which is gone."""
        self._dead_on[route] = self._made
        for connection in self._idle.pop(route, ()):
            connection.abort()

    def close(self) -> None:
        """End all."""
        self.forget()
        for connection in list(self._busy):
            connection.abort()
        self._busy.clear()

    def _sweep_out(self) -> None:
        """Close what nobody used for a while, and look again while there is something."""
        loop = asyncio.get_running_loop()
        self._sweep = None
        for route, waiting in list(self._idle.items()):
            alive = []
            for connection in waiting:
                if connection.ended or connection.idle_since <= loop.time() - _KEEP_S:
                    connection.abort()
                else:
                    alive.append(connection)
            if alive:
                self._idle[route] = alive
            else:
                del self._idle[route]
        if self._idle:
            first = min(connection.idle_since for waiting in self._idle.values() for connection in waiting)
            self._sweep = loop.call_at(first + _KEEP_S, self._sweep_out)
