"""systemd, without its library: the socket that it has opened for us, and what it hears of how we are.

Facts from sd_listen_fds(3) and sd_notify(3): descriptors begin at 3; LISTEN_PID says for which process they are, so
that variables which a parent has left behind mean nothing; NOTIFY_SOCKET is a path, or an abstract name after an `@`.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
import time
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Final

from daemon.errors import ConfigError
from daemon.phrases import phrase

FIRST: Final = 3
"""The first descriptor that is handed over."""

_VARIABLES: Final = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def handed_over(environ: MutableMapping[str, str], fd: int = FIRST) -> socket.socket | None:
    """The listening Unix socket that systemd has opened for this process, or None. The variables are taken out of
    ENVIRON, so that no child thinks it is meant. Raises ConfigError for anything but one such socket."""
    pid, count, names = (environ.pop(name, None) for name in _VARIABLES)
    if pid is None or pid != str(os.getpid()):
        return None
    if count != "1" or (names is not None and ":" in names):
        raise ConfigError(phrase("systemd.one", count=str(count)))
    if not _is_socket(fd):
        raise _refused(phrase("systemd.no_socket"))
    sock = socket.socket(fileno=fd)
    sock.set_inheritable(False)
    sock.setblocking(False)
    if why := _why_not(sock):
        sock.detach()  # it is systemd's; our copy goes when we end
        raise _refused(why)
    return sock


def _why_not(sock: socket.socket) -> str | None:
    """What is wrong with a socket, or None."""
    if sock.family != socket.AF_UNIX or sock.type != socket.SOCK_STREAM:
        return phrase("systemd.no_unix")
    if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        return phrase("systemd.no_listener")
    return None if _stands(sock) else phrase("systemd.no_path")


def path_of(sock: socket.socket) -> Path:
    """Where a socket that was handed over stands."""
    return Path(os.fsdecode(sock.getsockname()))


def _is_socket(fd: int) -> bool:
    try:
        return stat.S_ISSOCK(os.fstat(fd).st_mode)
    except OSError:
        return False


def _stands(sock: socket.socket) -> bool:
    """True if it has a path at which a socket is: no abstract one, which has no folder that keeps others out."""
    name = os.fsencode(sock.getsockname())
    if not name.startswith(b"/"):
        return False
    try:
        return stat.S_ISSOCK(os.lstat(name).st_mode)
    except OSError:
        return False


def _refused(why: str) -> ConfigError:
    return ConfigError(phrase("systemd.refused", why=why))


class Notifier:
    """Tells systemd how we are. Without NOTIFY_SOCKET it does nothing, and it never raises."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self.watchdog_s = _watchdog_s(environ)
        """Within how many seconds it must hear from us; None where WatchdogSec is not set for us."""

    def ready(self, status: str) -> None:
        """We accept calls. STATUS is one line for `systemctl status`."""
        self.send("READY=1", f"STATUS={_line(status)}")

    def reloading(self) -> None:
        """We read the configuration again; `ready` ends that."""
        self.send("RELOADING=1", f"MONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self, status: str) -> None:
        """We end."""
        self.send("STOPPING=1", f"STATUS={_line(status)}")

    def alive(self) -> None:
        """Feed the watchdog, where there is one."""
        if self.watchdog_s is not None:
            self.send("WATCHDOG=1")

    def send(self, *lines: str) -> None:
        """Send LINES as one datagram, without waiting."""
        if self._address[:1] not in ("/", "@"):
            return
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            sock.sendto("\n".join(lines).encode("utf-8", "replace"), address)


def _watchdog_s(environ: Mapping[str, str]) -> float | None:
    usec, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID")
    if not usec.isdecimal() or int(usec[:18]) == 0 or pid not in (None, str(os.getpid())):
        return None
    return int(usec[:18]) / 1e6


def _line(text: str) -> str:
    return " ".join(text.split())
