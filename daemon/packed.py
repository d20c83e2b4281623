"""Bodies that came compressed. A key in one is not seen from outside: it is looked for in what was packed, within
bounds, before any of it is stored or shown."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from daemon.redact import Secret, scrub_bytes

_GZIP: Final = frozenset({"gzip", "x-gzip"})
_DEFLATE: Final = "deflate"
_GZIP_FRAME, _ZLIB_FRAME, _NO_FRAME = 31, 15, -15
"""How zlib is told which of its frames to expect. By `deflate` some mean the middle one and some none."""
_MEMBERS: Final = 64
"""Parts of a gzip body. Each costs a copy of all behind it, and nobody sends more than one or two."""


def coding_of(headers: Iterable[tuple[str, object]]) -> str:
    """What Content-Encoding says among HEADERS; empty for a body that is as it is."""
    said = ",".join([str(value) for name, value in headers if name.lower() == "content-encoding"])
    words = [word.strip() for word in said.lower().split(",")]
    return ",".join([word for word in words if word not in ("", "identity")])


def is_clean(data: bytes, coding: str, secrets: Iterable[Secret], most: int) -> bool:
    """True if there is no key in DATA, neither as it is nor unpacked. False where nobody can know: see `unpacked`."""
    known = tuple(secrets)
    plain = unpacked(data, coding, most)
    return plain is not None and all(scrub_bytes(one, known) == one for one in (data, plain))


def is_legible(data: bytes, coding: str) -> bool:
    """False if DATA, which was unpacked if that could be done, is still packed."""
    if not coding:
        return True
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return coding in _GZIP or coding == _DEFLATE


def unpacked(data: bytes, coding: str, most: int) -> bytes | None:
    """DATA without its CODING; None where it is not whole, where that is a coding which we do not know, and where
    it would be more than MOST bytes, of which no more is ever in memory."""
    if coding in _GZIP:
        return _inflated(data, _GZIP_FRAME, most)
    if coding != _DEFLATE:
        return None
    plain = _inflated(data, _ZLIB_FRAME, most)
    return _inflated(data, _NO_FRAME, most) if plain is None else plain


def _inflated(data: bytes, frame: int, most: int) -> bytes | None:
    """DATA without its FRAME; gzip allows several, one behind the other."""
    import zlib  # most commands and most calls need none

    pieces, size, rest = [], 0, data
    for _ in range(_MEMBERS if frame == _GZIP_FRAME else 1):
        machine = zlib.decompressobj(wbits=frame)
        try:
            piece = machine.decompress(rest, most - size + 1)
        except zlib.error:
            return None
        size += len(piece)
        if size > most or not machine.eof:
            return None
        pieces.append(piece)
        rest = machine.unused_data
        if not rest:
            return b"".join(pieces)
    return None
