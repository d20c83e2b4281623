"""A blocking JSON-RPC client for the command line, and how it finds the daemon. Standard library only."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

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
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params or {})}
    where = address(paths)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(timeout_s)
            sock.connect(str(where))
            sock.sendall(json.dumps(request).encode() + b"\n")
            answer = _answer(sock)
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
    return _result(answer)


def _answer(sock: socket.socket) -> Mapping[str, Any]:
    """The line with our id; notifications are passed over. Raises ValueError for what is no JSON-RPC."""
    with sock.makefile("rb") as lines:
        for line in lines:
            message = json.loads(line)
            if not isinstance(message, dict):
                raise ValueError
            if message.get("id") == 1 and ("result" in message or isinstance(message.get("error"), dict)):
                return message
            if "error" in message:  # not even our id was understood
                raise ValueError
    raise ConnectionResetError


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
