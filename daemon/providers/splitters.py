"""Takes streams apart into events: SSE, JSON one after another (array, lines or a single document), AWS frames.

Each splitter is fed chunks that may end anywhere, even within a character, and holds at most MAX_EVENT bytes: a longer
event is passed over and `lost` says so. Nothing here raises, whatever comes.
"""

from __future__ import annotations

import re
from typing import Final, Protocol

MAX_EVENT: Final = 1 << 20
_IN_STRING: Final = re.compile(rb'["\\]')
_OUTSIDE: Final = re.compile(rb'["{}\[\]]')

Event = tuple[str, bytes]
"""(name, payload); the name is empty where the framing knows none."""


class Splitter(Protocol):
    """One framing."""

    lost: bool
    """An event was too long to be read."""
    closed: bool
    """The framing itself said that nothing more comes."""

    def feed(self, chunk: bytes) -> list[Event]:
        """Take a chunk; return the events that it completes."""

    def pending(self) -> list[Event]:
        """What would be an event if the stream ended here. Changes nothing."""


def splitter_for(start: bytes) -> Splitter | None:
    """The splitter for a stream that begins with START, or None while only white space has come.

    Only the bytes are asked: gptel's Gemini gets a JSON array, Ollama's clients JSON lines, everybody else SSE, and
    relays answer with one JSON document where a stream was asked for.
    """
    start = start.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    if not start:
        return None
    if start[:1] in (b"{", b"["):
        return JsonSplitter()
    return FrameSplitter() if start[0] == 0 else SseSplitter()


class SseSplitter:
    """Server-sent events (WHATWG HTML, section 9.2): lines end in CR, LF or both; an empty line ends an event."""

    def __init__(self) -> None:
        self.lost = False
        self.closed = False
        self._line: list[bytes] = []
        self._line_size = 0
        self._after_cr = False
        self._name = ""
        self._data: list[bytes] = []
        self._data_size = 0

    def feed(self, chunk: bytes) -> list[Event]:
        if self._after_cr and chunk[:1] == b"\n":
            chunk = chunk[1:]
            self._after_cr = False
        if chunk:
            self._after_cr = chunk.endswith(b"\r")
        if b"\r" in chunk:
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        first, *rest = chunk.split(b"\n")
        self._hold(first)
        if not rest:
            return []
        events: list[Event] = []
        lines = [self._whole_line(), *rest[:-1]]
        self._hold(rest[-1])
        for line in lines:
            if line:
                self._take(line)
            elif event := self._event():
                events.append(event)
                self._name, self._data, self._data_size = "", [], 0
        return events

    def pending(self) -> list[Event]:
        line = b"".join(self._line)
        data = [*self._data, line[5:].removeprefix(b" ")] if line.startswith(b"data:") else self._data
        return [(self._name, b"\n".join(data))] if data else []

    def _hold(self, piece: bytes) -> None:
        """Keep a piece of an unfinished line, as long as the line is not too long."""
        self._line_size += len(piece)
        if self._line_size > MAX_EVENT:
            self.lost = True
            self._line.clear()
        elif piece:
            self._line.append(piece)

    def _whole_line(self) -> bytes:
        line = b"" if self._line_size > MAX_EVENT else b"".join(self._line)
        too_long = self._line_size > MAX_EVENT
        self._line, self._line_size = [], 0
        return b":" if too_long else line  # a comment in its place: an empty line would end the event early

    def _take(self, line: bytes) -> None:
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            self._data_size += len(value)
            if self._data_size > MAX_EVENT:
                self.lost = True
                self._data = []
            else:
                self._data.append(value)
        elif name == b"event":
            self._name = value[:100].decode("utf-8", "replace")

    def _event(self) -> Event | None:
        return (self._name, b"\n".join(self._data)) if self._data else None


