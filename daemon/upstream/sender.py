"""Sends calls, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from daemon.model import Call, Failure
from daemon.upstream.connection import Connection
from daemon.upstream.dialing import Dialer
from daemon.upstream.faults import Fault, failure_of, not_http
from daemon.upstream.parser import Head
from daemon.upstream.pool import Pool, seconds_asleep
from daemon.upstream.request import request_head
from daemon.upstream.response import Response
from daemon.upstream.route import Place, Route, place_of
from daemon.upstream.timeouts import Timeouts
from daemon.upstream.tls import Trust

_TWICE_IS_ONCE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})
"""What RFC 9110, 9.2.2 lets a client send again when a connection that waited turns out to be dead."""


class Upstream:
    """Sends calls. One instance for the daemon's life; `close()` it."""

    def __init__(
        self,
        timeouts: Timeouts,
        *,
        ca_file: Path | None = None,
        proxy_of: Callable[[str], str | None] | None = None,
        asleep: Callable[[], float] = seconds_asleep,
    ) -> None:
        """PROXY_OF: the proxy for a URL. ASLEEP: for how many seconds the machine has been suspended so far."""
        self._timeouts = timeouts
        self._proxy_of = proxy_of or (lambda url: None)
        self._pool = Pool(asleep)
        self._dialer = Dialer(timeouts.connect_s, Trust(ca_file))

    async def send(
        self,
        call: Call,
        left: Callable[[], object] | None = None,
        meanwhile: Callable[[], object] = lambda: None,
    ) -> Response | Failure:
        """Send CALL once; return its answer as soon as the headers are in.

        LEFT is called when its bytes have gone, MEANWHILE before a connection is waited for.
        """
        if self._pool.slept():
            self.forget_connections()
        try:
            place = place_of(call.origin.url, self._proxy_of(call.origin.url))
            head = request_head(call, place)
        except ValueError:
            return failure_of(call, "bad_answer", not_http().detail, sent=True)  # not worth another attempt
        try:
            connection = self._pool.take(place.route)
            if connection is None:
                meanwhile()
                connection = await self._connect(place.route)
            answer, connection = await self._ask(call, head, place, connection, left)
        except Fault as fault:
            if fault.kind == "offline":
                self._pool.drop(place.route)
                self._dialer.names.forget()  # the next network may have others for it
            return failure_of(call, fault.kind, fault.detail, sent=fault.sent)
        return Response(call, answer, connection, place.route, self._pool, self._timeouts.idle_s)

    def forget_connections(self) -> None:
        """Send no further call on a connection that is open now: it may be dead, and a POST on it would be lost and not
        sent again. Answers that still run keep theirs."""
        self._pool.forget()
        self._dialer.names.forget()

    async def close(self) -> None:
        """Close all connections."""
        self._pool.close()
        await asyncio.sleep(0)  # asyncio closes what was aborted when it has its turn

    async def _ask(
        self, call: Call, head: bytes, place: Place, connection: Connection, left: Callable[[], object] | None
    ) -> tuple[Head, Connection]:
        """The head of the answer, and the connection on which the rest comes. Raises Fault."""
        try:
            return await self._ask_once(call, head, place, connection, left), connection
        except Fault as fault:
            dead = fault.kind == "reset" and connection.used and not connection.heard
            if not dead or call.method not in _TWICE_IS_ONCE:
                raise
        connection = await self._connect(place.route)
        return await self._ask_once(call, head, place, connection, left), connection

    async def _ask_once(
        self, call: Call, head: bytes, place: Place, connection: Connection, left: Callable[[], object] | None
    ) -> Head:
        try:
            return await connection.ask(call.method, head, call.body, self._timeouts.first_byte_s, left)
        except BaseException:  # cancelled, too: a call whose client left is taken off the wire
            connection.abort()
            self._pool.put(place.route, connection)
            raise

    async def _connect(self, route: Route) -> Connection:
        connection = await self._dialer.dial(route)
        self._pool.add(connection)
        return connection
