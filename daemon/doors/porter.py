"""Who comes in at the socket: the visitor's uid, and which language the visitor speaks.

Nobody but the same user and root gets a byte parsed.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
import struct
import sys
from collections.abc import Callable
from typing import Any, cast

from daemon.doors.rundir import BACKLOG
from daemon.errors import ConfigError
from daemon.inlet import Inlet
from daemon.phrases import phrase

_SNIFF = 16  # enough to tell a JSON-RPC frame from an HTTP method
MOST_SILENT = 64
"""Visitors who may say nothing at the same time. Real ones speak at once; these hold descriptors of all others."""

_SHY_S = 1.0  # many who come at once have not had the time to speak

_FIRST_BYTE_S = 30.0  # a visitor who says nothing holds a descriptor


def peer_uid(sock: Any) -> int | None:
    """The uid at the other end of a Unix socket; None where the system does not say."""
    if sys.platform == "linux":
        credentials = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        return int(struct.unpack("3i", credentials)[1])
    raw = sock.getsockopt(0, 1, 76)  # LOCAL_PEERCRED: struct xucred {version, uid, ...} on macOS and the BSDs
    return int(struct.unpack_from("=Ii", raw)[1]) if len(raw) >= 8 else None


def allowed(transport: asyncio.BaseTransport) -> bool:
    """True for our own uid and root."""
    with contextlib.suppress(OSError):
        return peer_uid(transport.get_extra_info("socket")) in (os.geteuid(), 0)
    return False


class Visitor(Inlet):
    """A new connection, until it is known who it is and which language it speaks."""

    def __init__(self, porter: Porter) -> None:
        porter.came_so_far += 1
        self._porter = porter
        self._seen = b""
        self._transport: asyncio.Transport | None = None
        self._impatience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Turn strangers away before a byte is read."""
        if not self._porter.allowed(transport):
            self._porter.turned_away += 1
            cast(asyncio.Transport, transport).abort()
            return
        self._transport = cast(asyncio.Transport, transport)
        self._porter.came(self)
        self._impatience = asyncio.get_running_loop().call_later(_FIRST_BYTE_S, self._transport.abort)

    def data_received(self, data: bytes) -> None:
        """Look at the first bytes, then step aside for the right protocol."""
        self._seen += data
        language = language_of(self._seen)
        if language is None or self._transport is None:
            return
        self._settle_down()
        real = self._porter.make_rpc() if language == "rpc" else self._porter.make_http()
        transport, seen = self._transport, self._seen
        self._transport, self._seen = None, b""
        transport.set_protocol(real)
        real.connection_made(transport)
        real.data_received(seen)

    def connection_lost(self, exc: Exception | None) -> None:
        """A visitor who left without a word."""
        self._settle_down()

    def send_away(self) -> None:
        """Somebody else needs the room."""
        self._settle_down()
        if self._transport is not None:
            self._transport.abort()

    def _settle_down(self) -> None:
        self._porter.silent.pop(self, None)
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None


def language_of(first: bytes) -> str | None:
    """`rpc` or `http` for the first bytes of a connection; None while they do not tell."""
    start = first.lstrip(b" \r\n\t")[:_SNIFF]
    if not start:
        return None if len(first) < _SNIFF else "http"
    if start[:1] in (b"{", b"["):
        return "rpc"
    if start[:1] not in (b"C", b"c"):
        return "http"
    wanted = b"content-length:"
    got = start.lower()[: len(wanted)]
    if start[1:2] == b"O":  # CONNECT, COPY: methods are in capitals
        return "http"
    if got == wanted[: len(got)]:
        return "rpc" if len(got) == len(wanted) else None
    return "http"


