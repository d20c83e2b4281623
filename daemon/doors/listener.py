"""The way in by TCP, for programs that cannot open a Unix socket; only if the configuration asks for it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import socket
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from daemon.doors.gate import Gate, token_in
from daemon.doors.http import HttpDoor
from daemon.doors.porter import Porter
from daemon.doors.rpc import RpcDoor
from daemon.doors.rundir import BACKLOG
from daemon.errors import ConfigError
from daemon.phrases import phrase

_ATTACH_REUSEPORT_CBPF: Final = 51
"""SO_ATTACH_REUSEPORT_CBPF of Linux, for which Python has no name."""
_RETURN: Final = 6
"""The instruction BPF_RET | BPF_K: the program's answer is its operand."""


class Listener:
    """A bound TCP socket and what is asked of those who come by it.

    Nobody else can listen at its address, not even another daemon of the same user; only the one that takes our place
    shares it, for the moment in which both are there.
    """

    def __init__(
        self, address: tuple[str, int], token_file: Path, names: Iterable[str] = (), *, share: bool = False
    ) -> None:
        """SHARE: a daemon whose place we take still listens there; we listen when `open` is called, and not before.
        Raises ConfigError."""
        token = token_in(token_file)
        self._share = share
        self._sock = bind_tcp(address, share=share)
        self._porter: Porter | None = None
        port = self._sock.getsockname()[1]
        self.gate = Gate(token, port, names)
        self.token_file = token_file
        self.url = url_of((address[0], port))

    async def open(self, http: HttpDoor, rpc: RpcDoor, most: int) -> None:
        """Begin to accept, at most MOST connections at the same time. Raises ConfigError."""
        self._porter = Porter(http.guarded(self.gate), rpc.guarded(self.gate), Room(most))
        await self._porter.open(self._sock)
        if self._share:
            lead_to_the_second(self._sock)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # for the one that will take our place

    async def leave(self) -> None:
        """Take in those who have knocked already, then accept nobody any more: another daemon listens there."""
        if self._porter is not None:
            await self._porter.leave()
        self._sock.close()

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


def url_of(address: tuple[str, int]) -> str:
    """How clients write ADDRESS."""
    host, port = address
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def bind_tcp(address: tuple[str, int], *, share: bool = False) -> socket.socket:
    """Listen at ADDRESS: an IP address and a port, 0 for a free one. SHARE: only take it, beside who listens there and
    allows that; the system refuses us if that one is somebody else. Raises ConfigError."""
    sock = socket.socket(socket.AF_INET6 if ":" in address[0] else socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1 if share else 0)
        sock.bind(address)
        if not share:
            sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        where = f"{address[0]}:{address[1]}"
        raise ConfigError(phrase("gate.address", where=where, why=str(error.strerror))) from None
    return sock


class _Instruction(ctypes.Structure):
    """struct sock_filter."""

    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    """struct sock_fprog."""

    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.POINTER(_Instruction)))


def lead_to_the_second(sock: socket.socket) -> None:
    """Of those that listen where SOCK does, let the second get all who connect from now on, so that the first can take
    in whoever waits at its door and go. Linux spreads them over both by chance, and refuses who waits where one goes.

    When there is one alone it gets all, whatever is said here. Without Linux, or on an old one, nothing changes.
    """
    if sys.platform == "linux":
        program = _Program(1, (_Instruction * 1)(_Instruction(_RETURN, 0, 0, 1)))
        with contextlib.suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, _ATTACH_REUSEPORT_CBPF, bytes(program))
