"""A name looked up, and the first of its addresses that answers (RFC 8305: IPv6 that does not work costs 0.25 s)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from itertools import chain, zip_longest
from typing import Any, Final

_HEAD_START_S: Final = 0.25
_KNOWN_S: Final = 10.0
"""How long a look-up holds: short, since nobody says how long it may be."""
_MOST_KNOWN: Final = 256

_NO_WAY: Final = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN})

Address = tuple[socket.AddressFamily, Any]


def no_network(error: Exception, *, known: bool = False) -> bool:
    """True if ERROR means that there is no network, and not that somebody said no. KNOWN: the name was there before, so
    that it cannot be a wrong one."""
    if isinstance(error, socket.gaierror):
        return error.errno == socket.EAI_AGAIN or known
    return isinstance(error, OSError) and error.errno in _NO_WAY


class Names:
    """Looks names up, each once for those who ask at the same time."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], tuple[float, asyncio.Future[list[Address]]]] = {}
        self._found: set[str] = set()
        """Names that had an address at any time."""

    async def look_up(self, host: str, port: int) -> list[Address]:
        """The addresses of HOST, families in turn. Raises OSError."""
        loop = asyncio.get_running_loop()
        until, found = self._known.get((host, port), (0.0, None))
        if found is None or (found.done() and (until < loop.time() or found.cancelled() or found.exception())):
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            found = loop.create_task(look_up(host, port))
            found.add_done_callback(_seen)
            self._known[host, port] = (loop.time() + _KNOWN_S, found)
        addresses = await asyncio.shield(found)
        if host not in self._found and len(self._found) < _MOST_KNOWN:
            self._found.add(host)
        return addresses

    def was_found(self, host: str) -> bool:
        """True if HOST had an address before."""
        return host in self._found

    def forget(self) -> None:
        """The network may be another now."""
        self._known.clear()


async def look_up(host: str, port: int) -> list[Address]:
    """Ask the system. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    families: dict[int, list[Address]] = {}
    for family, _, _, _, address in found:
        families.setdefault(family, []).append((family, address))
    return [one for one in chain(*zip_longest(*families.values())) if one is not None]


async def connect(addresses: list[Address]) -> socket.socket:
    """A connected socket to the first of ADDRESSES that answers. Raises OSError: why the first of them did not; one to
    which no way leads (IPv6, where there is none) tells less than one that said no."""
    if len(addresses) == 1:
        return await _connect(addresses[0])
    running: set[asyncio.Task[socket.socket]] = set()
    errors: list[OSError] = []
    waiting = list(addresses)
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.get_running_loop().create_task(_connect(waiting.pop(0))))
            done, running = await asyncio.wait(
                running, timeout=_HEAD_START_S if waiting else None, return_when=asyncio.FIRST_COMPLETED
            )
            won = [task for task in done if task.exception() is None]
            if won:
                running.update(won[1:])
                return won[0].result()
            errors += [error for task in done if isinstance(error := task.exception(), OSError)]
    finally:
        _stop(running)
    raise next((error for error in errors if not no_network(error)), errors[0] if errors else OSError())


async def _connect(address: Address) -> socket.socket:
    sock = socket.socket(address[0], socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        await asyncio.get_running_loop().sock_connect(sock, address[1])
    except BaseException:
        sock.close()
        raise
    return sock


def _seen(look: asyncio.Future[list[Address]]) -> None:
    """Nobody may wait any more for a look-up that fails; asyncio would complain of that."""
    if not look.cancelled():
        look.exception()


def _stop(tasks: set[asyncio.Task[socket.socket]]) -> None:
    """End the attempts that lost, and close what they had reached."""
    for task in tasks:
        task.cancel()
        task.add_done_callback(_close)


def _close(task: asyncio.Task[socket.socket]) -> None:
    with contextlib.suppress(asyncio.CancelledError, OSError):
        task.result().close()
