"""The bytes of a request: exactly the fields of the call, in their order, and nothing of ours but Host and a length."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from daemon.model import BARE_METHODS, Call
from daemon.upstream.route import Place

_SPACE: Final = re.compile(r"[\x00-\x20\x7f]")
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


def request_head(call: Call, place: Place) -> bytes:
    """The head of CALL. Raises ValueError for what would become a second line, and for what is no UTF-8."""
    target = call.target.reveal()
    if _SPACE.search(target) or not _TOKEN.fullmatch(call.method):
        raise ValueError
    lines = [f"{call.method} {place.prefix}{target or '/'} HTTP/1.1\r\n", place.host_line]
    sized = False
    for name, sealed in call.headers:
        lines.append(f"{name}: {sealed.reveal()}\r\n")
        sized = sized or _is_length(name)
    text = "".join(lines)
    if text.count("\n") != len(lines) or text.count("\r") != len(lines) or "\0" in text:
        raise ValueError
    if not sized and (call.body or call.method not in BARE_METHODS):
        return f"{text}{place.extra}Content-Length: {len(call.body)}\r\n\r\n".encode()
    return f"{text}{place.extra}\r\n".encode()


@lru_cache(maxsize=1024)  # the same few names come with every call
def _is_length(name: str) -> bool:
    """True if NAME of a field is that of the length. Raises ValueError for what is no name."""
    if not _TOKEN.fullmatch(name):
        raise ValueError
    return name.lower() == "content-length"
