"""The way in by TCP, for programs that cannot open a Unix socket; only if the configuration asks for it."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from pathlib import Path

from daemon.doors.gate import Gate, token_in
from daemon.doors.http import HttpDoor
from daemon.doors.porter import BACKLOG, Porter
from daemon.doors.rpc import RpcDoor
from daemon.errors import ConfigError
from daemon.phrases import phrase


class Listener:
    """A bound TCP socket and what is asked of those who come by it."""

    def __init__(
        self, address: tuple[str, int], token_file: Path, names: Iterable[str] = (), *, share: bool = False
    ) -> None:
        """SHARE: a daemon whose place we take may still listen there. Raises ConfigError."""
        token = token_in(token_file)
        self._sock = bind_tcp(address, share=share)
        self._porter: Porter | None = None
        port = self._sock.getsockname()[1]
        self.gate = Gate(token, port, names)
        self.token_file = token_file
        self.url = f"http://{f'[{address[0]}]' if ':' in address[0] else address[0]}:{port}"

    async def open(self, http: HttpDoor, rpc: RpcDoor, most: int) -> None:
        """Begin to accept, at most MOST connections at the same time."""
        self._porter = Porter(http.guarded(self.gate), rpc.guarded(self.gate), Room(most))
        await self._porter.open(self._sock)

    def close(self) -> None:
        """Accept nobody any more. Those who are in stay. Idempotent."""
        if self._porter is not None:
            self._porter.close()
        self._sock.close()


class Room:
    """Lets in so many connections at the same time and no more: each holds a descriptor before it has said a word."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._inside: set[asyncio.BaseTransport] = set()

    def __call__(self, transport: asyncio.BaseTransport) -> bool:
        """True if there is room for TRANSPORT."""
        self._inside = {one for one in self._inside if not one.is_closing()}
        if len(self._inside) >= self._most:
            return False
        self._inside.add(transport)
        return True


def bind_tcp(address: tuple[str, int], *, share: bool = False) -> socket.socket:
    """Listen at ADDRESS: an IP address and a port, 0 for a free one. Raises ConfigError."""
    sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1 if share else 0)
        sock.bind(address)
        sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        where = f"{address[0]}:{address[1]}"
        raise ConfigError(phrase("gate.address", where=where, why=str(error.strerror))) from None
    return sock
