"""The folder in which one daemon serves: that it is safe, whose it is, the socket in it, and where clients read of it.

The lock, not the socket file, says who runs.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import stat
from pathlib import Path

from daemon.errors import ConfigError
from daemon.owner import own_group
from daemon.phrases import phrase
from daemon.whole import whole_file

MAX_PATH = 103
"""Bytes of a socket's path: 104 with the NUL is what macOS takes; Linux takes 4 more."""

BACKLOG = 1024
"""How many may connect before we look: beyond that a client is refused, or hangs. asyncio, if not told, says 100."""


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
