"""What a client sends, read: bytes in; a request, pieces of its body and what follows it out. No network, no time.

Strict, after RFC 9112: whoever reads one request in two ways lets another be smuggled behind it. Lines end in CR LF; a
folded field, a space before the colon, a second length, a length beside chunks and a coding other than `chunked` are
refused, and what follows such a head is not read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from daemon.model import Headers
from daemon.upstream import Broken, Chunks, read_fields

MOST_OF_A_LINE: Final = 16 * 1024
MOST_FIELDS: Final = 128
MOST_OF_A_HEAD: Final = 128 * 1024

_LINE: Final = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}) ([!-~]+) HTTP/([0-9]\.[0-9])")
_BEGINNING: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,32}(?: |\Z)")
_TEXT: Final = bytes(byte for byte in range(256) if byte == 9 or (byte >= 32 and byte != 127))
_LENGTH: Final = re.compile(r"[0-9]{1,18}", re.ASCII)


class NotHttp(Exception):
    """No valid request. `said`: the phrase that tells so; never what was sent, which may hold a key."""

    def __init__(self, said: str = "http.not_http") -> None:
        super().__init__(said)
        self.said = said


@dataclass(slots=True)
class Request:
    """The head of a request, as it came."""

    method: str
    target: str
    """ASCII without spaces, not normalised."""
    version: str
    """`1.1`, or what it claims."""
    headers: Headers
    """In their order, with their case and duplicates."""
    fields: dict[str, str]
    """By the name in small letters: the first of each name; of Connection all, joined by commas."""
    repeated: tuple[str, ...] = ()
    """Names, in small letters, that came more than once."""

    @property
    def keeps(self) -> bool:
        """The client keeps the connection open. One of HTTP/1.0 need not be believed, and is not."""
        said = self.fields.get("connection")
        return self.version == "1.1" and (said is None or "close" not in said.lower())


class RequestParser:
    """Reads one request."""

    __slots__ = ("_chunks", "_left", "_unread", "done", "length", "request", "rest")

    def __init__(self) -> None:
        self._unread = b""
        self._chunks: Chunks | None = None
        self._left = 0
        self.request: Request | None = None
        """Its head, once that is whole."""
        self.length = 0
        """Bytes of the body that were promised; 0 where nobody said how many."""
        self.done = False
        """The body is whole, too."""
        self.rest = b""
        """What came behind it: the next request."""

    def feed(self, data: bytes) -> bytes:
        """Take DATA as it came; return what of the body was in it. Raises NotHttp."""
        if self.request is None:
            data = self._read_head(data)
            if self.request is None:
                return b""
        if self._chunks is None:
            if len(data) > self._left:
                data, self.rest = data[: self._left], data[self._left :]
            self._left -= len(data)
            self.done = not self._left
            return data
        try:
            body, self.done, self.rest = self._chunks.feed(data)
        except Broken:
            raise NotHttp from None
        return body

    def _read_head(self, data: bytes) -> bytes:
        """Read the head; return what follows it, or keep what there is of it."""
        data = self._unread + data if self._unread else data
        at = 0
        while data.startswith(b"\r\n", at):  # 2.2: an empty line before a request is read over
            at += 2
        end = data.find(b"\r\n\r\n", at)
        if end < 0:
            self._unread = data[at:]
            _look_at_the_beginning(self._unread)
            return b""
        self._unread = b""
        self.request = request = read_head(data[at:end])
        self._frame(request)
        return data[end + 4 :]

    def _frame(self, request: Request) -> None:
        """Decide where the body ends (RFC 9112, 6.3)."""
        length, coding = request.fields.get("content-length"), request.fields.get("transfer-encoding")
        if coding is not None:
            if coding.lower() != "chunked" or "transfer-encoding" in request.repeated:
                raise NotHttp("http.encoding")
            if length is not None or request.version == "1.0":
                raise NotHttp
            self._chunks = Chunks()
        elif length is not None:
            if "content-length" in request.repeated or not _LENGTH.fullmatch(length):
                raise NotHttp
            self._left = self.length = int(length)


def read_head(data: bytes) -> Request:
    """The request line and the fields in DATA, which are lines without the empty one. Raises NotHttp."""
    ends = data.count(b"\r\n")
    if data.translate(None, _TEXT) != b"\r\n" * ends:
        raise NotHttp  # a control character, or half an end of a line
    if ends > MOST_FIELDS or len(data) > MOST_OF_A_HEAD:
        raise NotHttp
    try:
        first, *lines = data.decode("utf-8").split("\r\n")
    except UnicodeDecodeError:
        raise NotHttp("http.not_utf8") from None
    if len(data) > MOST_OF_A_LINE and max(map(len, data.split(b"\r\n"))) > MOST_OF_A_LINE:
        raise NotHttp
    line = _LINE.fullmatch(first)
    if line is None:
        raise NotHttp
    try:
        headers, fields, repeated = read_fields(lines)
    except Broken:
        raise NotHttp from None
    return Request(line[1], line[2], line[3], headers, fields, repeated)


def _look_at_the_beginning(data: bytes) -> None:
    """Know early what will never be a head: who sends it may wait for us to speak. Raises NotHttp."""
    ends = data.count(b"\r\n")
    if len(data) > MOST_OF_A_HEAD + 3 or ends > MOST_FIELDS + 1:  # what ends the head may have begun
        raise NotHttp
    if len(data) - data.rfind(b"\r\n") > MOST_OF_A_LINE + 3:
        raise NotHttp
    if data not in (b"", b"\r") and not _BEGINNING.match(data):
        raise NotHttp
    if data.removesuffix(b"\r").translate(None, _TEXT) != b"\r\n" * ends:
        raise NotHttp
