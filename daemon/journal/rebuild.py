"""A call as it was sent, made again from its row: for the curl command and for sending it again."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from daemon.errors import NotFound
from daemon.model import Ask, Call, Origin, Priority, Scope
from daemon.packed import coding_of
from daemon.phrases import Phrase, lines, phrase
from daemon.redact import Sealed, Secret, Withheld

_CODING_SHOWN: Final = 40
"""Letters of what a client has called its coding."""

_SANDBOX: Final = re.compile(r"http://127\.0\.0\.1:\d+")
"""Where a sandbox was: it takes a free port, another one with each start."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of a call. Its secrets have names but no values, and so have fields that nobody knows."""

    call: Call
    body_file: str | None
    """Where its body is, if it had one."""
    comment: Phrase
    """For people: which call it was, when, and what came of it."""


def call_from_row(row: Mapping[str, Any]) -> Kept | None:
    """Make the call again from a row of `Reader.call`; None when it had a body that was not kept."""
    request = row["request"]
    body = b""
    if request["bytes"]:
        if not request["file"]:
            return None
        try:
            body = Path(request["file"]).read_bytes()
        except OSError:
            return None
    return Kept(call_of(row, body), request["file"], comment(row))


def call_of(row: Mapping[str, Any], body: bytes) -> Call:
    """The call of ROW with this BODY."""
    request = row["request"]
    return Call(
        id=row["id"],
        origin=Origin(host=row["host"], url=row["url"], provider=row["provider"]),
        scope=Scope(row["host"], row["key"], row["pool"]),
        method=row["method"],
        target=sealed(request["target"]),
        headers=tuple((name, sealed(pieces)) for name, pieces in request["headers"]),
        body=body,
        ask=Ask(kind=row["kind"], model=row["model"], stream=row["stream"]),
        client=row["client"],
        ref=row["ref"],
        priority=Priority[row["priority"].upper()],
        arrived_at=row["started_at"],
    )


def stranded(call: Call, origin: Origin | None) -> bool:
    """True if CALL went where nobody sends its host's calls now, by what is known as ORIGIN: to a sandbox, which has
    ended since."""
    if origin is None or not _SANDBOX.fullmatch(call.origin.url):
        return False
    return call.origin.url not in (origin.url, *[way.url for way in origin.ways])


def moved(kept: Kept, origin: Origin | None, sandbox: str | None) -> Kept:
    """KEPT as it can be sent now: to SANDBOX, if it went to one that has ended; else its comment says so."""
    if not stranded(kept.call, origin):
        return kept
    if sandbox is not None:
        return replace(kept, call=replace(kept.call, origin=replace(kept.call.origin, url=sandbox)))
    note = phrase("note.sandbox_ended", url=kept.call.origin.url)
    return replace(kept, comment=lines([kept.comment, note]))


def sealed(pieces: list[Any]) -> Sealed:
    """Plain pieces, secrets that have only their bucket names, and what was withheld."""
    return Sealed(*[piece if isinstance(piece, str) else _part(piece) for piece in pieces])


def _part(piece: Mapping[str, Any]) -> Secret | Withheld:
    return Withheld(piece["withheld"]) if "withheld" in piece else Secret("", piece["secret"])


def not_kept(row: Mapping[str, Any]) -> NotFound:
    """The refusal for the call of ROW, whose body is not there: why, as far as the journal knows, and what to do."""
    coding = coding_of([(name, sealed(pieces)) for name, pieces in row["request"]["headers"]])
    if coding:
        return NotFound(phrase("journal.no_packed_body", call=row["id"], coding=coding[:_CODING_SHOWN]))
    return NotFound(phrase("journal.no_body", call=row["id"]))


def comment(row: Mapping[str, Any]) -> Phrase:
    """Lines for the top of a command: which call, when, and what it showed."""
    said = [heading(row["id"], row["started_at"], row["method"], row["host"], row["model"]), _shown(row)]
    return lines([*said, phrase("note.changed")] if row["request"]["changed"] else said)


def heading(call_id: str, arrived_at: float, method: str, host: str, model: str | None) -> Phrase:
    """Which call it was, and when."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(arrived_at))
    return phrase("note.call", call=call_id, when=when, what=f"{method} {host} {model or ''}".rstrip())


def _shown(row: Mapping[str, Any]) -> Phrase:
    status = str(row["status"])
    if row["state"] == "failed":
        seen = phrase("note.status", status=status) if row["status"] else phrase("note.no_answer")
        return (
            phrase("note.showed_line", seen=seen, line=row["line"]) if row["line"] else phrase("note.showed", seen=seen)
        )
    return phrase("note.well", status=status) if row["state"] == "done" else phrase("note.no_end", state=row["state"])
