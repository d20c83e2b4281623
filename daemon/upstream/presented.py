"""Who issued a certificate that is not trusted, and until when it is valid: read from its bytes, which a stranger made.

OpenSSL tells neither of a certificate that it has refused. This reads the two fields of X.509 (RFC 5280, 4.1) and
nothing else; whatever is odd is no certificate.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final, NamedTuple

MOST: Final = 64 << 10
"""Bytes. Real ones have one to three thousand."""
SHOWN: Final = 60
"""Letters of an issuer's name."""

_SEQUENCE, _SET, _VERSION, _INTEGER = 0x30, 0x31, 0xA0, 0x02
_UTC_TIME, _TIME = 0x17, 0x18
_WIDE: Final = 0x1E
"""BMPString, two bytes a letter; all others are read as UTF-8 or, where they are none, as Latin-1."""
_NAMES: Final = (b"\x55\x04\x03", b"\x55\x04\x0a", b"\x55\x04\x0b")
"""Attributes of an issuer that people know it by: common name, organization, unit (X.520)."""


class Presented(NamedTuple):
    """What a server has shown of itself."""

    issuer: str
    until: datetime
    """In UTC."""


def presented(der: bytes) -> Presented | None:
    """What the certificate DER says; None if it is none."""
    try:
        return _read(der) if len(der) <= MOST else None
    except (ValueError, IndexError, OverflowError):
        return None


def _read(der: bytes) -> Presented | None:
    inside = _children(_one(_one(der, _SEQUENCE), _SEQUENCE))
    if inside[0][0] == _VERSION:
        inside = inside[1:]
    (number, _), _, (issuer, names), (validity, times), *_ = inside
    if (number, issuer, validity) != (_INTEGER, _SEQUENCE, _SEQUENCE):
        return None
    name = _issuer(names)
    return Presented(name, _moment(*_children(times)[1])) if name else None


def _issuer(names: bytes) -> str:
    """The common name of the issuer; without one its organization, or its unit."""
    found: dict[bytes, str] = {}
    for kind, part in _children(names):
        for _, attribute in _children(part) if kind == _SET else ():
            (_, which), (form, value) = _children(attribute)
            found.setdefault(which, _text(form, value))
    return next((found[name] for name in _NAMES if found.get(name)), "")


def _text(form: int, value: bytes) -> str:
    """VALUE for people: what could drive a terminal, or be longer than a name, is not in it."""
    if form == _WIDE:
        text = value.decode("utf-16-be", "replace")
    else:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("latin-1")
    return "".join([letter if letter.isprintable() else " " for letter in text[:SHOWN]]).strip()


def _moment(form: int, value: bytes) -> datetime:
    """A time of X.509: always UTC and with seconds. Two digits of a year begin with 1950."""
    text = value.decode("ascii")
    if form == _UTC_TIME:
        text = ("19" if text[:2] >= "50" else "20") + text
    elif form != _TIME:
        raise ValueError
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _one(data: bytes, kind: int) -> bytes:
    """What is in the first element of DATA, which is of that KIND."""
    found, inside, _ = _element(data, 0)
    if found != kind:
        raise ValueError
    return inside


def _children(data: bytes) -> list[tuple[int, bytes]]:
    """The elements in DATA, with their kinds."""
    found, at = [], 0
    while at < len(data):
        kind, inside, at = _element(data, at)
        found.append((kind, inside))
    return found


def _element(data: bytes, at: int) -> tuple[int, bytes, int]:
    """The element at AT (X.690, 8.1): its kind, what is in it, and where it ends."""
    kind, length, at = data[at], data[at + 1], at + 2
    if length > 0x80:
        more = length & 0x7F
        length, at = int.from_bytes(data[at : at + more]), at + more
    elif length == 0x80:
        raise ValueError  # no length at all: not in DER
    if at + length > len(data):
        raise ValueError
    return kind, data[at : at + length], at + length
