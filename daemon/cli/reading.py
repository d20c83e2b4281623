"""What people give to be explained: an error's words, a file, standard input, JSON lines. Read in bounded pieces."""

from __future__ import annotations

import argparse
import codecs
import json
import os
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import IO, Any

from daemon.cli.language import chosen
from daemon.cli.terminal import complain
from daemon.errors import InvalidCall, NotFound
from daemon.model import Failure
from daemon.phrases import phrase

MOST = 4 << 20
"""Bytes of a pasted text, or of one JSON line, that are read."""


def is_sentence(source: str) -> bool:
    """True if SOURCE is the error itself, given where a file's name was expected."""
    return len(source.split()) >= 3 and not os.path.exists(source)


def text_of(options: argparse.Namespace) -> str:
    """The text to explain: told, in a file, or on standard input; whatever its bytes are. `--text -` is that, too."""
    if options.text not in (None, "-"):
        return str(options.text)
    if is_sentence(options.source):
        return str(options.source)
    if options.source == "-" and sys.stdin.isatty():
        complain(phrase("explain.paste").told(chosen(options)))
    with opened(options.source) as file:
        raw = read(file, options.source, MOST + 1)
    if len(raw) > MOST:
        complain(phrase("explain.long", source=options.source, most=MOST >> 20).told(chosen(options)))
    return raw[:MOST].decode("utf-8-sig", "replace")


def numbered(source: str) -> Iterator[tuple[int, bytes | None]]:
    """The lines of SOURCE that are not blank, with their numbers; None for a line that is too long to be held."""
    number = 0
    with opened(source) as file:
        while line := read(file, source, MOST + 1, line=True):
            number += 1
            if number == 1:
                line = line.removeprefix(codecs.BOM_UTF8)
            whole = True
            while len(line) > MOST and not line.endswith(b"\n"):
                whole, line = False, read(file, source, MOST + 1, line=True)
            if line.strip() or not whole:
                yield number, line if whole else None


def opened(source: str) -> AbstractContextManager[IO[bytes]]:
    """A file, or standard input, which stays open. Raises NotFound."""
    if source == "-":
        return nullcontext(sys.stdin.buffer)
    try:
        return open(source, "rb")
    except (OSError, ValueError) as error:
        raise _unreadable(source, error) from None


def read(file: IO[bytes], source: str, most: int, *, line: bool = False) -> bytes:
    """At most so many bytes of FILE, or of its next line. Raises NotFound."""
    try:
        return file.readline(most) if line else file.read(most)
    except OSError as error:
        raise _unreadable(source, error) from None


def _unreadable(source: str, error: Exception) -> NotFound:
    why = getattr(error, "strerror", None) or error
    return NotFound(phrase("explain.unreadable", source=source, why=str(why)))


def parsed(line: bytes | None, number: int) -> dict[str, Any]:
    """One JSON object. Raises InvalidCall that names the line."""
    if line is None:
        raise InvalidCall(phrase("explain.long_line", n=number, most=MOST >> 20))
    try:
        row = json.loads(line.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise InvalidCall(phrase("explain.not_json", n=number))
    return row


def failure_from(row: dict[str, Any]) -> Failure:
    """A Failure from a row with `text`, or with `status`, `headers` and `body`; what has another type is left out."""
    status, headers, body = row.get("status"), row.get("headers"), row.get("body")
    text, provider, host = (
        row[name] if isinstance(row.get(name), str) else None for name in ("text", "provider", "host")
    )
    if isinstance(status, str) and status.isdecimal():
        status = int(status[:9])
    pairs = headers.items() if isinstance(headers, dict) else headers if isinstance(headers, list) else ()
    if body is not None and not isinstance(body, str):
        body = json.dumps(body, ensure_ascii=False)
    return Failure(
        text=text,
        status=status if isinstance(status, int) and not isinstance(status, bool) else None,
        headers=tuple((str(pair[0]), str(pair[1])) for pair in pairs if len(pair) == 2),
        body=(body or "").encode("utf-8", "replace"),
        provider=provider,
        host=host,
    )
