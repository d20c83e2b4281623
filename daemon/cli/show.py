"""Results of operations as text for a terminal. Pure: values in, lines out."""

from __future__ import annotations

import time

from daemon import TYPE_CHECKING
from daemon.cli.safe import cell, safe
from daemon.columns import LEAST, folded, width, wrapped
from daemon.dimensions import period_of, what
from daemon.phrases import phrase, teller, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

_CALLS_HEAD = ("call", "when", "client", "host", "model", "took", "answer")
NARROW = 6
"""No column is made narrower."""
LAST = 9
"""Columns that are left to the last cell: a status, or the word above it."""
CALL_NAMES = (2, 3, 4)
"""Columns of a list of calls that may be cut: client, host and model."""
_STATES = frozenset({"waiting", "running", "done", "failed", "cancelled", "interrupted"})
OPEN = ("waiting", "running", "held")
"""States of calls that have not ended."""


def table(
    rows: Sequence[Sequence[str]], widths: list[int] | None = None, most: int | None = None, names: Sequence[int] = ()
) -> list[str]:
    """Rows as aligned columns; the last one is not padded. WIDTHS are the least ones, and grow with what they hold. On
    a terminal of MOST columns those that hold NAMES are cut, the widest first, and the last cell of a row that is wider
    still stands below the others, in as many lines as it takes."""
    if not rows:
        return []
    widths = [0] * (len(rows[0]) - 1) if widths is None else widths
    widths[:] = [max(least, *[width(row[i]) for row in rows]) for i, least in enumerate(widths)]
    if most is not None:
        narrow(widths, names, most - LAST)
    lines: list[str] = []
    for *row, last in rows:
        cells = [cut(one, w) for one, w in zip(row, widths, strict=True)]
        line = "".join([one + " " * (w + 2 - width(one)) for one, w in zip(cells, widths, strict=True)])
        if most is None or width(line + last) <= most:
            lines.append((line + last).rstrip())
        else:
            indent = " " * (widths[0] + 2)
            lines += [line.rstrip(), *wrapped(last, max(most, LEAST), indent, indent)]
    return lines


def narrow(widths: list[int], names: Sequence[int], most: int) -> None:
    """Make the widest of the columns NAMES narrower until all columns, each with its gap, take no more than MOST."""
    over = sum(widths) + 2 * len(widths) - most
    while over > 0 and names and widths[widest := max(names, key=widths.__getitem__)] > NARROW:
        widths[widest] -= 1
        over -= 1


def cut(text: str, most: int) -> str:
    """TEXT in MOST columns, with a mark where something is missing."""
    if width(text) <= most:
        return text
    text = text[: 4 * most]  # of a very long one the beginning is enough; marks that combine take no column
    while width(text) >= most:
        text = text[:-1]
    return text + "…"


def span(seconds: float | None) -> str:
    """A duration as one would say it: a phrase, where it is known."""
    if seconds is None:
        return "?"
    if seconds < 10:
        return phrase("span.seconds", n=f"{seconds:.1f}")
    if seconds < 120:
        return phrase("span.seconds", n=f"{seconds:.0f}")
    if seconds < 7200:
        return phrase("span.minutes", m=round(seconds / 60))
    hours, days = f"{seconds / 3600:.1f}", f"{seconds / 86400:.0f}"
    return phrase("span.hours", h=hours) if seconds < 172800 else phrase("span.days", d=days)


def clock(at: float | None, now: float) -> str:
    """A local time of day, with the date when it is not today's."""
    if at is None:
        return "-"
    form = "%H:%M:%S" if time.localtime(at)[:3] == time.localtime(now)[:3] else "%m-%d %H:%M"
    return time.strftime(form, time.localtime(at))


MOST_IDLE = 5
"""Keys and models that rest and are shown all the same."""
_ORDER = {"blocked": 0, "limited": 1, "waiting": 2, "running": 3, "learning": 4, "idle": 5}


