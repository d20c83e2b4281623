"""A blocking JSON-RPC client for the command line, and how it finds the daemon. Standard library only."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from daemon.config import Paths
from daemon.errors import Refusal


class NotRunning(Refusal):
    """No daemon answers."""

    code = "not_running"


class Remote(Refusal):
    """The daemon answered with an error."""

    code = "remote"


def ask(paths: Paths, method: str, params: Mapping[str, Any] | None = None, *, timeout_s: float = 10.0) -> Any:
    """Ask the running daemon. Raises NotRunning, Remote."""
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": dict(params or {})}
    where = address(paths)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(timeout_s)
            sock.connect(str(where))
            sock.sendall(json.dumps(request).encode() + b"\n")
            answer = _answer(sock)
    except TimeoutError:
        raise NotRunning(f"the daemon at {where} did not answer in {timeout_s:g} s; look at its log") from None
    except OSError as error:
        raise NotRunning(
            f"no daemon answers at {where} ({error.strerror or error}); start it with `daemon`, or `make run`"
        ) from None
    if "error" in answer:
        raise Remote(str(answer["error"].get("message")), **dict(answer["error"].get("data") or {}))
    return answer["result"]


def _answer(sock: socket.socket) -> Mapping[str, Any]:
    """The line with our id; notifications are passed over."""
    with sock.makefile("rb") as lines:
        for line in lines:
            message = json.loads(line)
            if message.get("id") == 1:
                return dict(message)
    raise ConnectionResetError("it closed the connection")


def address(paths: Paths) -> Path:
    """Where the daemon is: as told, else as it wrote down, else where it would be."""
    if paths.socket_told:
        return paths.socket
    try:
        written = json.loads(paths.endpoint_file.read_text(encoding="utf-8"))
        if os.path.exists(written["socket"]):
            return Path(str(written["socket"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    return paths.socket
