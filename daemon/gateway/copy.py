"""A bounded, decoded copy of a success's body, read for what the bytes on the wire do not say by themselves:
usage, an error that hides behind a 200, and whether the end was a proper end. The client's bytes are not touched.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from daemon.model import Usage
from daemon.providers import StreamReader

KEEP = 4 << 20
"""Bytes of a plain body that are kept for reading usage and for the journal."""

PACKED = 16 << 10
"""Bytes of a compressed body that are unpacked at once."""

HOLD = 256 << 10
"""Bytes of a plain body that are held back, so that an error behind a 200 can still become an error."""

HOLD_STREAM = 64 << 10
"""The same for a stream, until its first event is complete."""

_ANSWERS = ("choices", "output", "candidates", "content", "data", "embedding", "embeddings", "predictions")


class Copy:
    """Fed with every chunk of a success's body."""

    def __init__(
        self, stream: StreamReader | None, read_usage: Callable[[bytes], Usage | None], encoding: str | None
    ) -> None:
        self.stream = stream
        self._read_usage = read_usage
        self._inflate = inflater(encoding, endless=stream is not None)
        self._packed = self._inflate is None and (encoding or "").strip().lower() not in ("", "identity")
        self._parts: list[bytes] = []
        self._kept = 0
        self._broken = False
        self._texts: list[str] = []
        self._usage: tuple[int, Usage | None] | None = None
        """What a plain body reported, and its size then: it is asked for twice, and to read it is to parse it all."""

    def feed(self, chunk: bytes) -> None:
        """Take one CHUNK as it came over the wire."""
        if self._inflate is None:
            self._read(chunk)
            return
        for at in range(0, len(chunk), PACKED):
            self._read(self._decode(self._inflate, chunk[at : at + PACKED]))

    def _read(self, plain: bytes) -> None:
        if self.stream is not None:
            self.stream.feed(plain)
        if self._kept < KEEP:
            self._parts.append(plain[: KEEP - self._kept])
            self._kept += len(self._parts[-1])

    def holds_back(self) -> bool:
        """True while the client should not get anything yet.

        A stream is held until its first event is complete: gptel's Gemini parser fails on a lone `[`, and an error in
        the first event can still become a proper error. A plain body is held whole while it is small.
        """
        if self.stream is None:
            return self._kept < HOLD
        if self._kept >= HOLD_STREAM or self._broken:
            return False
        head = self.whole_body() or b""
        if head.lstrip()[:1] in (b"[", b"{", b""):
            return b"}" not in head
        return not any(mark in head for mark in (b"\n\n", b"\r\n\r\n", b"\r\r"))

    def usage(self) -> Usage | None:
        """What the provider reported so far."""
        if self.stream is not None:
            return self.stream.usage
        if self._kept >= KEEP:
            return None
        if self._usage is None or self._usage[0] != self._kept:
            self._usage = self._kept, self._read_usage(self.whole_body() or b"")
        return self._usage[1]

    def text(self) -> str:
        """The text of a stream so far."""
        if self.stream is None:
            return ""
        self._texts += self.stream.take_text()
        return "".join(self._texts)

    def error_inside(self) -> bytes | None:
        """The JSON of an error that came with a 200, or None."""
        if self.stream is not None and self.stream.error is not None:
            return self.stream.error
        if self.stream is not None and self.stream.output_chars:
            return None
        body = self.whole_body() or b""
        return body if len(body) < HOLD and is_error(body) else None

    @property
    def complete(self) -> bool:
        """False for a stream that ended without its closing mark. Plain bodies are guarded by HTTP's own framing. True
        also when that cannot be known: what could not be decoded was not read on."""
        return self.stream is None or self.stream.ended or self._broken

    def whole_body(self) -> bytes | None:
        """The decoded body, or None when it was larger than what is kept."""
        if self._kept >= KEEP:
            return None
        if len(self._parts) > 1:
            self._parts = [b"".join(self._parts)]
        return self._parts[0] if self._parts else b""

    def for_journal(self) -> bytes | None:
        """The same; None also for what is still compressed, since a key in it would not be seen."""
        return None if self._packed else self.whole_body()

    def _decode(self, inflate: Callable[[bytes], bytes], chunk: bytes) -> bytes:
        try:
            return inflate(chunk) if not self._broken else b""
        except zlib.error:
            self._broken = True
            return b""


def inflater(encoding: str | None, *, endless: bool = False) -> Callable[[bytes], bytes] | None:
    """A function that decodes chunk by chunk, at most 4 MiB in all; ENDLESS: at most so much of each chunk, else it
    raises zlib.error. None for a body that is not compressed."""
    name = (encoding or "identity").strip().lower()
    if name not in ("gzip", "x-gzip", "deflate"):
        return None
    machine = zlib.decompressobj(wbits=47 if name != "deflate" else 15)
    left = KEEP

    def inflate(chunk: bytes) -> bytes:
        nonlocal left
        if left <= 0:
            return b""
        plain = machine.decompress(chunk, left)
        if not endless:
            left -= len(plain)
        elif machine.unconsumed_tail:
            raise zlib.error  # a bomb
        return plain

    return inflate


def decoded(body: bytes, encoding: str | None) -> bytes:
    """BODY without its Content-Encoding, bounded; as it is when that fails."""
    inflate = inflater(encoding)
    if inflate is None:
        return body
    with suppress(zlib.error):
        return inflate(body)
    return body


def is_error(body: bytes) -> bool:
    """True if BODY is a JSON error and no answer: `{"error": {...}}` or `[{"error": {...}}]`."""
    if b'"error"' not in body:
        return False
    with suppress(ValueError, RecursionError):
        value: Any = json.loads(body)
        if isinstance(value, list) and value:
            value = value[0]
        return isinstance(value, dict) and bool(value.get("error")) and not any(value.get(key) for key in _ANSWERS)
    return False


def status_inside(body: bytes) -> int:
    """The HTTP status that an error inside a 200 means: its own number if it gives one, else 502."""
    with suppress(ValueError, RecursionError, AttributeError, TypeError, IndexError):
        outer: Any = json.loads(body)
        outer = outer[0] if isinstance(outer, list) else outer
        inner = outer.get("error", outer)
        inner = inner if isinstance(inner, dict) else {}
        for value in (inner.get("code"), inner.get("status"), inner.get("status_code"), outer.get("status_code")):
            number = int(str(value)) if str(value).isdigit() else 0
            if 400 <= number <= 599:
                return number
        words = (str(inner.get(name)) for name in ("type", "code", "status"))
        return next((_STATUS_OF_TYPE[word] for word in words if word in _STATUS_OF_TYPE), 502)
    return 502


_STATUS_OF_TYPE = {
    "overloaded_error": 529,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "authentication_error": 401,
    "permission_error": 403,
    "invalid_request_error": 400,
}
