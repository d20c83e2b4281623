"""Who may come in, where the socket stands, and which language a visitor speaks."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.doors import porter, rundir
from daemon.errors import ConfigError

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: run the tests as root to see another uid refused")
NOBODY = 65534


class Room(asyncio.Protocol):
    """A door that says its name and what it got."""

    def __init__(self, name: bytes) -> None:
        self.name = name
        self.transport: Any = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep it."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer and leave."""
        self.transport.write(self.name + b":" + data)
        self.transport.close()


@contextlib.asynccontextmanager
async def opened(path: Path, **more: Any) -> AsyncIterator[porter.Porter]:
    """A porter at PATH whose doors say their names."""
    made = porter.Porter(lambda: Room(b"http"), lambda: Room(b"rpc"), **more)
    with rundir.bind(path) as sock:
        await made.open(sock)
        yield made
        made.close()


async def said(path: Path, data: bytes) -> bytes:
    """What is answered to DATA."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def until(true: Callable[[], object]) -> None:
    """Let the loop turn until that is TRUE."""
    while not true():  # noqa: ASYNC110 - a file or a kernel's answer has no event
        await asyncio.sleep(0)


# ---- the folder


async def test_our_own_uid_comes_in(place: Path) -> None:
    """We are let in, and our words reach the door whole."""
    async with opened(place / "s"):
        assert await said(place / "s", b"GET / HTTP/1.1\r\n\r\n") == b"http:GET / HTTP/1.1\r\n\r\n"
        assert await said(place / "s", b'{"id":1}\n') == b'rpc:{"id":1}\n'


async def test_a_stranger_is_turned_away_before_a_byte(place: Path) -> None:
    """Whoever is not allowed gets no byte and reaches no door."""
    async with opened(place / "s", allowed=lambda transport: False) as door:
        reader, writer = await asyncio.open_unix_connection(str(place / "s"))
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        assert door.turned_away == 1
        writer.close()


@AS_ROOT
async def test_another_uid_is_turned_away(place: Path) -> None:
    """A real process of another user is refused even where the file's mode would let it in."""
    async with opened(place / "s") as door:
        os.chmod(place, 0o755)
        os.chmod(place / "s", 0o777)
        code = (
            "import os, socket, sys\nos.setgid(65534); os.setuid(65534)\n"
            "s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1])\n"
            "try: s.sendall(b'GET / HTTP/1.1'); got = s.recv(10)\nexcept OSError: got = b''\nprint(got)"
        )
        run = [sys.executable, "-c", code, str(place / "s")]
        child = await asyncio.create_subprocess_exec(*run, stdout=subprocess.PIPE)
        out, _ = await asyncio.wait_for(child.communicate(), 20)
        assert out == b"b''\n"
        assert door.turned_away == 1


