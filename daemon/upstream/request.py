"""The bytes of a request: exactly the fields of the call, in their order, and nothing of ours but Host and a length."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from daemon.model import BARE_METHODS, Call, SealedHeaders
from daemon.upstream.route import Place

_SPACE: Final = re.compile(r"[\x00-\x20\x7f]")
_MOST: Final = 64
_LONGEST: Final = 4096
_last: Final[dict[int, tuple[SealedHeaders, tuple[str, bool]]]] = {}
"""By the identity of a tuple, which is kept with them, so that no other one gets it."""
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def request_head(call: Call, place: Place) -> bytes:
    """The head of CALL. Raises ValueError for what would become a second line, and for what is no UTF-8."""
    target = call.target.reveal()
    if _SPACE.search(target) or not _TOKEN.fullmatch(call.method):
        raise ValueError
    fields, sized = _written(call.headers)
    lines = 2 + len(call.headers)
    text = f"{call.method} {place.prefix}{target or '/'} HTTP/1.1\r\n{place.host_line}{fields}"
    if text.count("\n") != lines or text.count("\r") != lines or "\0" in text:
        raise ValueError
    if not sized and (call.body or call.method not in BARE_METHODS):
        return f"{text}{place.extra}Content-Length: {len(call.body)}\r\n\r\n".encode()
    return f"{text}{place.extra}\r\n".encode()


def _written(headers: SealedHeaders) -> tuple[str, bool]:
    """The lines of HEADERS, and whether one of them is a length. A client's calls share one tuple of them: the last few
    are written once."""
    known = _last.get(id(headers))
    if known is not None and known[0] is headers:
        return known[1]
    lines, sized = list[str](), False
    for name, sealed in headers:
        lines.append(f"{name}: {sealed.reveal()}\r\n")
        sized = _is_length(name) or sized
    text = "".join(lines)
    written = text, sized
    if len(_last) >= _MOST:
        _last.clear()
    if len(text) <= _LONGEST:
        _last[id(headers)] = headers, written
    return written


@lru_cache(maxsize=1024)  # the same few names come with every call
def _is_length(name: str) -> bool:
    """True if NAME of a field is that of the length. Raises ValueError for what is no name."""
    if not _TOKEN.fullmatch(name):
        raise ValueError
    return name.lower() == "content-length"
