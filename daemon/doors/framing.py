"""JSON lines and Content-Length framing. Bytes in, messages out, no I/O."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from daemon.phrases import phrase

HEADER_LIMIT = 4096
"""Bytes of a frame's header; a longer one is an attack or another protocol."""

_CONTENT_LENGTH = re.compile(rb"(?i)^content-length: *([0-9]{1,15}) *$")
_OTHER_HEADER = re.compile(rb"(?i)^content-type: *[ -~]*$")


class FramingError(Exception):
    """The byte stream cannot be understood; the connection must be closed."""


class Framer:
    """Cuts a byte stream into messages. The first byte decides between lines and frames."""

    def __init__(self, max_message: int) -> None:
        self.max_message = max_message
        self._buffer = bytearray()
        self._scanned = 0
        self.style: Literal["lines", "frames"] | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Take DATA, return the messages that are complete now. Raises FramingError."""
        return list(self.messages(data))

    def messages(self, data: bytes) -> Iterator[bytes]:
        """Take DATA, yield each complete message before the next is looked at: one may change what the next may be.

        Raises FramingError.
        """
        self._buffer += data
        if self.style is None:
            self._buffer = self._buffer.lstrip()
            if not self._buffer:
                return
            self.style = "frames" if self._buffer[0] in b"Cc" else "lines"
        yield from self._lines() if self.style == "lines" else self._frames()

    def pending(self) -> int:
        """Bytes of an unfinished message. Spaces before one are none."""
        return 0 if self._buffer[:16].isspace() else len(self._buffer)

    def wrap(self, message: bytes) -> bytes:
        """Frame an outgoing MESSAGE in the visitor's own style."""
        if self.style == "frames":
            return b"Content-Length: %d\r\n\r\n%b" % (len(message), message)
        return message + b"\n"

    def _lines(self) -> Iterator[bytes]:
        while True:
            end = self._buffer.find(b"\n", self._scanned)
            if end < 0:
                self._scanned = len(self._buffer)
                self._check_size(self._scanned)
                return
            self._check_size(end)
            line = bytes(self._buffer[:end]).strip()
            del self._buffer[: end + 1]
            self._scanned = 0
            if line:
                yield line

    def _frames(self) -> Iterator[bytes]:
        while True:
            head_end = self._buffer.find(b"\r\n\r\n", 0, HEADER_LIMIT)
            if head_end < 0:
                if len(self._buffer) >= HEADER_LIMIT:
                    raise FramingError(phrase("rpc.long_header", most=HEADER_LIMIT))
                return
            length = _length_of(bytes(self._buffer[:head_end]))
            self._check_size(length)
            end = head_end + 4 + length
            if len(self._buffer) < end:
                return
            message = bytes(self._buffer[head_end + 4 : end])
            del self._buffer[:end]
            yield message

    def _check_size(self, size: int) -> None:
        if size > self.max_message:
            raise FramingError(phrase("rpc.long_message", most=self.max_message))


def _length_of(header: bytes) -> int:
    """The one Content-Length of a frame's HEADER."""
    lengths = []
    for line in header.split(b"\r\n"):
        match = _CONTENT_LENGTH.match(line)
        if match:
            lengths.append(int(match[1]))
        elif not _OTHER_HEADER.match(line):
            raise FramingError(phrase("rpc.odd_header"))
    if len(lengths) != 1:
        raise FramingError(phrase("rpc.no_length"))
    return lengths[0]
