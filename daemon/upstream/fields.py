"""The fields of a head, of a request or an answer alike (RFC 9112, 5): lines in; names, values and duplicates out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from daemon.model import Headers
from daemon.upstream.chunked import Broken

_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

_MOST_NAMES: Final = 1024
_lower_of: dict[str, str] = {}
"""Names of fields that are tokens, in small letters: each is looked at once."""


def read_fields(lines: Iterable[str]) -> tuple[Headers, dict[str, str], tuple[str, ...]]:
    """What LINES say: all fields in their order, with their case and duplicates; by the name in small letters the first
    of each name, of Connection all, joined by commas; and the names, in small letters, that came more than once.

    Raises Broken for a line that is no field: a folded one, a space before the colon, no colon.
    """
    headers: list[tuple[str, str]] = []
    fields: dict[str, str] = {}
    repeated: tuple[str, ...] = ()
    for line in lines:
        name, colon, value = line.partition(":")
        lower = _lower_of.get(name) or _in_small_letters(name)
        if not colon:
            raise Broken(rule="name")
        value = value.strip(" \t")
        headers.append((name, value))
        if lower not in fields:
            fields[lower] = value
            continue
        repeated = (*repeated, lower)
        if lower == "connection":
            fields[lower] += "," + value
    return tuple(headers), fields, repeated


def _in_small_letters(name: str) -> str:
    """NAME of a field. Raises Broken for what is no token."""
    if not _NAME.fullmatch(name):
        raise Broken(rule="name")
    lower = name.lower()
    if len(_lower_of) < _MOST_NAMES and len(name) <= 64:
        _lower_of[name] = lower
    return lower