class JsonSplitter:
    """JSON objects one after another: in an array, on lines, or only one."""

    def __init__(self) -> None:
        self.lost = False
        self.closed = False
        self._array = False
        self._depth = 0
        self._in_string = False
        self._escaped = False
        self._held: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[Event]:
        events: list[Event] = []
        position, start = 0, 0
        if self._escaped and chunk:
            self._escaped, position = False, 1
        while True:
            match = (_IN_STRING if self._in_string else _OUTSIDE).search(chunk, position)
            if match is None:
                break
            position = match.end()
            sign = match[0]
            if sign == b"\\":
                position += 1
                self._escaped = position > len(chunk)
            elif sign == b'"':
                self._in_string = not self._in_string
            elif sign in (b"{", b"["):
                start = self._open(sign, match.start(), start)
            elif self._close(sign):
                self._hold(chunk[start:position])
                events.extend(self._finished())
        if self._depth:
            self._hold(chunk[start:])
        return events

    def pending(self) -> list[Event]:
        return []

    def _open(self, sign: bytes, here: int, start: int) -> int:
        """Go one level down; return where the present object starts in this chunk."""
        if self._depth == 0 and sign == b"[" and not self._array:
            self._array = True
            return start
        self._depth += 1
        return here if self._depth == 1 else start

    def _close(self, sign: bytes) -> bool:
        """Go one level up; whether this ended an object."""
        if self._depth == 0:
            self.closed = self.closed or (self._array and sign == b"]")
            return False
        self._depth -= 1
        return self._depth == 0

    def _hold(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > MAX_EVENT:
            self.lost = True
            self._held.clear()
        else:
            self._held.append(piece)

    def _finished(self) -> list[Event]:
        whole = b"".join(self._held)
        kept = self._size <= MAX_EVENT
        self._held, self._size = [], 0
        if not self._array:
            self.closed = True  # a document is whole; a further JSON line only repeats that
        return [("", whole)] if kept else []


class FrameSplitter:
    """AWS event stream frames (application/vnd.amazon.eventstream), as Bedrock's converse-stream sends them.

    A frame: total length, header length, checksum (4 bytes each), headers, payload, checksum. The checksums are the
    client's business. The event's name is the `:event-type` or `:exception-type` header.
    """

    def __init__(self) -> None:
        self.lost = False
        self.closed = False
        self._held = bytearray()
        self._skip = 0

    def feed(self, chunk: bytes) -> list[Event]:
        if self._skip:
            skipped = min(self._skip, len(chunk))
            self._skip -= skipped
            chunk = chunk[skipped:]
        self._held += chunk
        events: list[Event] = []
        while len(self._held) >= 12 and not self._skip:
            total = int.from_bytes(self._held[:4], "big")
            headers = int.from_bytes(self._held[4:8], "big")
            if total < 16 or headers > total - 16 or total > MAX_EVENT:
                self._pass_over(total)
            elif len(self._held) < total:
                break
            else:
                events.append(_frame(bytes(self._held[:total]), headers))
                del self._held[:total]
        return events

    def pending(self) -> list[Event]:
        return []

    def _pass_over(self, total: int) -> None:
        """Skip a frame that is too long; of bytes that are no frames, skip everything."""
        self.lost = True
        total = total if total > MAX_EVENT else 1 << 62
        self._skip = max(0, total - len(self._held))
        del self._held[:total]


def _frame(frame: bytes, header_size: int) -> Event:
    payload = frame[12 + header_size : -4]
    names = _frame_headers(frame[12 : 12 + header_size])
    return names.get(":event-type") or names.get(":exception-type", ""), payload


def _frame_headers(raw: bytes) -> dict[str, str]:
    """The string headers (type 7); others are not used by these streams, so reading stops at one."""
    headers: dict[str, str] = {}
    at = 0
    while at < len(raw):
        name_end = at + 1 + raw[at]
        if raw[name_end : name_end + 1] != b"\x07":
            break
        size = int.from_bytes(raw[name_end + 1 : name_end + 3], "big")
        value_end = name_end + 3 + size
        headers[raw[at + 1 : name_end].decode("utf-8", "replace")] = raw[name_end + 3 : value_end].decode(
            "utf-8", "replace"
        )
        at = value_end
    return headers
