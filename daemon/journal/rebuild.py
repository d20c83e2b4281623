"""A call as it was sent, made again from its row: for the curl command and for sending it again."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from daemon.model import Ask, Call, Origin, Priority, Scope
from daemon.redact import Sealed, Secret


@dataclass(frozen=True, slots=True)
class Kept:
    """What is left of a call. Its secrets have names but no values."""

    call: Call
    body_file: str | None
    """Where its body is, if it had one."""
    comment: str
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
    call = Call(
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
    return Kept(call, request["file"], comment(row))


def sealed(pieces: list[Any]) -> Sealed:
    """Plain pieces, and secrets that have only their bucket names."""
    return Sealed(*[piece if isinstance(piece, str) else Secret("", piece["secret"]) for piece in pieces])


def comment(row: Mapping[str, Any]) -> str:
    """Lines for the top of a command: which call, when, and what it showed."""
    when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(row["started_at"]))
    lines = [f"Sluice call {row['id']}, {when}: {row['method']} {row['host']} {row['model'] or ''}".rstrip()]
    if row["state"] == "failed":
        status = f"status {row['status']}" if row["status"] else "no answer"
        lines.append(f"It showed: {status}. {row['line'] or ''}".rstrip())
    elif row["state"] == "done":
        lines.append(f"It went well: status {row['status']}.")
    else:
        lines.append(f"It did not come to an end: {row['state']}.")
    if row["request"]["changed"]:
        lines.append(
            "A key stood in the body; it is taken out in the kept copy, so this is not the same byte for byte."
        )
    return "\n".join(lines)
