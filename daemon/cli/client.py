"""A blocking JSON-RPC client for the command line, and how it finds the daemon. Standard library only."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from daemon.config import Paths
from daemon.errors import Refusal
from daemon.phrases import phrase


class NotRunning(Refusal):
    """No daemon answers."""

    code = "not_running"


class Silent(NotRunning):
    """Something holds the socket, and says nothing or nothing that we understand."""

    code = "silent"


class Remote(Refusal):
    """The daemon answered with an error."""

    code = "remote"


def ask(paths: Paths, method: str, params: Mapping[str, Any] | None = None, *, timeout_s: float = 10.0) -> Any:
    """Ask the running daemon. Raises NotRunning, Silent, Remote."""
    with Line(paths, timeout_s) as line:
        return line.ask(method, params)


class Line:
    """A connection to the daemon. Use it as a context manager."""

    def __init__(self, paths: Paths, timeout_s: float = 10.0) -> None:
        """Connect. Raises NotRunning, Silent."""
        self._paths = paths
        self._timeout_s = timeout_s
        self._last = 0
        self._heard: deque[Mapping[str, Any]] = deque()
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._lines = self._sock.makefile("rb")
        try:
            with _in_words(paths, timeout_s):
                self._sock.settimeout(timeout_s)
                self._sock.connect(str(address(paths)))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave. Safe to do twice."""
        self._lines.close()
        self._sock.close()

    def ask(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Ask for one thing; what the daemon tells meanwhile is kept for `told`. Raises NotRunning, Silent, Remote."""
        self._last += 1
        request = {"jsonrpc": "2.0", "id": self._last, "method": method, "params": dict(params or {})}
        with _in_words(self._paths, self._timeout_s):
            self._sock.settimeout(self._timeout_s)
            self._sock.sendall(json.dumps(request).encode() + b"\n")
            answer = self._answer()
        return _result(answer)

    def told(self) -> Iterator[Mapping[str, Any]]:
        """The parameters of what the daemon tells by itself, until it ends."""
        while True:
            while self._heard:
                yield self._heard.popleft().get("params") or {}
            try:
                self._sock.settimeout(None)
                line = self._lines.readline()
            except OSError:
                return
            if not line:
                return
            self._heard.append(json.loads(line))

    def _answer(self) -> Mapping[str, Any]:
        """The line with our id. Raises ValueError for what is no JSON-RPC."""
        for line in self._lines:
            message = json.loads(line)
            if not isinstance(message, dict):
                raise ValueError
            if message.get("id") == self._last and ("result" in message or isinstance(message.get("error"), dict)):
                return message
            if "error" in message:  # not even our id was understood
                raise ValueError
            self._heard.append(message)
        raise ConnectionResetError


@contextmanager
def _in_words(paths: Paths, timeout_s: float) -> Iterator[None]:
    """What goes wrong on the way to the daemon, as a refusal that says what to do."""
    where = address(paths)
    try:
        yield
    except (TimeoutError, BlockingIOError):  # the latter: its backlog is full, so it lives and takes nobody
        log = str(paths.log_file)
        raise Silent(phrase("client.slow", where=str(where), seconds=timeout_s, log=log, kill=_pid(paths))) from None
    except ConnectionRefusedError:
        if _held(_lock_beside(where)):
            raise Silent(phrase("client.stopping", where=str(where), kill=_pid(paths))) from None
        raise NotRunning(phrase("client.left_over", where=str(where))) from None
    except (BrokenPipeError, ConnectionResetError):
        raise Silent(phrase("client.closed", where=str(where))) from None
    except OSError as error:
        raise NotRunning(phrase("client.none", where=str(where), why=str(error.strerror or error))) from None
    except ValueError:
        raise Silent(phrase("client.stranger", where=str(where))) from None


def _result(answer: Mapping[str, Any]) -> Any:
    error = answer.get("error")
    if error is None:
        return answer["result"]
    refusal = Remote(str(error.get("message")))
    refusal.facts.update(error.get("data") if isinstance(error.get("data"), dict) else {})
    raise refusal


def address(paths: Paths) -> Path:
    """Where the daemon is: as told, else as it wrote down, else where it would be."""
    if paths.socket_told:
        return paths.socket
    written = _endpoint(paths).get("socket")
    return Path(written) if isinstance(written, str) and os.path.exists(written) else paths.socket


def _endpoint(paths: Paths) -> dict[str, Any]:
    """What the daemon wrote down when it started, or nothing."""
    try:
        written = json.loads(paths.endpoint_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return written if isinstance(written, dict) else {}


def _pid(paths: Paths) -> str:
    """` (kill PID)`, if the daemon at our address wrote its number down."""
    written = _endpoint(paths)
    ours = written.get("socket") == str(address(paths)) and isinstance(written.get("pid"), int)
    return f" (kill {written['pid']})" if ours else ""


def wait_for_end(paths: Paths, timeout_s: float) -> bool:
    """Wait until the daemon at our address has ended; False if it still runs after TIMEOUT_S.

    It holds a lock beside its socket until its last moment; its pid would tell less, since an ended process keeps
    that until its parent asks.
    """
    lock = _lock_beside(address(paths))
    ends = time.monotonic() + timeout_s
    while _held(lock):
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)  # a file lock cannot be waited for with a limit
    return True


def _lock_beside(where: Path) -> Path:
    return where.with_name(where.name + ".lock")


def _held(lock: Path) -> bool:
    """True while somebody holds LOCK."""
    try:
        with lock.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
