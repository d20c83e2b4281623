"""Who may come in, where the socket stands, and which language a visitor speaks."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import socket
import stat
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from daemon.doors import porter
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
    with porter.bind(path) as sock:
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


def test_folder_is_made_for_us_alone(place: Path) -> None:
    """A missing folder is made with mode 0700, parents too, and found good the second time."""
    folder = place / "a" / "b"
    old = os.umask(0o077)
    try:
        porter.prepare_folder(folder)
        porter.prepare_folder(folder)
    finally:
        os.umask(old)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def _link(folder: Path) -> None:
    real = folder.with_name("real")
    real.mkdir(mode=0o700)
    folder.symlink_to(real)


def _dangling(folder: Path) -> None:
    folder.symlink_to(folder.with_name("nowhere"))


def _file(folder: Path) -> None:
    folder.write_text("")


def _mode(mode: int) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        folder.mkdir()
        folder.chmod(mode)

    return make


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_link, "symbolic link"),
        (_dangling, "cannot be made"),
        (_file, "cannot be made"),
        (_mode(0o755), "chmod 700"),
        (_mode(0o777), "chmod 700"),
        (_mode(0o710), "chmod 700"),
    ],
    ids=["symlink", "dangling symlink", "file", "0755", "0777", "0710"],
)
def test_unsafe_folders_are_refused(place: Path, make: Callable[[Path], None], words: str) -> None:
    """Each unsafe folder is refused with the reason and the mend, and nothing is written into it."""
    folder = place / "run"
    make(folder)
    with pytest.raises(ConfigError, match=words):
        porter.prepare_folder(folder)
    assert not folder.is_dir() or not list(folder.iterdir())


def test_a_parent_that_others_may_write_is_refused(place: Path) -> None:
    """Whoever may write the parent could swap the folder; the sticky bit makes it safe."""
    parent = place / "shared"
    parent.mkdir()
    parent.chmod(0o777)
    folder = parent / "run"
    folder.mkdir(mode=0o700)
    with pytest.raises(ConfigError, match="chmod go-w"):
        porter.prepare_folder(folder)
    parent.chmod(0o1777)
    porter.prepare_folder(folder)


@AS_ROOT
def test_a_folder_of_somebody_else_is_refused(place: Path) -> None:
    """A folder that another user owns is refused even if its mode is good."""
    folder = place / "run"
    folder.mkdir(mode=0o700)
    os.chown(folder, NOBODY, NOBODY)
    with pytest.raises(ConfigError, match=f"belongs to uid {NOBODY}"):
        porter.prepare_folder(folder)


# ---- the lock


def test_the_second_daemon_learns_who_is_first(place: Path) -> None:
    """Another process cannot take the lock, and hears the pid of the one that has it."""
    lock = porter.Lock(place / "lock")
    code = (
        "import sys; from pathlib import Path; from daemon.doors import porter\n"
        "try: porter.Lock(Path(sys.argv[1]))\n"
        "except porter.AlreadyRunning as running: print(running.pid)\n"
    )
    run = [sys.executable, "-c", code, str(place / "lock")]
    second = subprocess.run(run, capture_output=True, text=True, timeout=20, check=True)
    assert second.stdout == f"{os.getpid()}\n"
    lock.release()
    lock.release()
    assert porter.Lock(place / "lock").path == place / "lock"


def test_a_lock_in_one_process_twice(place: Path) -> None:
    """The lock belongs to the open file, so that one process cannot take it twice by mistake either."""
    lock = porter.Lock(place / "lock")
    with pytest.raises(porter.AlreadyRunning, match=str(os.getpid())):
        porter.Lock(place / "lock")
    lock.release()


def test_a_killed_daemon_leaves_no_lock(place: Path) -> None:
    """The kernel frees the lock of a process that was killed; the file that stays means nothing."""
    code = (
        "import sys, time; from pathlib import Path; from daemon.doors.porter import Lock\n"
        "kept = Lock(Path(sys.argv[1])); print('in', flush=True); time.sleep(60)"
    )
    first = subprocess.Popen([sys.executable, "-c", code, str(place / "lock")], stdout=subprocess.PIPE)
    assert first.stdout is not None
    with first.stdout:
        assert first.stdout.readline() == b"in\n"
        with pytest.raises(porter.AlreadyRunning):
            porter.Lock(place / "lock")
        first.kill()
        first.wait(10)
    porter.Lock(place / "lock").release()


def test_a_lock_that_is_a_link_is_refused(place: Path) -> None:
    """A symbolic link in the lock's place is not followed, and the refusal is one of ours."""
    (place / "lock").symlink_to(place / "elsewhere")
    with pytest.raises(ConfigError, match="lock"):
        porter.Lock(place / "lock")
    assert not (place / "elsewhere").exists()


# ---- the socket


def test_bind_makes_a_private_socket(place: Path) -> None:
    """The socket file has mode 0600, listens at once, and nothing else is left in the folder."""
    with porter.bind(place / "s") as sock:
        assert stat.S_IMODE((place / "s").stat().st_mode) == 0o600
        assert [file.name for file in place.iterdir()] == ["s"]
        with socket.socket(socket.AF_UNIX) as visitor:
            visitor.connect(str(place / "s"))
        assert sock.getblocking() is False


