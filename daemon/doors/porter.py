"""The one socket: safe folder, lock, bind, the visitor's uid, and which language the visitor speaks.

Nobody but the same user and root gets a byte parsed. The lock, not the socket file, says who runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import json
import os
import select
import socket
import stat
import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

from daemon.errors import ConfigError
from daemon.inlet import Inlet
from daemon.owner import own_group
from daemon.phrases import phrase
from daemon.whole import whole_file

MAX_PATH = 103
"""Bytes of a socket's path: 104 with the NUL is what macOS takes; Linux takes 4 more."""

_SNIFF = 16  # enough to tell a JSON-RPC frame from an HTTP method
BACKLOG = 1024
"""How many may connect before we look: beyond that a client is refused, or hangs. asyncio, if not told, says 100."""

MOST_SILENT = 64
"""Visitors who may say nothing at the same time. Real ones speak at once; these hold descriptors of all others."""

_SHY_S = 1.0  # many who come at once have not had the time to speak

_FIRST_BYTE_S = 30.0  # a visitor who says nothing holds a descriptor


class AlreadyRunning(Exception):
    """Another daemon holds the lock. `pid` as it wrote it, or None."""

    def __init__(self, path: Path, pid: int | None) -> None:
        super().__init__(path, pid)
        self.pid = pid


def prepare_folder(folder: Path, option: str = "--socket") -> None:
    """Make FOLDER, or refuse it with the reason and the mend: OPTION chooses another. Raises ConfigError."""
    place = str(folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(phrase("door.not_made", folder=place, why=str(error.strerror), option=option)) from error
    about = folder.lstat()
    if stat.S_ISLNK(about.st_mode):
        raise ConfigError(phrase("door.link", folder=place))
    if not stat.S_ISDIR(about.st_mode):
        raise ConfigError(phrase("door.no_folder", folder=place, option=option))
    if about.st_uid != os.geteuid():
        raise ConfigError(phrase("door.anothers", folder=place, uid=about.st_uid, option=option))
    if about.st_mode & 0o077:
        raise ConfigError(phrase("door.open", folder=place, mode=_mode(about)))
    _check_parents(folder, option)


def _mode(about: os.stat_result) -> str:
    return f"{stat.S_IMODE(about.st_mode):04o}"


def _check_parents(folder: Path, option: str) -> None:
    """Refuse a folder that others could swap for their own: a parent that they may write, without the sticky bit."""
    for parent in folder.resolve().parents:
        about = parent.stat()
        others = 0o002 if own_group(about.st_gid) else 0o022
        if about.st_mode & others and not about.st_mode & stat.S_ISVTX:
            above, mode = str(parent), _mode(about)
            raise ConfigError(phrase("door.parent", parent=above, mode=mode, folder=str(folder), option=option))


class Lock:
    """An exclusive lock on a file that is never deleted by us. The kernel frees it when we die."""

    def __init__(self, path: Path) -> None:
        """Take it. Raises AlreadyRunning, and ConfigError where there can be no lock."""
        self.path = path
        self._fd = _locked(path)

    def intact(self) -> bool:
        """True while the file that we hold is the one that others will find."""
        try:
            return self._fd >= 0 and os.path.samestat(os.fstat(self._fd), os.stat(self.path))
        except OSError:
            return False

    def renew(self) -> None:
        """Hold the file that is at our path now. Raises AlreadyRunning, and ConfigError."""
        if not self.intact():
            self._fd, old = _locked(self.path), self._fd
            if old >= 0:
                os.close(old)

    def release(self) -> None:
        """Free the lock. Idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def _locked(path: Path) -> int:
    """The descriptor that holds the lock; our pid is in the file."""
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise ConfigError(phrase("door.lock", path=str(path), why=str(error.strerror))) from error
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        pid = _pid_in(fd)
        os.close(fd)
        raise AlreadyRunning(path, pid) from None
    except OSError as error:
        os.close(fd)
        raise ConfigError(phrase("door.no_lock", path=str(path), why=str(error.strerror))) from error
    with contextlib.suppress(OSError):  # a full disk has no room for our number, and is no reason not to serve
        os.ftruncate(fd, 0)
        os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
    return fd


def _pid_in(fd: int) -> int | None:
    text = os.pread(fd, 20, 0).decode("ascii", "replace").strip()
    return int(text) if text.isdigit() else None


def bind(path: Path, *, over_living: bool = False) -> socket.socket:
    """Bind and listen at PATH with mode 0600, never visible before it listens: bind beside it, then rename.

    The caller holds the lock, so no daemon of ours has a socket at PATH. What is none is refused, and one at which
    another program listens, too; but not OVER_LIVING: the place is ours, or was given to us. Raises ConfigError.
    """
    length = len(os.fsencode(path))
    if length > MAX_PATH:
        raise ConfigError(phrase("door.long", path=str(path), length=length, most=MAX_PATH))
    if path.is_symlink() or (path.exists() and not stat.S_ISSOCK(path.lstat().st_mode)):
        raise ConfigError(phrase("door.no_socket", path=str(path)))
    if not over_living and _lives(path):
        raise ConfigError(phrase("door.living", path=str(path)))
    beside = _beside(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        if beside.is_socket():  # half made by one of us that was killed
            beside.unlink()
        os.fchmod(sock.fileno(), 0o600)
        sock.bind(str(beside))
        beside.chmod(0o600)
        sock.listen(BACKLOG)
        sock.setblocking(False)
        beside.rename(path)
    except OSError as error:
        sock.close()
        with contextlib.suppress(OSError):
            if beside.is_socket():
                beside.unlink()
        raise ConfigError(phrase("door.no_bind", path=str(path), why=error.strerror or str(error))) from error
    return sock


def _beside(path: Path) -> Path:
    """The name that a socket has before it is at PATH. Where that has no room for more, it is no longer than PATH."""
    longer = path.with_name(path.name + ".new")
    if len(os.fsencode(longer)) <= MAX_PATH:
        return longer
    return path.with_name(path.name[:-1] + ("-" if path.name.endswith("~") else "~"))


def _lives(path: Path) -> bool:
    """False if there is no socket at PATH, or a dead one, which refuses whoever connects. One whose program is too busy
    to accept, or of another kind than ours, lives."""
    with socket.socket(socket.AF_UNIX) as visitor:
        visitor.setblocking(False)
        return visitor.connect_ex(str(path)) not in (errno.ECONNREFUSED, errno.ENOENT)


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


def write_endpoint(file: Path, socket_path: Path, version: str, protocol: int) -> None:
    """Tell clients where we are: they may see another XDG_RUNTIME_DIR than we do (cron, su, a service)."""
    text = json.dumps({"socket": str(socket_path), "pid": os.getpid(), "version": version, "protocol": protocol})
    with whole_file(file, file.with_name(file.name + ".new")) as out:
        out.write(f"{text}\n".encode())


def read_endpoint(file: Path) -> Path | None:
    """The socket that a daemon wrote down, or None."""
    try:
        return Path(str(json.loads(file.read_text(encoding="utf-8"))["socket"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