def status_text(status: Mapping[str, Any], now: float, language: str = "en", most: int | None = None) -> list[str]:
    """`daemon status`, on a terminal of MOST columns."""
    tell = teller(language)
    about, journal = status["daemon"], status["journal"]
    version, pid, socket, since = about["version"], about["pid"], about["socket"], about.get("started_at")
    if since:
        lines = [safe(tell("status.runs_for", version=version, time=span(now - since), pid=pid, socket=socket))]
    else:
        lines = [safe(tell("status.runs", version=version, pid=pid, socket=socket))]
    if about.get("listen"):
        lines.append(safe(tell("status.listens", url=about["listen"], file=about["token_file"])))
    if about.get("sandbox"):
        lines.append(tell("status.sandbox"))
    lines.append(told(under_way(about["running"], len(status["queue"])), language))
    waiting = ["", *queue_text(status["queue"], now, language, most)] if status["queue"] else []
    pools = pools_text(status["pools"], language, most)
    more = sharing_text(status.get("sharing") or {}, language)
    more += fallback_text(status.get("fallback") or {}, language)
    for name in ("warnings", "budgets"):
        if status.get(name):
            more += ["", *(cell(one["words"]) for one in status[name])]
    more += journal_text(journal, language)
    return [*_all_folded(lines, most), *waiting, *pools, *_all_folded(more, most)]


def _all_folded(lines: Iterable[str], most: int | None) -> list[str]:
    return [part for line in lines for part in folded(line, most, "  ")]


def pools_text(pools: Sequence[Mapping[str, Any]], language: str = "en", most: int | None = None) -> list[str]:
    """What holds calls up first, and of those that rest only the first few. A key is named where there are several. On
    a terminal of MOST columns."""
    tell = teller(language)
    ranked = sorted(pools, key=lambda pool: _ORDER.get(pool.get("state", ""), 0))
    names = [(pool["host"], pool["group"]) for pool in pools]
    lines: list[str] = []
    resting = 0
    for pool in ranked:
        resting += pool.get("state") == "idle"
        if resting > MOST_IDLE:
            continue
        name = f"{pool['host']} {pool['group'] or tell('status.no_model')}"
        if names.count((pool["host"], pool["group"])) > 1 and pool.get("key"):
            name = f"{name} ({pool['key']})"
        lines += ["", *folded(cell(f"{name}: {pool['words']}"), most, "  ")]
        lines += [f"  {line}" for line in table([dim_row(dim, language) for dim in pool.get("dims", ())])]
    if resting > MOST_IDLE:
        lines += ["", tell("status.more_idle", n=resting - MOST_IDLE)]
    return lines


def sharing_text(sharing: Mapping[str, Any], language: str = "en") -> list[str]:
    """How many calls were answered without a request of their own; nothing when none was."""
    tell, lines = teller(language), []
    if sharing.get("same"):
        lines.append(tell("status.same", n=sharing["same"]))
    if sharing.get("batched"):
        lines.append(tell("status.batched", n=sharing["batched"], requests=sharing["batches"]))
    if sharing.get("cached"):
        lines.append(tell("status.hits", n=sharing["cached"]))
    return ["", *lines] if lines else []


def fallback_text(fallback: Mapping[str, Any], language: str = "en") -> list[str]:
    """How each key fares, and how many calls went elsewhere; nothing when there is no choice."""
    tell = teller(language)
    lines = [cell(key["words"]) for key in fallback.get("keys") or ()]
    if fallback.get("rekeyed"):
        lines.append(tell("status.rekeyed", n=fallback["rekeyed"]))
    if fallback.get("rules"):
        lines.append(tell("status.moved", n=fallback["moved"]))
    return ["", *lines] if lines else []


def cache_text(cache: Mapping[str, Any], language: str = "en") -> list[str]:
    """`daemon cache`."""
    from daemon.pacing.reasons import duration

    tell = teller(language)
    lines = [tell("cache.cleared", n=cache["cleared"])] if "cleared" in cache else []
    used, most = f"{cache['bytes'] / 2**20:.1f}", f"{cache['max_bytes'] / 2**20:.0f}"
    lines.append(tell("cache.holds", answers=cache["answers"], used=used, most=most, age=duration(cache["max_age_s"])))
    lines += [] if cache["enabled"] else [tell("cache.asked_only")]
    return [*lines, safe(tell("cache.place", path=cache["path"]))] if cache["answers"] else lines


def under_way(running: int, waiting: int) -> str:
    """How many calls there are now, as a phrase."""
    if not running:
        return phrase("status.nothing")
    calls = phrase("status.one_call") if running == 1 else phrase("status.many_calls", n=running)
    return phrase("status.one_waits" if waiting == 1 else "status.many_wait", calls=calls, n=waiting)


