"""`daemon export`: calls of the journal for other programs, as JSON lines or as an HTTP Archive.

Calls are read and written one after the other, however many there are. Keys were taken out before the journal got them.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from daemon.cli import terminal
from daemon.cli.client import NotRunning, ask
from daemon.cli.kinds import refuse_unknown
from daemon.cli.language import chosen
from daemon.cli.offline import Known
from daemon.cli.options import paths
from daemon.cli.safe import as_json
from daemon.config import Paths
from daemon.curl.har import answered, archive, entry
from daemon.curl.request import plain_request
from daemon.errors import InvalidCall, Refusal
from daemon.journal import call_of, open_reader
from daemon.phrases import phrase, told
from daemon.whole import whole_file

STDOUT = "-"


def run(options: argparse.Namespace, filters: Mapping[str, Any]) -> None:
    """Write the calls that match. Raises NotFound without a journal, Refusal when the file cannot be written."""
    where, language = paths(options), chosen(options)
    with open_reader(_folder(where)) as reader:
        if options.subtype and next(reader.each(**filters), None) is None:
            refuse_unknown(options)
        rows = Counted(told(row, language) for row in reader.each(**filters))
        form = options.format or ("har" if options.file.endswith(".har") else "jsonl")
        pieces = _archive(where, rows, options.bodies) if form == "har" else _lines(rows, options.bodies)
        if options.file == STDOUT:
            terminal.speak_utf8()
            terminal.say_pieces(pieces)
            return
        _may_replace(Path(options.file), options)
        _write(Path(options.file), pieces)
    terminal.say([phrase("export.done", n=rows.count, file=options.file).told(language)])


def _may_replace(path: Path, options: argparse.Namespace) -> None:
    """Let the person agree before a file of theirs is gone. Raises Refusal."""
    if options.yes or not (path.is_file() or path.is_symlink()):
        return
    told = terminal.agreed(phrase("export.ask", file=str(path)).told(chosen(options)))
    if told is None:
        raise InvalidCall(phrase("export.there", file=str(path)))
    if not told:
        raise Refusal(phrase("export.not_replaced", file=str(path)))


class Counted:
    """Hands on what it is given, and counts it."""

    def __init__(self, rows: Iterable[dict[str, Any]]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self._rows:
            self.count += 1
            yield row


def _folder(where: Paths) -> Path:
    """Where the journal is: the running daemon knows best."""
    with contextlib.suppress(NotRunning, KeyError, TypeError):
        return Path(ask(where, "status")["journal"]["path"]).parent
    return where.state_dir


def _lines(rows: Iterable[dict[str, Any]], bodies: bool) -> Iterator[str]:
    """A line for each call: what `daemon calls ID --json` shows, and with BODIES what was kept of both."""
    for row in rows:
        if bodies:
            for part in ("request", "answer"):
                row[part] |= _as_text(_kept(row, part))
        yield as_json(row) + "\n"


def _as_text(body: bytes | None) -> dict[str, str]:
    if body is None:
        return {}
    try:
        return {"body": body.decode()}
    except UnicodeDecodeError:
        return {"body_base64": base64.b64encode(body).decode()}


def _archive(where: Paths, rows: Iterable[dict[str, Any]], bodies: bool) -> Iterator[str]:
    known = Known(where)

    def entries() -> Iterator[dict[str, Any]]:
        for row in rows:
            body = _kept(row, "request") if bodies else None
            call = call_of(row, body or b"")
            kept = body is not None or not row["request"]["bytes"]
            plain = plain_request(call, key_variable=known.key_variable(call), body_kept=kept)
            if not bodies:
                row = {**row, "tries": [{**one, "body": None} for one in row["tries"]]}
            yield entry(plain, answered(row, _kept(row, "answer") if bodies else None))

    yield from archive(entries())
    yield "\n"


def _kept(row: Mapping[str, Any], part: str) -> bytes | None:
    """The body in its file; None when there is none, or when it went while we read."""
    file = row[part]["file"]
    with contextlib.suppress(OSError):
        return Path(file).read_bytes() if file else None
    return None


def _write(path: Path, pieces: Iterable[str]) -> None:
    """The whole into a file that only you can read, or nothing. Raises Refusal."""
    half = path.with_name(f".{path.name}.half-{os.getpid()}")
    try:
        with whole_file(path, half) as file:
            file.writelines(piece.encode("utf-8", "backslashreplace") for piece in pieces)
    except OSError as error:
        why = str(error.strerror or error)
        raise Refusal(phrase("export.unwritable", file=str(path), why=why)) from None
