"""Where we stand while we serve: our locks, and our socket's file. Both are files that somebody may delete."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from daemon.doors import rundir
from daemon.errors import ConfigError
from daemon.owner import mode_for_others
from daemon.phrases import phrase


class Standing:
    """Our place, which can be looked after, given away, and taken back.

    The locks say who runs; the socket's file only says where. So the file is made again when it is gone, but only by
    who holds the locks.
    """

    def __init__(
        self,
        path: Path,
        locks: Sequence[rundir.Lock],
        *,
        given: bool = False,
        bind: Callable[[Path], socket.socket] = partial(rundir.bind, over_living=True),  # noqa: B008 - it has no state
    ) -> None:
        """PATH is our socket's. GIVEN: systemd has made it, so it is not ours to make again, nor to give away."""
        self.given = given
        self.path = path
        self._locks = list(locks)
        self._bind = bind
        self._inode = _inode(path)
        self.free = False
        """True while our locks are free, for whoever wants our place."""

    def look(self) -> socket.socket | None:
        """See that we still stand here. A lock file that is gone is made again; for a socket file that is gone or
        another's, a new socket is returned that listens there. Raises AlreadyRunning when somebody else holds a lock
        now, and ConfigError when the socket cannot be made again."""
        for lock in self._locks:
            if not self.free and not lock.intact():
                lock.renew()
        if self.free or _inode(self.path) == self._inode:
            return None
        if self.given:
            raise ConfigError(phrase("systemd.gone", place=str(self.path)))
        sock = self._bind(self.path)
        self._inode = _inode(self.path)
        return sock

    def open_to_others(self) -> str:
        """The mode of our socket's file if others may open it, as people write it; empty if only we may."""
        try:
            return mode_for_others(os.lstat(self.path))
        except OSError:
            return ""

    def forget(self) -> None:
        """The socket that we made is of no use: the next look makes another."""
        self._inode = None

    def release(self) -> None:
        """Free the locks. We may go on serving, until somebody has taken them."""
        self.free = True
        for lock in self._locks:
            lock.release()

    def regain(self) -> None:
        """Take the locks again. Raises AlreadyRunning."""
        for lock in self._locks:
            lock.renew()
        self.free = False

    def end(self) -> None:
        """Remove our socket file, unless a newer daemon has put its own there, and free the locks. Idempotent."""
        if not self.given and self._inode is not None and _inode(self.path) == self._inode:
            with contextlib.suppress(OSError):
                self.path.unlink()
        for lock in self._locks:
            lock.release()


def _inode(path: Path) -> tuple[int, int] | None:
    """Which file is there; None if there is none."""
    try:
        about = os.lstat(path)
    except OSError:
        return None
    return about.st_dev, about.st_ino
