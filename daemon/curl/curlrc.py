"""The call as a configuration file of curl (`curl -K`), for shells whose quoting nobody can trust with arguments.

In such a file one rule holds everywhere: a value stands in "…", where a backslash escapes (curl's manual, -K).
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from itertools import pairwise
from typing import Final

from daemon.curl.command import curl_words
from daemon.curl.fields import Field
from daemon.curl.request import LOST_BODY, Plain
from daemon.phrases import phrase

MAX_INLINE: Final = 8192
"""Bytes of a body that stand in the file where a person can read them."""

MAX_CARRIED: Final = 64 << 10
"""Bytes of a body that go along as base64."""

_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_LONG: Final = {"-N": "no-buffer", "-I": "head", "-X": "request", "-H": "header"}


def curlrc(plain: Plain, filled: Callable[[Field], str], body: str | None) -> list[str]:
    """The lines. FILLED writes a field of which the environment has a part. BODY is what `data-binary` says; None: it
    stands inline."""
    lines = ["silent", "show-error", "http1.1", "globoff", "path-as-is", *_route(plain)]
    _, shape, *_, address = curl_words(plain)
    lines += _shape(shape)
    lines += [filled(one) if one.filled else f"header = {curl_string(one.argument)}" for one in plain.fields]
    if body:
        lines.append(f"data-binary = {curl_string(body)}")
    elif body is None and plain.has_body:
        lines.append(f"data-raw = {curl_string(plain.body.decode())}")
    if "--request-target" in address:
        return [*lines, f"request-target = {curl_string(plain.path)}", f"url = {curl_string(plain.base)}"]
    return [*lines, f"url = {curl_string(plain.url)}"]


def _route(plain: Plain) -> list[str]:
    """The lines for the way that the daemon takes."""
    way = f"proxy = {curl_string(plain.bare_proxy)}" if plain.bare_proxy else 'noproxy = "*"'
    return [way, f"cacert = {curl_string(plain.ca_file)}"] if plain.ca_file else [way]


def _shape(words: list[str]) -> list[str]:
    """The lines for the method, streaming and decoding, and for the fields of curl's own that are taken out."""
    lines = [_LONG[word] for word in ("-N", "-I") if word in words]
    lines += ["compressed"] if "--compressed" in words else []
    return lines + [f"{_LONG[name]} = {curl_string(value)}" for name, value in pairwise(words) if name in ("-X", "-H")]


def curl_string(text: str) -> str:
    """TEXT in quotes, for such a file."""
    return '"' + "".join([_ESCAPES.get(char, char) for char in text]) + '"'


def carried(plain: Plain) -> list[str] | None:
    """The body in lines of base64, when it cannot be read but may go along; else None, with a note if it is missing."""
    if not is_outside(plain) or plain.lost:
        return None
    if len(plain.body) > MAX_CARRIED:
        if plain.body_file:
            plain.notes.append(phrase("script.long_body", kept=plain.body_file, file=LOST_BODY))
        else:
            plain.notes.append(phrase("script.long_lost_body", file=LOST_BODY))
        return None
    return in_lines(plain.body)


def is_outside(plain: Plain) -> bool:
    """True if the body cannot stand among the options."""
    return plain.lost or (plain.has_body and not is_legible(plain.body))


def is_legible(body: bytes) -> bool:
    """True if a person can read BODY, and every console keeps it as it is."""
    if len(body) > MAX_INLINE or not body.isascii():
        return False
    return all(char.isprintable() or char in "\t\n\r" for char in body.decode())


def in_lines(data: bytes) -> list[str]:
    """DATA as base64, 76 characters a line: letters, digits and three signs that no shell minds."""
    text = base64.b64encode(data).decode()
    return [text[i : i + 76] for i in range(0, len(text), 76)]
