"""The pieces of a body whose length is not said beforehand (RFC 9112, 7.1)."""

from __future__ import annotations

import re
from typing import Final

_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")
_TRAILER: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\x00-\x08\x0a-\x1f\x7f]*")
_MOST_OF_A_SIZE: Final = 4096
_MOST_OF_A_TRAILER: Final = 16 * 1024
_MOST_TRAILERS: Final = 128


class Broken(Exception):
    """Not valid HTTP. `before`: what of the body came before that. `rule`: which it breaks (`fault.broken_RULE`)."""

    def __init__(self, before: bytes = b"", rule: str = "chunk") -> None:
        super().__init__()
        self.before = before
        self.rule = rule


class Chunks:
    """Takes the framing off."""

    __slots__ = ("_left", "_rest", "_trailers")

    def __init__(self) -> None:
        self._rest = b""
        self._left = 0
        """Bytes to come of this chunk, and the CR LF behind it; 0: a line with a size is next."""
        self._trailers = -1
        """How many came; -1: the last chunk has not come."""

    def feed(self, data: bytes) -> tuple[bytes, bool, bytes]:
        """The body in DATA, whether it is whole now, and what follows it then. Raises Broken."""
        data = self._rest + data if self._rest else data
        pieces: list[bytes] = []
        try:
            at, done = self._read(data, pieces)
        except Broken:
            raise Broken(b"".join(pieces)) from None
        rest, self._rest = (data[at:], b"") if done else (b"", data[at:])
        return (pieces[0] if len(pieces) == 1 else b"".join(pieces)), done, rest

    def _read(self, data: bytes, pieces: list[bytes]) -> tuple[int, bool]:
        """Put what is in DATA into PIECES; how far it was read, and whether the end is there."""
        at, end = 0, len(data)
        while at < end:
            if self._left:
                at = self._take(data, at, pieces)
                if self._left:
                    break
                continue
            line_end = data.find(b"\r\n", at)
            if line_end < 0:
                self._short_enough(data, at)
                break
            line, at = data[at:line_end], line_end + 2
            if self._trailers >= 0:
                if not line:
                    return at, True
                self._take_trailer(line)
            else:
                self._begin(line)
        return at, False

    def _take(self, data: bytes, at: int, pieces: list[bytes]) -> int:
        """Take what there is of a chunk from AT on; return where that ends."""
        if self._left > 2:
            piece = data[at : at + self._left - 2]
            pieces.append(piece)
            at += len(piece)
            self._left -= len(piece)
        if self._left == 2:
            mark = data[at : at + 2]
            if not b"\r\n".startswith(mark):
                raise Broken
            if len(mark) == 2:
                self._left = 0
                at += 2
        return at

    def _begin(self, line: bytes) -> None:
        size = _SIZE.fullmatch(line)
        if size is None or len(line) > _MOST_OF_A_SIZE:
            raise Broken
        length = int(size[1], 16)
        if length:
            self._left = length + 2
        else:
            self._trailers = 0

    def _take_trailer(self, line: bytes) -> None:
        """A field behind the body. Nobody waits for one; it is looked at, since a head may hide here, and dropped."""
        self._trailers += 1
        if self._trailers > _MOST_TRAILERS or len(line) > _MOST_OF_A_TRAILER or not _TRAILER.fullmatch(line):
            raise Broken

    def _short_enough(self, data: bytes, at: int) -> None:
        """Raise Broken for the beginning of a line that is too long, or can never be a size."""
        most = _MOST_OF_A_TRAILER if self._trailers >= 0 else _MOST_OF_A_SIZE
        line = data[at : at + most + 1].removesuffix(b"\r")
        if len(line) > most or (self._trailers < 0 and line and not _SIZE.fullmatch(line)):
            raise Broken