def journal_text(journal: Mapping[str, Any], language: str = "en") -> list[str]:
    """What is wrong with the journal, if anything is, and what that means."""
    tell = teller(language)
    why, dropped = journal.get("why"), journal.get("dropped")
    if journal.get("state") == "ok":
        return ["", safe(tell("status.journal", why=str(why)))] if why else []
    lost = tell("status.lost", n=dropped) if dropped else ""
    why = str(why).rstrip(".") if why else tell("status.no_reason")
    return ["", safe(tell("status.journal_bad", state=str(journal.get("state")), why=why, lost=lost))]


def missing_text(journal: Mapping[str, Any], now: float, language: str = "en", most: int | None = None) -> list[str]:
    """Why calls are missing in what the JOURNAL tells, and since when."""
    name = "calls.missing" if journal.get("state") == "degraded" else "calls.missing_for_good"
    why = str(journal.get("why") or phrase("status.no_reason").told(language)).rstrip(".。")
    return folded(safe(phrase(name, since=clock(journal.get("since"), now), why=why).told(language)), most)


def dim_row(dim: Mapping[str, Any], language: str = "en") -> list[str]:
    """One limit of a pool."""
    used, limit = dim.get("used"), dim.get("limit")
    tell = teller(language)
    known = tell("status.unknown") if limit is None else tell("status.used", used=number(used), limit=number(limit))
    name, period = what(str(dim.get("dimension", "?"))), dim.get("period")
    limited = tell("status.limit", what=name, period=period_of(str(period))) if period else told(name, language)
    return [cell(limited), known, cell(dim.get("source") or "")]


def number(value: Any) -> str:
    """1234.0 as 1,234."""
    return "?" if value is None else f"{value:,.0f}"


def queue_text(
    rows: Iterable[Mapping[str, Any]], now: float, language: str = "en", most: int | None = None
) -> list[str]:
    """The waiting calls."""
    names = ("place", "call", "goes_in", "client", "priority", "model", "waits_for")
    head = [phrase(f"head.{name}").told(language) for name in names]
    body = [
        [
            str(row.get("place", "?")),
            cell(row["id"]),
            told(span(max(0.0, row["eta_at"] - now)), language) if row.get("eta_at") else "?",
            cell(row.get("client") or "-"),
            str(row.get("priority") or "-"),
            cell(row.get("model") or "-"),
            cell(row.get("waits_for") or phrase("waits.turn").told(language)),
        ]
        for row in rows
    ]
    return table([head, *body], most=most, names=(3, 5))


def calls_text(
    rows: Sequence[Mapping[str, Any]], now: float, *, failed: bool = False, language: str = "en",
    most: int | None = None, socket: str = "",
) -> list[str]:  # fmt: skip
    """`daemon calls`, on a terminal of MOST columns; with FAILED only failed ones were asked for. SOCKET is for whoever
    has no call yet."""
    tell = teller(language)
    if not rows and failed:
        return [tell("calls.none_failed")]
    if not rows:
        from shlex import quote

        return [safe(tell("calls.none", socket=quote(socket)))]
    return table([calls_head(language), *[call_cells(row, now, language) for row in rows]], most=most, names=CALL_NAMES)


def calls_head(language: str = "en") -> list[str]:
    """What stands above the columns of a list of calls."""
    return [phrase(f"head.{name}").told(language) for name in _CALLS_HEAD]


def call_cells(row: Mapping[str, Any], now: float, language: str = "en") -> list[str]:
    """A call in these columns."""
    return [
        cell(row["id"]),
        clock(row.get("started_at"), now),
        cell(row.get("client") or "-"),
        cell(row.get("host") or "-"),
        cell(row.get("model") or "-"),
        told(span(row.get("duration_s")), language) if row.get("duration_s") is not None else "-",
        answer_text(row, language),
    ]


def answer_text(row: Mapping[str, Any], language: str = "en") -> str:
    """How a call ended, on one line: `200`, `429 insufficient_quota: ...`, `cancelled: the client left`."""
    status, state, line = row.get("status"), row.get("state"), row.get("line")
    parts = [str(status)] if status else []
    if row.get("subtype"):
        parts.append(str(row["subtype"]))
    elif state and (state != "done" or not status):
        parts.append(phrase(f"state.{state}").told(language) if state in _STATES else str(state))
    return cell((" ".join(parts) or "-") + (f": {line}" if line else ""))