def test_a_stale_socket_is_replaced(place: Path) -> None:
    """What a killed daemon left behind does not hinder the next start; neither does its half-made one."""
    for name in ("s", "s.new"):
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(place / name))
    with porter.bind(place / "s"), socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(place / "s"))
        assert [file.name for file in place.iterdir()] == ["s"]


@pytest.mark.parametrize("how", ["it accepts", "too many wait", "it takes datagrams"])
def test_the_socket_of_a_program_that_lives_is_not_touched(place: Path, how: str) -> None:
    """Somebody who has not our lock listens there: refused with what to do, and it listens on. Only a daemon that was
    given the place puts its socket over it."""
    kind = socket.SOCK_DGRAM if how == "it takes datagrams" else socket.SOCK_STREAM
    with contextlib.ExitStack() as stack:
        theirs = stack.enter_context(socket.socket(socket.AF_UNIX, kind))
        theirs.bind(str(place / "s"))
        if kind == socket.SOCK_STREAM:
            theirs.listen(0)
        if how == "too many wait":
            visitor = stack.enter_context(socket.socket(socket.AF_UNIX))
            visitor.connect(str(place / "s"))
        before = (place / "s").lstat()
        with pytest.raises(ConfigError, match=r"another program listens there.*--socket"):
            porter.bind(place / "s")
        assert os.path.samestat(before, (place / "s").lstat())
        assert [file.name for file in place.iterdir()] == ["s"]
        stack.enter_context(porter.bind(place / "s", over_living=True))
        assert not os.path.samestat(before, (place / "s").lstat())


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_not_a_socket_is_not_touched(place: Path, kind: str) -> None:
    """A file, folder or link at the socket's path is refused and stays as it was."""
    path = place / "s"
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        (place / "real").write_text("precious")
        path.symlink_to(place / "real")
    with pytest.raises(ConfigError, match="not a socket"):
        porter.bind(path)
    assert path.is_dir() if kind == "folder" else path.read_text() == "precious"


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_stands_beside_the_socket_is_a_clear_error(place: Path, kind: str) -> None:
    """Whatever the system says no to becomes one refusal; a file of somebody else is not deleted to make room."""
    beside = place / "s.new"
    beside.mkdir() if kind == "folder" else beside.write_text("precious")
    with pytest.raises(ConfigError, match="cannot be made"):
        porter.bind(place / "s")
    assert beside.exists()


def test_a_path_that_is_too_long(place: Path) -> None:
    """The message counts the bytes, not the characters, and says how many work."""
    path = place / ("ü" * 60)
    with pytest.raises(ConfigError, match=rf"{len(os.fsencode(path))} bytes, at most 103"):
        porter.bind(path)


@pytest.mark.parametrize("name", ["s", "~", "ü", "x~", "sluice.sock"])
def test_a_path_as_long_as_can_be(place: Path, name: str) -> None:
    """103 bytes work, whatever the name: the name that the socket has for a moment is no longer, and not the same."""
    above = place / ("x" * (103 - len(os.fsencode(place)) - 1 - len(os.fsencode(name)) - 1))
    above.mkdir(mode=0o700)
    path = above / name
    assert len(os.fsencode(path)) == 103
    with porter.bind(path), socket.socket(socket.AF_UNIX) as visitor:
        visitor.connect(str(path))
        assert [file.name for file in above.iterdir()] == [name]


# ---- who may come in


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
        await door.open(porter.bind(place / "s"))
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
        deaf = porter.bind(place / "t")

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


def test_an_endpoint_that_cannot_be_put_in_its_place(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing half made is left beside it."""

    def refused(*_: object) -> None:
        raise OSError(errno.EIO, "")

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(OSError, match=r"\[Errno"):
        porter.write_endpoint(place / "endpoint.json", place / "s", "1.2", 1)
    assert not list(place.glob("endpoint*"))


def test_endpoint_is_written_and_read(place: Path) -> None:
    """Clients find the socket, the pid and the protocol in a file for us alone; a broken file is no address."""
    file = place / "endpoint.json"
    porter.write_endpoint(file, place / "s", "1.2", 1)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert json.loads(file.read_text()) == {
        "socket": str(place / "s"), "pid": os.getpid(), "version": "1.2", "protocol": 1,
    }  # fmt: skip
    assert porter.read_endpoint(file) == place / "s"
    for broken in ("", "{}", "[]", "{", "null"):
        file.write_text(broken)
        assert porter.read_endpoint(file) is None
    assert porter.read_endpoint(place / "missing") is None


def test_a_parent_that_only_the_private_group_may_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A umask of 002 is the rule where everybody has a group of his own: that is no danger. Another group's is."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(0o775)
    monkeypatch.setattr(porter, "own_group", lambda gid: True)
    porter.prepare_folder(tmp_path / "home" / "a")
    monkeypatch.setattr(porter, "own_group", lambda gid: False)
    with pytest.raises(ConfigError, match="can be written by others"):
        porter.prepare_folder(tmp_path / "home" / "b")
