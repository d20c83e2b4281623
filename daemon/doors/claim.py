"""What a daemon must hold before it serves: a folder that is its own, and the locks. Or another daemon's leave."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import socket
import stat
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from daemon.doors import rundir
from daemon.errors import ConfigError, Refusal
from daemon.phrases import phrase

LEAVE_S: Final = 10.0
"""How long the daemon that runs may take to answer the one that wants its place."""

_PAUSE_S: Final = 0.02

_OURS: Final = ("bodies", "log", "sandbox", "cache", "run")
"""Folders that Sluice makes in its own."""


class Taken(Refusal):
    """Another daemon holds this socket or this state."""

    code = "already_running"


def own_folder(folder: Path, option: str, example: str) -> None:
    """A folder that nobody else enters. Raises ConfigError that names the OPTION which chooses another."""
    with contextlib.suppress(OSError):
        place, below, about = str(folder), str(folder / example), folder.stat()
        if about.st_mode & stat.S_ISVTX:  # /tmp: nobody should be told to make that private
            raise ConfigError(phrase("door.for_all", folder=place, option=option, example=below))
        if about.st_mode & 0o077 and about.st_uid == os.geteuid() and lived_in(folder):
            mode = f"{stat.S_IMODE(about.st_mode):04o}"
            raise ConfigError(phrase("door.lived_in", folder=place, mode=mode, option=option, example=below))
    rundir.prepare_folder(folder, option)


def lived_in(folder: Path) -> bool:
    """True for the home, and for a folder with others in it that we do not make: who closes those may shut out more
    than he wants to."""
    with contextlib.suppress(RuntimeError):
        if folder == Path.home():
            return True
    return any(one.is_dir() and one.name not in _OURS for one in folder.iterdir())


def locks(state_dir: Path, sock: Path, endpoint_file: Path, patience_s: float = 0.0) -> list[rundir.Lock]:
    """One daemon for a state and for a socket: both locks, or none. Raises Taken with what to do, when PATIENCE_S have
    passed."""
    ends = time.monotonic() + patience_s
    while True:
        try:
            return _both(state_dir, sock, endpoint_file)
        except Taken:
            if time.monotonic() >= ends:
                raise
        time.sleep(_PAUSE_S)  # a file lock cannot be waited for with a limit


def _both(state_dir: Path, sock: Path, endpoint_file: Path) -> list[rundir.Lock]:
    state = (state_dir / "lock", rundir.read_endpoint(endpoint_file), phrase("taken.state", place=str(state_dir)))
    place = (sock.with_name(sock.name + ".lock"), sock, phrase("taken.socket", place=str(sock)))
    held: list[rundir.Lock] = []
    try:
        for lock, where, what in (state, place):
            held.append(_lock(lock, where, what))
    except BaseException:
        for one in held:
            one.release()
        raise
    return held


def _lock(file: Path, where: Path | None, what: str) -> rundir.Lock:
    try:
        return rundir.Lock(file)
    except rundir.AlreadyRunning as running:
        at = f" --socket {shlex.quote(str(where))}" if where else ""
        raise Taken(phrase("taken.already", pid=str(running.pid or "?"), what=what, at=at)) from None


class Former:
    """The daemon whose place we take. It keeps its place when this connection ends before `leave` was said."""

    def __init__(self, sockets: list[Path], timeout_s: float = LEAVE_S) -> None:
        """Connect to the first of SOCKETS at which one answers. Raises Taken when none does."""
        self._timeout_s = timeout_s
        self._sock = self._connected(sockets)
        self._lines = self._sock.makefile("rb")
        self._number = 0

    def listens_at(self, url: str) -> bool:
        """True if URL is where it can be reached by TCP. Raises Taken when it does not say."""
        return bool(self._ask("hello").get("listen") == url)

    def release(self) -> None:
        """Let it free its locks; it goes on serving. Raises Taken when it will not."""
        self._ask("hand_over", done=False)

    def leave(self) -> None:
        """We serve where it did: it may let its calls end, and go. Raises Taken."""
        self._ask("hand_over", done=True)

    def close(self) -> None:
        """Hang up. Idempotent."""
        self._lines.close()
        self._sock.close()

    def _connected(self, sockets: list[Path]) -> socket.socket:
        for path in sockets:
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(self._timeout_s)
            try:
                sock.connect(str(path))
            except OSError:
                sock.close()
            else:
                return sock
        raise Taken(phrase("taken.silent", where=", ".join(map(str, sockets))))

    def _ask(self, method: str, **params: Any) -> Mapping[str, Any]:
        self._number += 1
        request = {"jsonrpc": "2.0", "id": self._number, "method": method, "params": params}
        try:
            self._sock.sendall(json.dumps(request).encode() + b"\n")
            answer = json.loads(self._lines.readline())
        except (OSError, ValueError) as error:
            raise Taken(phrase("taken.kept", why=str(error) or type(error).__name__)) from None
        if "error" in answer:
            raise Taken(phrase("taken.kept", why=str(answer["error"].get("message"))))
        result: Mapping[str, Any] = answer.get("result") or {}
        return result

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
