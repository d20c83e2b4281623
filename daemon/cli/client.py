"""A blocking JSON-RPC client for the command line, and how it finds the daemon. Standard library only."""

from __future__ import annotations

import json
import os
import time
from _socket import AF_UNIX, SOCK_STREAM, socket  # what `socket` is made of: its enums would double our time
from collections import deque

from daemon import TYPE_CHECKING
from daemon.errors import Refusal
from daemon.phrases import phrase

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import TracebackType
    from typing import Any, Self

    from daemon.config import Folders, Paths

    Places = Folders | Paths


class NotRunning(Refusal):
    """No daemon answers."""

    code = "not_running"


class Silent(NotRunning):
    """Something holds the socket, and says nothing or nothing that we understand."""

    code = "silent"


class Remote(Refusal):
    """The daemon answered with an error."""

    code = "remote"


def ask(paths: Places, method: str, params: Mapping[str, Any] | None = None, *, timeout_s: float = 10.0) -> Any:
    """Ask the running daemon. Raises NotRunning, Silent, Remote."""
    with Line(paths, timeout_s) as line:
        return line.ask(method, params)


class Line:
    """A connection to the daemon. Use it as a context manager."""

    def __init__(self, paths: Places, timeout_s: float = 10.0) -> None:
        """Connect. Raises NotRunning, Silent."""
        self._paths = paths
        self._timeout_s = timeout_s
        self._last = 0
        self._heard: deque[Mapping[str, Any]] = deque()
        self._rest = bytearray()
        self._sock = socket(AF_UNIX, SOCK_STREAM)
        try:
            self._sock.settimeout(timeout_s)
            self._sock.connect(_where(paths))
        except OSError as error:
            self.close()
            raise _in_words(error, paths, timeout_s) from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave. Safe to do twice."""
        self._sock.close()

    def ask(self, method: str, params: Mapping[str, Any] | None = None) -> Any:
        """Ask for one thing; what the daemon tells meanwhile is kept for `told`. Raises NotRunning, Silent, Remote."""
        self._last += 1
        request = {"jsonrpc": "2.0", "id": self._last, "method": method, "params": dict(params or {})}
        try:
            self._sock.settimeout(self._timeout_s)
            self._sock.sendall(json.dumps(request).encode() + b"\n")
            answer = self._answer()
        except (OSError, ValueError) as error:
            raise _in_words(error, self._paths, self._timeout_s) from None
        return _result(answer)

    def told(self) -> Iterator[Mapping[str, Any]]:
        """The parameters of what the daemon tells by itself, until it ends."""
        while True:
            while self._heard:
                yield self._heard.popleft().get("params") or {}
            try:
                self._sock.settimeout(None)
                line = self._line()
            except OSError:
                return
            if not line:
                return
            self._heard.append(json.loads(line))

    def _answer(self) -> Mapping[str, Any]:
        """The line with our id. Raises ValueError for what is no JSON-RPC."""
        while line := self._line():
            message = json.loads(line)
            if not isinstance(message, dict):
                raise ValueError
            if message.get("id") == self._last and ("result" in message or isinstance(message.get("error"), dict)):
                return message
            if "error" in message:  # not even our id was understood
                raise ValueError
            self._heard.append(message)
        raise ConnectionResetError

    def _line(self) -> bytes:
        """The next line; without an end, or empty, when the daemon has closed."""
        looked = 0
        while not (end := self._rest.find(b"\n", looked) + 1):
            looked = len(self._rest)
            if not (piece := self._sock.recv(1 << 16)):
                end = looked
                break
            self._rest += piece
        line = bytes(self._rest[:end])
        del self._rest[:end]
        return line


def _in_words(error: OSError | ValueError, paths: Places, timeout_s: float) -> NotRunning:
    """What went wrong on the way to the daemon, as a refusal that says what to do."""
    where = _where(paths)
    if isinstance(error, TimeoutError | BlockingIOError):  # the latter: its backlog is full, so it lives
        log = str(paths.log_file)
        return Silent(phrase("client.slow", where=where, seconds=timeout_s, log=log, kill=_pid(paths)))
    if isinstance(error, ConnectionRefusedError):
        if _held(where):
            return Silent(phrase("client.stopping", where=where, kill=_pid(paths)))
        return NotRunning(phrase("client.left_over", where=where))
    if isinstance(error, BrokenPipeError | ConnectionResetError):
        return Silent(phrase("client.closed", where=where))
    if isinstance(error, OSError):
        return NotRunning(phrase("client.none", where=where, why=str(error.strerror or error)))
    return Silent(phrase("client.stranger", where=where))


def _result(answer: Mapping[str, Any]) -> Any:
    error = answer.get("error")
    if error is None:
        return answer["result"]
    refusal = Remote(str(error.get("message")))
    refusal.facts.update(error.get("data") if isinstance(error.get("data"), dict) else {})
    raise refusal


def address(paths: Places) -> Path:
    """Where the daemon is: as told, else as it wrote down, else where it would be."""
    from pathlib import Path

    return Path(_where(paths))


def _where(paths: Places) -> str:
    if paths.socket_told:
        return str(paths.socket)
    written = _endpoint(paths).get("socket")
    return written if isinstance(written, str) and os.path.exists(written) else str(paths.socket)


def _endpoint(paths: Places) -> dict[str, Any]:
    """What the daemon wrote down when it started, or nothing."""
    try:
        with open(paths.endpoint_file, encoding="utf-8") as file:
            written = json.load(file)
    except (OSError, ValueError):
        return {}
    return written if isinstance(written, dict) else {}


def _pid(paths: Places) -> str:
    """How to end the daemon at our address, if it wrote its number down."""
    written = _endpoint(paths)
    ours = written.get("socket") == _where(paths) and isinstance(written.get("pid"), int)
    return phrase("client.kill", pid=written["pid"]) if ours else ""


def wait_for_end(paths: Places, timeout_s: float) -> bool:
    """Wait until the daemon at our address has ended; False if it still runs after TIMEOUT_S.

    It holds a lock beside its socket until its last moment; its pid would tell less, since an ended process keeps
    that until its parent asks.
    """
    where = _where(paths)
    ends = time.monotonic() + timeout_s
    while _held(where):
        if time.monotonic() > ends:
            return False
        time.sleep(0.05)  # a file lock cannot be waited for with a limit
    return True


def _held(where: str) -> bool:
    """True while somebody holds the lock beside the socket."""
    import fcntl

    try:
        with open(f"{where}.lock", "rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
