"""What goes back to a client, as bytes: a whole answer at once, or a head with the first piece of a body and then piece
by piece. No network, no waiting."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from daemon import __version__
from daemon.doors.parsing import Request
from daemon.model import Headers, noun

_SERVER = f"Server: sluice/{__version__}\r\n"
_REASONS = {status.value: status.phrase for status in HTTPStatus}
_NO_BODY = frozenset({204, 304})
_date: tuple[int, str] = (0, "")


@noun(frozen=True, slots=True)
class Ready:
    """An answer that is whole."""

    status: int
    reason: str
    headers: Headers
    body: bytes


def json_ready(value: Mapping[str, Any], status: int, reason: str = "", headers: Headers = ()) -> Ready:
    """VALUE as a JSON answer."""
    body = json.dumps(value, ensure_ascii=False, default=str).encode("utf-8", "replace") + b"\n"
    fields = (("Content-Type", "application/json"), ("Content-Length", str(len(body))), *headers)
    return Ready(status, reason, fields, body)


class Unsound(Exception):
    """What would be written is not one valid answer: a fault of ours, told in the log."""


class Wording:
    """How one answer to one request is worded: what of it is written, and where its end can be seen."""

    __slots__ = ("_chunked", "_close", "_missing", "_request", "silent")

    def __init__(self, request: Request | None, *, last: bool = False) -> None:
        """REQUEST: None where nobody could be understood. LAST: the connection ends with it."""
        self._request = request
        self._close = last or request is None or not request.keeps
        self._chunked = False
        self._missing = -1
        """Bytes that are promised and not written; -1: nothing is promised."""
        self.silent = False
        """This answer has no body, whatever it says of its length."""

    @property
    def closes(self) -> bool:
        """The connection ends behind this answer."""
        return self._close

    def head(self, status: int, reason: str, headers: Iterable[tuple[str, str]]) -> bytes:
        """The beginning of the answer. Raises Unsound for a field that would be two lines."""
        request, lines = self._request, [f"HTTP/1.1 {status} {reason or _REASONS.get(status, '')}\r\n"]
        self.silent = status in _NO_BODY or (request is not None and request.method == "HEAD")
        dated = served = False
        for name, value in headers:
            lower = name.lower()
            if lower == "content-length":
                self._missing = int(value)
            elif lower == "server":
                served = True
            elif lower == "date":
                dated = True
            lines.append(f"{name}: {value}\r\n")
        if not served:
            lines.append(_SERVER)
        if not dated:
            lines.append(date_line(time.time()))
        if self._missing < 0 and not self.silent:
            if request is not None and request.version == "1.1":
                self._chunked = True
                lines.append("Transfer-Encoding: chunked\r\n")
            else:
                self._close = True  # an old client sees the end of the body by it
        if self._close:
            lines.append("Connection: close\r\n")
        text = "".join(lines)
        if text.count("\n") != len(lines) or text.count("\r") != len(lines):
            raise Unsound("a field with the end of a line in it")
        return f"{text}\r\n".encode("utf-8", "surrogateescape")

    def piece(self, data: bytes) -> bytes:
        """A piece of the body as it is written. Raises Unsound when there is more than was promised."""
        if self.silent or not data:
            return b""
        if self._chunked:
            return b"%x\r\n%b\r\n" % (len(data), data)
        if self._missing >= 0:
            self._missing -= len(data)
            if self._missing < 0:
                raise Unsound("a body that is longer than its length")
        return data

    def end(self) -> bytes:
        """What is written when the body is whole. Raises Unsound when there is less than was promised."""
        if self._missing > 0 and not self.silent:
            raise Unsound("a body that is shorter than its length")
        return b"0\r\n\r\n" if self._chunked else b""

    def whole(self, ready: Ready) -> bytes:
        """READY at once."""
        return self.head(ready.status, ready.reason, ready.headers) + self.piece(ready.body) + self.end()


def date_line(now: float) -> str:
    """The field Date at NOW (seconds since 1970), made once a second (RFC 9110, 6.6.1)."""
    global _date
    second = int(now)
    if second != _date[0]:
        _date = second, time.strftime("Date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(second))
    return _date[1]