@AS_ROOT
def test_root_and_owner_are_allowed(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rule: our own uid and root; a system that does not say who it is lets nobody in."""

    class Transport:
        def get_extra_info(self, name: str) -> Any:
            return name

    for uid, welcome in [(0, True), (os.geteuid(), True), (12345, False), (None, False)]:
        monkeypatch.setattr(porter, "peer_uid", lambda sock, uid=uid: uid)
        assert porter.allowed(Transport()) is welcome  # type: ignore[arg-type]


def test_peer_uid_of_a_pair() -> None:
    """The kernel says whose the other end is."""
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        assert porter.peer_uid(ours) == os.geteuid()


async def test_a_visitor_who_says_nothing_is_sent_away(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without a first byte does not hold a descriptor for ever."""
    monkeypatch.setattr(porter, "_FIRST_BYTE_S", 0.0)
    async with opened(place / "s"):
        reader, writer = await asyncio.open_unix_connection(str(place / "s"))
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()


async def test_too_many_who_say_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the most, who has been silent longest must go; who comes with many others has time to speak."""
    async with opened(place / "s", most_silent=2) as door:
        silent = [await asyncio.open_unix_connection(str(place / "s")) for _ in range(3)]
        await until(lambda: len(door.silent) == 3)
        monkeypatch.setattr(porter, "_SHY_S", 0.0)
        silent.append(await asyncio.open_unix_connection(str(place / "s")))
        with contextlib.suppress(ConnectionResetError):
            assert await asyncio.wait_for(silent[0][0].read(), 5) == b""
        silent[1][1].write(b"GET / HTTP/1.1")
        assert await asyncio.wait_for(silent[1][0].read(), 5) == b"http:GET / HTTP/1.1"
        for _, writer in silent:
            writer.close()


async def test_who_has_knocked_is_let_in(place: Path) -> None:
    """When another socket takes the place, whoever had connected to the old one is served by it; then nobody is."""
    async with opened(place / "s") as door:
        knocked = [socket.socket(socket.AF_UNIX) for _ in range(200)]
        for one in knocked:
            one.connect(str(place / "s"))
        (place / "s").rename(place / "old")
        await door.open(rundir.bind(place / "s"))
        assert await said(place / "s", b"GET / HTTP/1.1") == b"http:GET / HTTP/1.1"
        for one in knocked:
            one.setblocking(False)
            await asyncio.get_running_loop().sock_sendall(one, b"GET / HTTP/1.1")
            assert await asyncio.get_running_loop().sock_recv(one, 99) == b"http:GET / HTTP/1.1"
            one.close()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_unix_connection(str(place / "old"))


async def test_a_second_socket_that_cannot_be_served(place: Path) -> None:
    """The refusal is one of ours, and the first socket is served as before."""
    async with opened(place / "s") as door:
        deaf = rundir.bind(place / "t")

        def refuse(backlog: int) -> None:
            raise OSError(98, "Address already in use")

        class Deaf(socket.socket):
            listen = staticmethod(refuse)  # type: ignore[assignment]

        odd = Deaf(fileno=deaf.detach())
        with pytest.raises(ConfigError, match="cannot be made"):
            await door.open(odd)
        assert odd.fileno() == -1
        assert await said(place / "s", b"GET / HTTP/1.1") == b"http:GET / HTTP/1.1"


async def test_nobody_comes_in_after_closing(place: Path) -> None:
    """When the porter has closed, a new visitor is refused."""
    async with opened(place / "s") as door:
        door.close()
        await asyncio.sleep(0)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_unix_connection(str(place / "s"))


# ---- which language


class Passing(asyncio.Transport):
    """A transport that only keeps its protocol."""

    protocol: Any = None

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """The next one speaks."""
        self.protocol = protocol

    def abort(self) -> None:
        """Nothing to abort."""


class Heard(Room):
    """A door that keeps what it got."""

    got = b""

    def data_received(self, data: bytes) -> None:
        """Keep it."""
        self.got += data


@pytest.mark.parametrize(
    ("first", "language"),
    [
        (b"{", "rpc"),
        (b"[1]", "rpc"),
        (b"Content-Length: 5", "rpc"),
        (b"content-length:5", "rpc"),
        (b"CONTENT-LENGTH: 5", "http"),
        (b"\r\n  {", "rpc"),
        (b"C", None),
        (b"c", None),
        (b"Conten", None),
        (b"Content-Length", None),
        (b"Content-Type: x", "http"),
        (b"CONNECT a:443 HTTP/1.1", "http"),
        (b"CO", "http"),
        (b"Cat", "http"),
        (b"GET /", "http"),
        (b"POST", "http"),
        (b"\x16\x03\x01", "http"),
        (b"PRI * HTTP/2.0", "http"),
        (b"", None),
        (b"\n", None),
        (b"\n" * 15, None),
        (b"\n" * 16, "http"),
        (b"\xef\xbb\xbf{", "http"),
    ],
)
def test_language_of(first: bytes, language: str | None) -> None:
    """The first bytes tell, or do not tell yet."""
    assert porter.language_of(first) == language


@pytest.mark.parametrize(
    ("request_", "door"),
    [
        (b"Content-Length: 2\r\n\r\n{}", b"rpc"),
        (b'{"id":1}\n', b"rpc"),
        (b"CONNECT x:1 HTTP/1.1\r\n\r\n", b"http"),
        (b"POST /v1 HTTP/1.1\r\n\r\n", b"http"),
    ],
    ids=["frame", "line", "connect", "post"],
)
async def test_the_first_bytes_may_come_in_pieces(request_: bytes, door: bytes) -> None:
    """Wherever the bytes are cut, the same door opens and gets all of them, in order."""
    for at in range(1, len(request_)):
        transport = Passing()
        visitor = porter.Visitor(porter.Porter(lambda: Heard(b"http"), lambda: Heard(b"rpc"), lambda transport: True))
        visitor.connection_made(transport)
        transport.protocol = visitor
        for piece in (request_[:at], request_[at:]):
            transport.protocol.data_received(piece)
        assert isinstance(transport.protocol, Heard)
        assert (transport.protocol.name, transport.protocol.got) == (door, request_)
        visitor.connection_lost(None)


# ---- the address, written down
