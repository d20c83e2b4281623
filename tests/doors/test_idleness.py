"""Who ends a daemon that nobody uses: with a real socket of which another, as systemd does, has a copy."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import cast

import pytest

from daemon.doors.idleness import Idleness
from daemon.doors.porter import Porter
from daemon.doors.rundir import BACKLOG
from daemon.errors import ConfigError

AFTER_S = 600.0


class Answering(asyncio.Protocol):
    """A door that answers whatever comes with a word."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Answer."""
        self.transport.write(b"here")


class Here:
    """A porter at work, and what a test decides."""

    def __init__(self, place: Path) -> None:
        self.place = place / "s"
        self.systemd = socket.socket(socket.AF_UNIX)
        self.systemd.bind(str(self.place))
        self.systemd.listen(BACKLOG)
        self.porter = Porter(Answering, Answering, allowed=lambda transport: True)
        self.now, self.is_busy, self.is_stored = 1000.0, False, True
        self.coming: asyncio.Task[None]
        self.meanwhile: Callable[[], Awaitable[None]] | None = None
        self.idleness = Idleness(
            self.porter, AFTER_S, busy=lambda: self.is_busy, stored=self.stored, clock=lambda: self.now
        )

    async def stored(self) -> bool:
        """As the test says, after what happens MEANWHILE."""
        if self.meanwhile is not None:
            await self.meanwhile()
        return self.is_stored

    async def over(self, later_s: float) -> bool:
        """The look that comes so much later."""
        self.now += later_s
        return await self.idleness.over()

    @contextlib.asynccontextmanager
    async def visitor(self, says: bytes = b"") -> AsyncIterator[socket.socket]:
        """One who connects, and SAYS that."""
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX) as sock:
            sock.setblocking(False)
            await loop.sock_connect(sock, str(self.place))
            if says:
                await loop.sock_sendall(sock, says)
            yield sock

    async def served(self) -> bool:
        """True if one who comes now is answered by us."""
        async with self.visitor(b"GET ") as sock:
            return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(sock, 99), 5) == b"here"

    def waiting(self) -> bytes:
        """What the one has said who waits at the socket for another daemon."""
        self.systemd.settimeout(5)
        with self.systemd.accept()[0] as sock:
            return sock.recv(99)


@pytest.fixture
async def here(place: Path) -> AsyncIterator[Here]:
    """It accepts."""
    made = Here(place)
    copy = made.systemd.dup()
    copy.setblocking(False)
    await made.porter.open(copy)
    yield made
    made.porter.close()
    made.systemd.close()


async def test_nobody_for_so_long(here: Here) -> None:
    """Not a moment earlier. Then nobody is accepted any more, the socket's file stays, and who comes waits there for
    the next daemon: nobody is refused."""
    assert not await here.over(AFTER_S - 1)
    assert await here.served()
    assert not await here.over(2)
    assert not await here.over(AFTER_S - 1)
    assert await here.over(1)
    assert here.place.is_socket()
    async with here.visitor(b"hello"):
        assert here.waiting() == b"hello"


async def test_who_comes_and_goes_between_two_looks(here: Here) -> None:
    """A call that has ended long before the next look counts from that look."""
    assert not await here.over(AFTER_S / 2)
    assert await here.served()
    assert not await here.over(AFTER_S)
    assert not await here.over(AFTER_S - 1)
    assert await here.over(1)


async def test_what_is_in_use(here: Here) -> None:
    """A call that runs or waits, a connection that is open, if only to hear of changes: all of it is told by BUSY. And
    one that has not spoken yet."""
    here.is_busy = True
    for _ in range(3):
        assert not await here.over(AFTER_S * 9)
    here.is_busy = False
    async with here.visitor():
        while not here.porter.silent:  # noqa: ASYNC110 - as below
            await asyncio.sleep(0)
        for _ in range(3):
            assert not await here.over(AFTER_S * 9)
    while here.porter.silent:  # noqa: ASYNC110 - the kernel tells the loop, and nobody else
        await asyncio.sleep(0)
    assert await here.over(AFTER_S)


async def test_what_is_not_on_disk(here: Here) -> None:
    """While the journal does not take what it was told, the daemon stays, and goes when it does."""
    here.is_stored = False
    assert not await here.over(AFTER_S * 9)
    assert await here.served()
    here.is_stored = True
    assert not await here.over(1)
    assert await here.over(AFTER_S)


@pytest.mark.parametrize("before", range(5))
@pytest.mark.parametrize("behind", range(5))
async def test_who_comes_in_that_very_moment(here: Here, before: int, behind: int) -> None:
    """Whoever connects while it is being decided is either taken in, and then the daemon goes on and serves, or waits
    at the socket. However many turns of the loop lie between: nobody is accepted and dropped."""
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as sock:
        sock.setblocking(False)

        async def comes() -> None:
            for _ in range(before):
                await asyncio.sleep(0)
            sock.connect(str(here.place))
            sock.send(b"GET ")

        async def meanwhile() -> None:
            here.meanwhile = None
            here.coming = asyncio.create_task(comes())
            for _ in range(behind):
                await asyncio.sleep(0)

        here.meanwhile = meanwhile
        over = await here.over(AFTER_S)
        await here.coming
        if over:
            assert here.waiting() == b"GET "
        else:
            assert await asyncio.wait_for(loop.sock_recv(sock, 99), 5) == b"here"
            assert await here.served()
            assert not await here.over(AFTER_S - 1)


async def test_a_socket_that_cannot_be_opened_again(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody came, and the system does not let us go on: then we end all the same, and the next one serves."""

    async def refuses(sock: socket.socket) -> None:
        raise ConfigError("no")

    async def meanwhile() -> None:
        here.is_busy = True

    here.meanwhile = meanwhile
    monkeypatch.setattr(here.porter, "open", refuses)
    assert await here.over(AFTER_S)
    async with here.visitor(b"hello"):
        assert here.waiting() == b"hello"


async def test_it_wakes_nobody(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look sets no timer: it happens when the daemon is awake anyhow."""
    timers: list[object] = []
    monkeypatch.setattr(asyncio.get_running_loop(), "call_at", lambda *given, **more: timers.append(given))
    assert not await here.over(1)
    here.is_busy = True
    assert not await here.over(AFTER_S)
    here.is_busy = False
    assert await here.over(AFTER_S)
    assert timers == []
