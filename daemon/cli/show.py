"""Results of operations as text for a terminal. Pure: values in, lines out."""

from __future__ import annotations

import json
import re
import time
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_DRIVING = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
"""What could drive a terminal or turn a line around, and surrogates, which no terminal can show."""

_CONTROL = re.compile(f"[{_DRIVING}]")
_CELL = re.compile(rf"[\t\n{_DRIVING}]")


def safe(text: object) -> str:
    """TEXT without what could drive a terminal: control characters and direction overrides. Line ends stay."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text))


def cell(text: object) -> str:
    """The same on one line: a model's name with a line end in it must not look like one more call."""
    return _CELL.sub("\N{REPLACEMENT CHARACTER}", str(text))


def as_json(value: Any) -> str:
    """VALUE as one line of JSON. What could drive a terminal is escaped, which means the same to a program."""
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as aligned columns; the last one is not padded."""
    if not rows:
        return []
    widths = [max(width(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(one + " " * (w - width(one)) for one, w in zip(row, widths, strict=False)), row[-1]]).rstrip()
        for row in rows
    ]


def width(text: str) -> int:
    """The columns that TEXT takes: Korean and Chinese letters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum((not unicodedata.combining(c)) + (unicodedata.east_asian_width(c) in "WF") for c in text)


def span(seconds: float | None) -> str:
    """A duration as one would say it."""
    if seconds is None:
        return "?"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h" if seconds < 172800 else f"{seconds / 86400:.0f} days"


def clock(at: float | None, now: float) -> str:
    """A local time of day, with the date when it is not today's."""
    if at is None:
        return "-"
    form = "%H:%M:%S" if time.localtime(at)[:3] == time.localtime(now)[:3] else "%m-%d %H:%M"
    return time.strftime(form, time.localtime(at))


def status_text(status: Mapping[str, Any], now: float) -> list[str]:
    """`daemon status`."""
    about, journal = status["daemon"], status["journal"]
    up = f"has run for {span(now - about['started_at'])}" if about.get("started_at") else "runs"
    lines = [safe(f"Sluice {about['version']} {up} (pid {about['pid']}) at {about['socket']}")]
    if about.get("sandbox"):
        lines.append("It talks to the built-in sandbox provider only: nothing leaves this machine.")
    lines.append(under_way(about["running"], len(status["queue"])))
    for pool in status["pools"]:
        lines += ["", cell(f"{pool['host']} {pool['group'] or '(no model)'}: {pool['words']}")]
        lines += [f"  {line}" for line in table([dim_row(dim) for dim in pool.get("dims", ())])]
    if status["queue"]:
        lines += ["", *queue_text(status["queue"], now)]
    return [*lines, *journal_text(journal)]


def under_way(running: int, waiting: int) -> str:
    """How many calls there are now."""
    if not running:
        return "No call is under way."
    calls = "1 call is" if running == 1 else f"{running:,} calls are"
    return f"{calls} under way; {waiting:,} of them wait{'s' if waiting == 1 else ''} for a limit."


def journal_text(journal: Mapping[str, Any]) -> list[str]:
    """What is wrong with the journal, if anything is, and what that means."""
    why, dropped = journal.get("why"), journal.get("dropped")
    if journal.get("state") == "ok":
        return ["", safe(f"Journal: {why}")] if why else []
    lost = f" {dropped:,} steps of calls were not written." if dropped else ""
    state = f"Journal: {journal.get('state')}: {str(why or 'it does not say why').rstrip('.')}."
    return ["", safe(f"{state}{lost} Calls go through all the same.")]


def dim_row(dim: Mapping[str, Any]) -> list[str]:
    """One limit of a pool."""
    used, limit = dim.get("used"), dim.get("limit")
    known = "unknown" if limit is None else f"{number(used)} of {number(limit)} used"
    name = str(dim.get("dimension", "?")).replace("_", " ")
    return [cell(f"{name} / {dim['period']}" if dim.get("period") else name), known, cell(dim.get("source") or "")]


def number(value: Any) -> str:
    """1234.0 as 1,234."""
    return "?" if value is None else f"{value:,.0f}"


def queue_text(rows: Iterable[Mapping[str, Any]], now: float) -> list[str]:
    """The waiting calls."""
    head = ["place", "call", "goes in", "client", "priority", "model", "waits for"]
    body = [
        [
            str(row.get("place", "?")),
            cell(row["id"]),
            span(max(0.0, row["eta_at"] - now)) if row.get("eta_at") else "?",
            cell(row.get("client") or "-"),
            str(row.get("priority") or "-"),
            cell(row.get("model") or "-"),
            cell(row.get("waits_for") or "its turn"),
        ]
        for row in rows
    ]
    return table([head, *body])


def calls_text(rows: Sequence[Mapping[str, Any]], now: float, *, failed: bool = False) -> list[str]:
    """`daemon calls`; with FAILED only failed ones were asked for."""
    if not rows and failed:
        return ["No call has failed, as far as the journal goes back."]
    if not rows:
        return ["No calls yet. Send one from gptel, or with: curl --unix-socket SOCKET http://api.openai.com/v1/models"]
    head = ["call", "when", "client", "host", "model", "took", "answer"]
    body = [
        [
            cell(row["id"]),
            clock(row.get("started_at"), now),
            cell(row.get("client") or "-"),
            cell(row.get("host") or "-"),
            cell(row.get("model") or "-"),
            span(row.get("duration_s")) if row.get("duration_s") is not None else "-",
            answer_text(row),
        ]
        for row in rows
    ]
    return table([head, *body])


def answer_text(row: Mapping[str, Any]) -> str:
    """How a call ended, on one line: `200`, `429 insufficient_quota: ...`, `cancelled: the client left`."""
    status, state, line = row.get("status"), row.get("state"), row.get("line")
    parts = [str(status)] if status else []
    if row.get("subtype"):
        parts.append(str(row["subtype"]))
    elif state and (state != "done" or not status):
        parts.append(str(state))
    return cell((" ".join(parts) or "-") + (f": {line}" if line else ""))


def call_text(row: Mapping[str, Any], now: float) -> list[str]:
    """`daemon calls ID`: one whole, with its timeline and where to look next."""
    who = f"client {row.get('client') or '-'}, {row.get('priority') or 'normal'} priority"
    lines = [
        cell(f"Call {row['id']}: {row.get('method', '')} {row.get('host', '')}{row.get('target', '')}"),
        cell(f"  model {row.get('model') or '-'}, {who}"),
        f"  began {clock(row.get('started_at'), now)}, {answer_text(row)}",
        "",
    ]
    start = row.get("started_at") or 0.0
    for step in row.get("timeline", ()):
        text = cell(step.get("text", step.get("kind", "")))
        lines.append(f"  {max(0.0, step.get('at', start) - start):9.3f} s  {text}")
    if row.get("state") == "failed":
        lines += ["", cell(f"Why, and what to do: daemon explain {row['id']}")]
    return lines
