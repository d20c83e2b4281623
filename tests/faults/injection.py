"""Lets the n-th system call of this process fail, as SQLite's own tests do: n = 1, 2, … until a run passes untouched.

What is wrapped are the few doors through which the daemon's Python reaches the system: files and what is written to
them, renames, locks, sockets, SQLite. The threads of a test's own visitors are left alone.
"""

from __future__ import annotations

import builtins
import errno
import fcntl
import io
import os
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ERRORS: dict[str, int] = {
    "open": errno.EMFILE,
    "write": errno.ENOSPC,
    "pwrite": errno.ENOSPC,
    "fsync": errno.EIO,
    "rename": errno.ENOSPC,
    "replace": errno.ENOSPC,
    "mkdir": errno.ENOSPC,
    "unlink": errno.EIO,
    "remove": errno.EIO,
    "chmod": errno.EPERM,
    "fchmod": errno.EPERM,
    "ftruncate": errno.EIO,
}
"""Functions of `os`, and what each says when it fails."""

SOCKET_ERRORS: dict[str, int] = {
    "bind": errno.EADDRNOTAVAIL,
    "listen": errno.EADDRINUSE,
    "accept": errno.ECONNABORTED,
    "connect": errno.EMFILE,
}

_visitor = threading.local()


@contextmanager
def spared() -> Iterator[None]:
    """Within, this thread's calls neither count nor fail: it belongs to the test."""
    before, _visitor.spared = getattr(_visitor, "spared", False), True
    try:
        yield
    finally:
        _visitor.spared = before


@dataclass
class Faults:
    """Counts the calls that could fail, and lets number AT fail; 0: none."""

    at: int = 0
    count: int = 0
    failed: str = ""
    """The call that failed, or nothing when there were fewer."""
    kind: str = ""
    """Of the call that failed."""
    kinds: dict[str, int] = field(default_factory=dict)
    """How many of each kind were counted."""
    files: set[str] = field(default_factory=set)
    """The names, without their folders, of the files that were written."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def point(self, kind: str, detail: object = "") -> bool:
        """One more call; True if it is the one that fails."""
        if getattr(_visitor, "spared", False):
            return False
        with self._lock:
            self.count += 1
            self.kinds[kind] = self.kinds.get(kind, 0) + 1
            if self.count != self.at:
                return False
            self.kind, self.failed = kind, f"{kind} {detail!r:.120}"
            return True

    def written(self, file: str) -> bool:
        """One more write to FILE by a file object; True if it is the one that fails."""
        if getattr(_visitor, "spared", False):
            return False
        with self._lock:
            self.files.add(Path(file).name)
        return self.point("file write", Path(file).name)


def _failing(
    faults: Faults, kind: str, number: int, original: Callable[..., Any], first: int = 0
) -> Callable[..., Any]:
    def call(*given: Any, **more: Any) -> Any:
        if faults.point(kind, given[first] if len(given) > first else ""):
            raise OSError(number, os.strerror(number))
        return original(*given, **more)

    return call


class _Raw(io.FileIO):
    """The lowest layer of a file object: each of its writes is a system call, and may find the disk full."""

    def __init__(self, faults: Faults, file: Any, mode: str, closefd: bool, opener: Any) -> None:
        super().__init__(file, mode, closefd=closefd, opener=opener)
        self._faults = faults
        self._where = os.readlink(f"/proc/self/fd/{self.fileno()}")

    def write(self, data: Any) -> int | None:
        """As the system does it, or a full disk."""
        if self._faults.written(self._where):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return super().write(data)


def _opener(faults: Faults) -> Callable[..., Any]:
    """`open`: a system call for a name alone, not around a descriptor. What it makes for writing may fail at each write
    of its lowest layer: so what is buffered fails where it really would, at a flush or at the close."""
    original = io.open

    def opened(
        file: Any, mode: str = "r", buffering: int = -1, encoding: Any = None, errors: Any = None, newline: Any = None,
        closefd: bool = True, opener: Any = None,
    ) -> Any:  # fmt: skip
        if not isinstance(file, int) and faults.point("open", file):
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        if not set(mode) & set("wax+"):
            return original(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = _Raw(faults, file, mode.replace("b", "").replace("t", ""), closefd, opener)
        if buffering == 0:
            return raw
        layer: Any = (io.BufferedRandom if "+" in mode else io.BufferedWriter)(raw)
        return layer if "b" in mode else io.TextIOWrapper(layer, encoding, errors, newline, buffering == 1)

    return opened


def _connection(faults: Faults) -> type[sqlite3.Connection]:
    def refused(what: str, sql: str) -> None:
        if faults.point(f"sqlite {what}", " ".join(sql.split())[:60]):
            error = sqlite3.OperationalError("disk I/O error")
            error.sqlite_errorcode = sqlite3.SQLITE_IOERR
            raise error

    class Failing(sqlite3.Connection):
        """A connection whose statements may fail."""

        def execute(self, sql: str, *given: Any) -> sqlite3.Cursor:
            refused("execute", sql)
            return super().execute(sql, *given)

        def executemany(self, sql: str, *given: Any) -> sqlite3.Cursor:
            refused("executemany", sql)
            return super().executemany(sql, *given)

        def executescript(self, sql: str) -> sqlite3.Cursor:
            refused("executescript", sql)
            return super().executescript(sql)

    return Failing


@contextmanager
def injected(at: int = 0) -> Iterator[Faults]:
    """Within, call number AT fails; all are counted."""
    faults = Faults(at)
    undo: list[tuple[Any, str, Any, bool]] = []

    def put(owner: Any, name: str, value: Any) -> None:
        undo.append((owner, name, getattr(owner, name), name in vars(owner)))
        setattr(owner, name, value)

    for name, number in ERRORS.items():
        put(os, name, _failing(faults, name, number, getattr(os, name)))
    put(fcntl, "flock", _failing(faults, "flock", errno.ENOLCK, fcntl.flock))
    opener = _opener(faults)
    put(io, "open", opener)
    put(builtins, "open", opener)
    for name, number in SOCKET_ERRORS.items():
        put(socket.socket, name, _failing(faults, name, number, getattr(socket.socket, name), first=1))
    connection, connect = _connection(faults), sqlite3.connect

    def connected(*given: Any, **more: Any) -> sqlite3.Connection:
        if faults.point("sqlite connect", given[0]):
            raise sqlite3.OperationalError("unable to open database file")
        return connect(*given, **{"factory": connection, **more})

    put(sqlite3, "connect", connected)
    try:
        yield faults
    finally:
        for owner, name, value, own in reversed(undo):
            if own:
                setattr(owner, name, value)
            else:
                delattr(owner, name)
