"""The operation that writes a failed call down for a provider's support."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final

from daemon import __version__
from daemon.errors import InvalidCall
from daemon.explain import Catalogue
from daemon.operations.asking import curl_of, row_of
from daemon.operations.desk import Desk, Params, Result, needed_text, text_param
from daemon.operations.session import Session
from daemon.phrases import phrase

CLIENT: Final = f"Sluice {__version__}"
MINUTE_S: Final = 60.0
WAITED_S: Final = 3600.0
"""How much earlier than the report's minute a call may have come in and still have gone out in it."""
MOST: Final = 10_000


async def report(desk: Desk, params: Params, session: Session, tag: Any) -> Result:
    """One redacted Markdown text about a failed call: English, unless told otherwise, since support reads it."""
    row = await row_of(desk, needed_text(params, "call"))
    refuse_unsaid(row)
    language = text_param(params, "language")
    others = await desk.journal.calls(**neighbours(row, time.time()))
    command = await curl_of(desk, row, language or "en", body_in_file=True)
    text = text_of(desk.catalogue, row, others, command, language)
    return {"call": row["id"], "ref": row.get("ref"), "text": desk.redactor.scrub(text)}


def text_of(
    catalogue: Catalogue,
    row: Mapping[str, Any],
    others: Iterable[Mapping[str, Any]],
    command: str | None,
    language: str | None,
) -> str:
    """The report about ROW, of which OTHERS are the neighbours. For the daemon and for the command line without it."""
    before = sent_before(row, others)
    return catalogue.report(row, language or "en", curl=command, calls_before=before, client=CLIENT)


def neighbours(row: Mapping[str, Any], now: float) -> dict[str, Any]:
    """The filters of `Reader.calls` for the calls that may have gone out shortly before ROW."""
    age_s = max(0.0, now - row["started_at"])
    return {"host": row["host"], "since_s": age_s + MINUTE_S + WAITED_S, "limit": MOST}


def refuse_unsaid(row: Mapping[str, Any]) -> None:
    """Raise InvalidCall for a call of which no answer of the provider says that it failed: it went well, it has not
    ended, or Sluice itself has ended it, by a budget or a deadline of the person's own."""
    if row["state"] in ("done", "waiting", "running", "held") or not (row.get("explanation") or row.get("line")):
        raise InvalidCall(phrase("journal.nothing_to_report", call=row["id"]))
    if not row.get("explanation"):
        raise InvalidCall(phrase("journal.report_ended_here", call=row["id"], line=row["line"]))
    if not any(attempt.get("sent_at") for attempt in row.get("tries") or ()):
        raise InvalidCall(phrase("journal.report_not_sent", call=row["id"], line=row["line"] or ""))


def sent_before(row: Mapping[str, Any], others: Iterable[Mapping[str, Any]]) -> int | None:
    """How many of OTHERS went out in the minute before the last attempt of ROW; None when it never went out."""
    times = [attempt["sent_at"] for attempt in row.get("tries") or () if attempt.get("sent_at") is not None]
    if not times:
        return None
    last = max(times)
    return sum(
        1
        for other in others
        if other["id"] != row["id"] and other.get("sent_at") is not None and last - MINUTE_S <= other["sent_at"] <= last
    )