class Porter:
    """Opens the socket and sends visitors to the right door."""

    def __init__(
        self,
        make_http: Callable[[], Inlet],
        make_rpc: Callable[[], Inlet],
        allowed: Callable[[asyncio.BaseTransport], bool] = allowed,
        most_silent: int = MOST_SILENT,
    ) -> None:
        """MOST_SILENT: when more visitors say nothing, who has been silent longest must go."""
        self.make_http = make_http
        self.make_rpc = make_rpc
        self.allowed = allowed
        self.turned_away = 0
        self.came_so_far = 0
        """All who have been accepted since the start."""
        self.silent: dict[Visitor, float] = {}
        """Those who have not said yet what they want, and since when; who came first in front."""
        self._most_silent = most_silent
        self._server: asyncio.Server | None = None
        self._sock: socket.socket | None = None

    def came(self, visitor: Visitor) -> None:
        """Keep VISITOR in mind until it speaks."""
        now = asyncio.get_running_loop().time()
        self.silent[visitor] = now
        first, since = next(iter(self.silent.items()))
        if len(self.silent) > self._most_silent and now - since >= _SHY_S:
            first.send_away()

    async def open(self, sock: socket.socket) -> None:
        """Begin to accept on SOCK, which is bound and listens; an earlier one is left. Raises ConfigError, and then the
        earlier one stays."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Visitor(self), sock=sock, backlog=BACKLOG, start_serving=False)
        old, self._server, self._sock = (self._server, self._sock), server, sock
        try:
            await server.start_serving()
        except OSError as error:
            self._server, self._sock = old
            refusal = _not_served(sock.getsockname(), str(error.strerror))
            server.close()
            raise refusal from error
        except asyncio.CancelledError:  # whatever comes between, none is forgotten
            await _left(*old)
            raise
        await _left(*old)

    async def leave(self) -> None:
        """Take in those who have knocked already, then accept nobody any more. Nobody new may reach the socket: that is
        the caller's to see to."""
        old, self._server, self._sock = (self._server, self._sock), None, None
        await _left(*old)

    async def pause(self) -> None:
        """Accept nobody until `resume`, or `close`. Whoever was accepted before is in when this returns; with uvloop,
        which has no way to pause, others may come in as well."""
        if self._sock is not None:
            asyncio.get_running_loop().remove_reader(self._sock.fileno())
        await _first_steps()

    async def resume(self) -> None:
        """Accept again. Raises ConfigError, OSError."""
        if self._sock is None:
            return
        sock = self._sock.dup()
        try:
            await self.open(sock)
        except BaseException:
            sock.close()
            raise

    def close(self) -> None:
        """Accept nobody any more. Those who are in stay."""
        if self._server is not None:
            self._server.close()
        self._server = self._sock = None


def _not_served(place: Any, why: str) -> ConfigError:
    """The refusal for the socket at PLACE: a path, or the address and the port of `listen`."""
    if isinstance(place, tuple):
        return ConfigError(phrase("gate.address", where=f"{place[0]}:{place[1]}", why=why))
    return ConfigError(phrase("door.no_bind", path=os.fsdecode(place), why=why))


async def _left(server: asyncio.Server | None, sock: socket.socket | None) -> None:
    try:
        if sock is not None:
            await emptied(sock)
    finally:
        if server is not None:
            server.close()


async def emptied(sock: socket.socket, patience_s: float = 1.0) -> None:
    """Wait until nobody is left who has connected to SOCK and was not accepted; at most PATIENCE_S."""
    loop = asyncio.get_running_loop()
    ends = loop.time() + patience_s
    knocking = select.poll()
    knocking.register(sock, select.POLLIN)
    await asyncio.sleep(0)
    while loop.time() < ends and knocking.poll(0):  # noqa: ASYNC110 - the kernel's queue has no event for "empty"
        await asyncio.sleep(0.001)
    await _first_steps()


async def _first_steps() -> None:
    """Let those who were accepted come in: a server closed between accept and the connection's first step drops it
    (asyncio 3.11)."""
    for _ in range(3):
        await asyncio.sleep(0)
