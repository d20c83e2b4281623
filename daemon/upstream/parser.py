"""What a provider sends, read: bytes in; a head, pieces of a body and an end out. No network, no time.

Strict, after RFC 9112: whoever reads a length in two ways can be made to take one answer for two. Lines of a head may
end in LF alone, as 2.2 there allows and old servers do; a folded field, a space before the colon, a second length and a
length beside chunks are refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NoReturn

from daemon.model import Headers, noun
from daemon.upstream.chunked import Broken, Chunks
from daemon.upstream.fields import read_fields

MOST_INTERIM: Final = 1000
"""Interim answers (1xx) before the real one. A provider that works long may send one every few seconds."""
MOST_FIELDS: Final = 128
MOST_OF_A_FIELD: Final = 16 * 1024
MOST_OF_A_HEAD: Final = 128 * 1024

_END: Final = re.compile(rb"\n\r?\n")
_STATUS: Final = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: (.*))?")
_BEGINNING: Final = b"HTTP/1."
_CONTROL: Final = re.compile(rb"[\x00-\x08\x0b-\x1f\x7f]")
_LENGTH: Final = re.compile(r"[0-9]{1,18}")


@noun(frozen=True, slots=True)
class Head:
    """The beginning of an answer."""

    status: int
    reason: str
    headers: Headers
    """In their order, with their case and duplicates."""
    fields: Mapping[str, str]
    """By the name in small letters: the first of each name; of Connection all, joined by commas."""
    repeated: tuple[str, ...] = ()
    """Names, in small letters, that came more than once."""


class AnswerParser:
    """Reads the answer to one request."""

    __slots__ = ("_chunks", "_interim", "_left", "_method", "_rest", "broken", "done", "excess", "head", "keep", "rule")

    def __init__(self, method: str) -> None:
        """METHOD: of the request; an answer to HEAD has no body, nor has a tunnel that CONNECT opened."""
        self._method = method
        self._rest = b""
        self._interim = 0
        self._chunks: Chunks | None = None
        self._left = 0
        """Bytes of the body that are still to come; -1: until the connection ends."""
        self.head: Head | None = None
        self.done = False
        self.broken = False
        """What came is not valid HTTP; nothing more is read."""
        self.rule = ""
        """Which rule it breaks: a phrase `fault.broken_RULE`."""
        self.keep = False
        """The other side keeps the connection open."""
        self.excess = False
        """Bytes came that no answer was asked for."""

    def feed(self, data: bytes) -> bytes:
        """Take DATA as it came; return what of the body was in it."""
        if self.broken:
            return b""
        try:
            if self.head is None:
                data = self._read_head(data)
                if self.head is None:
                    return b""
            return self._read_body(data)
        except Broken as error:
            self.broken, self.rule = True, error.rule
            return error.before

    def end(self) -> None:
        """The connection ended."""
        if self.head is not None and self._chunks is None and self._left < 0:
            self.done = True

    # ---- body

    def _read_body(self, data: bytes) -> bytes:
        if self.done:
            self.excess = self.excess or bool(data)
            return b""
        if self._chunks is not None:
            data, self.done, rest = self._chunks.feed(data)
            self.excess = bool(rest)
            return data
        if self._left < 0:
            return data
        if len(data) > self._left:
            data, self.excess = data[: self._left], True
        self._left -= len(data)
        self.done = not self._left
        return data

    # ---- head

    def _read_head(self, data: bytes) -> bytes:
        """Read up to the first head that is no interim answer; return what follows it."""
        data = self._rest + data if self._rest else data
        at = 0
        while True:
            while data.startswith((b"\r\n", b"\n"), at):  # 2.2: an empty line before an answer is read over
                at += 2 if data[at] == 13 else 1
            end = _END.search(data, at)
            if end is None:
                self._rest = data[at:]
                self._look_at_the_beginning(self._rest)
                return b""
            head, version = _head(data[at : end.start()])
            at = end.end()
            if head.status >= 200:
                break
            self._interim += 1
            if head.status == 101 or self._interim > MOST_INTERIM:  # 101: nobody asked for another protocol
                _broken("protocol" if head.status == 101 else "interim")
        self._rest = b""
        self._frame(head, version)
        self.head = head
        return data[at:]

    def _look_at_the_beginning(self, rest: bytes) -> None:
        """Know early what will never be an answer: who sends it may wait for us to speak."""
        if not (rest == b"\r" or rest.startswith(_BEGINNING[: len(rest)])):
            _broken("status")
        if len(rest) > MOST_OF_A_HEAD:
            _broken("head")
        if len(rest) > MOST_OF_A_FIELD and len(rest) - rest.rfind(b"\n") > MOST_OF_A_FIELD:
            _broken("field")

    def _frame(self, head: Head, version: str) -> None:
        """Decide where the body ends (RFC 9112, 6.3)."""
        get, repeated = head.fields.get, head.repeated
        length, coding = get("content-length"), get("transfer-encoding")
        if length is not None and (coding is not None or not _LENGTH.fullmatch(length)):
            _broken("length")
        if "content-length" in repeated or "transfer-encoding" in repeated:
            _broken("length")
        if coding is not None and coding.lower() != "chunked":
            _broken("coding")
        keep = get("connection", "").lower()
        self.keep = "close" not in keep if version == "1" else "keep-alive" in keep
        method = self._method
        if method == "HEAD" or head.status in (204, 304) or (method == "CONNECT" and head.status < 300):
            self.done = True
        elif coding is not None:
            self._chunks = Chunks()
        elif length is not None:
            self._left = int(length)
            self.done = not self._left
        else:
            self._left, self.keep = -1, False


def _head(data: bytes) -> tuple[Head, str]:
    """The head in DATA, and the minor version. Raises Broken."""
    data = data.removesuffix(b"\r").replace(b"\r\n", b"\n")
    if len(data) > MOST_OF_A_HEAD or _CONTROL.search(data):
        _broken("head" if len(data) > MOST_OF_A_HEAD else "control")
    first, *lines = data.decode("utf-8", "surrogateescape").split("\n")
    status = _STATUS.fullmatch(first)
    if status is None or len(lines) > MOST_FIELDS:
        _broken("status" if status is None else "fields")
    if len(data) > MOST_OF_A_FIELD and max(map(len, data.split(b"\n"))) > MOST_OF_A_FIELD:
        _broken("field")
    headers, fields, repeated = read_fields(lines)
    return Head(int(status[2]), status[3] or "", headers, fields, repeated), status[1]


def _broken(rule: str) -> NoReturn:
    raise Broken(rule=rule)
