"""Results of operations as text for a terminal. Pure: values in, lines out."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def safe(text: object) -> str:
    """TEXT without what could drive a terminal: control characters and direction overrides."""
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", str(text))


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows as aligned columns; the last one is not padded."""
    if not rows:
        return []
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]) - 1)]
    return [
        "  ".join([*(cell.ljust(w) for cell, w in zip(row, widths, strict=False)), row[-1]]).rstrip() for row in rows
    ]


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
    up = span(now - about["started_at"]) if about.get("started_at") else "?"
    lines = [f"Sluice {about['version']} runs since {up} (pid {about['pid']}) at {about['socket']}"]
    if about.get("sandbox"):
        lines.append("It talks to the built-in sandbox provider only: nothing leaves this machine.")
    lines.append(f"{about['running']} calls under way, {len(status['queue'])} of them waiting.")
    for pool in status["pools"]:
        lines += ["", safe(f"{pool['host']} {pool['group'] or '(no model)'}: {pool['words']}")]
        lines += [f"  {line}" for line in table([dim_row(dim) for dim in pool.get("dims", ())])]
    if status["queue"]:
        lines += ["", *queue_text(status["queue"], now)]
    if journal.get("state") != "ok":
        lines += ["", f"Journal: {journal.get('state')}: {safe(journal.get('why') or '')}"]
    return lines


def dim_row(dim: Mapping[str, Any]) -> list[str]:
    """One limit of a pool."""
    used, limit = dim.get("used"), dim.get("limit")
    known = "unknown" if limit is None else f"{number(used)} of {number(limit)} used"
    return [safe(dim.get("name", dim.get("dimension", "?"))), known, safe(dim.get("source") or "")]


def number(value: Any) -> str:
    """1234.0 as 1,234."""
    return "?" if value is None else f"{value:,.0f}"


def queue_text(rows: Iterable[Mapping[str, Any]], now: float) -> list[str]:
    """The waiting calls."""
    head = ["place", "call", "goes in", "client", "priority", "model", "waits for"]
    body = [
        [
            str(row.get("place", "?")),
            str(row["id"]),
            span(max(0.0, row["eta_at"] - now)) if row.get("eta_at") else "?",
            safe(row.get("client") or "-"),
            str(row.get("priority") or "-"),
            safe(row.get("model") or "-"),
            safe(row.get("waits_for") or "its turn"),
        ]
        for row in rows
    ]
    return table([head, *body])


def calls_text(rows: Sequence[Mapping[str, Any]], now: float) -> list[str]:
    """`daemon calls`."""
    if not rows:
        return ["No calls yet. Send one, for example with the curl line that `daemon` printed when it started."]
    head = ["call", "when", "client", "host", "model", "took", "answer"]
    body = [
        [
            str(row["id"]),
            clock(row.get("started_at"), now),
            safe(row.get("client") or "-"),
            safe(row.get("host") or "-"),
            safe(row.get("model") or "-"),
            span(row.get("duration_s")) if row.get("duration_s") is not None else "-",
            answer_text(row),
        ]
        for row in rows
    ]
    return table([head, *body])


def answer_text(row: Mapping[str, Any]) -> str:
    """How a call ended, on one line."""
    status, subtype, line = row.get("status"), row.get("subtype"), row.get("line")
    head = str(status) if status else str(row.get("state") or "-")
    if subtype:
        return safe(f"{head} {subtype}: {line}")
    return safe(f"{head} {row.get('state')}" if row.get("state") not in (None, "done") and status else head)


def call_text(row: Mapping[str, Any], now: float) -> list[str]:
    """`daemon calls ID`: one whole, with its timeline."""
    who = f"client {row.get('client') or '-'}, {row.get('priority') or ''} priority"
    lines = [
        safe(f"Call {row['id']}: {row.get('method', '')} {row.get('host', '')}{row.get('target', '')}"),
        safe(f"  model {row.get('model') or '-'}, {who}"),
        f"  began {clock(row.get('started_at'), now)}, {answer_text(row)}",
        "",
    ]
    start = row.get("started_at") or 0.0
    for step in row.get("timeline", ()):
        lines.append(
            safe(f"  {max(0.0, step.get('at', start) - start):9.3f} s  {step.get('text', step.get('kind', ''))}")
        )
    return lines
