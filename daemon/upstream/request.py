"""The bytes of a request: exactly the fields of the call, in their order, and nothing of ours but Host and a length."""

from __future__ import annotations

import re
from typing import Final

from daemon.model import BARE_METHODS, Call
from daemon.upstream.route import Place

_BREAKS: Final = re.compile(r"[\r\n\0]")
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
        value = sealed.reveal()
        if not _TOKEN.fullmatch(name) or _BREAKS.search(value):
            raise ValueError
        lines.append(f"{name}: {value}\r\n")
        sized = sized or (len(name) == 14 and name.lower() == "content-length")
    if place.extra:
        lines.append(place.extra)
    if not sized and (call.body or call.method not in BARE_METHODS):
        lines.append(f"Content-Length: {len(call.body)}\r\n")
    lines.append("\r\n")
    return "".join(lines).encode()
