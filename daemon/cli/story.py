"""`daemon calls ID`: one call whole, as a story with its times. Pure: values in, lines out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from daemon.cli.outcome import limit_text
from daemon.cli.safe import cell
from daemon.cli.show import OPEN, answer_text, clock, number, span
from daemon.phrases import Phrase, phrase, teller

_TOLD_HEADERS: Final = re.compile(r"(?i)retry|request-id")
"""Fields of an answer that a person may want, beside the limits."""

_INDENT: Final = " " * 15


def call_text(row: Mapping[str, Any], now: float, language: str = "en") -> list[str]:
    """Who, what and how long; each step with what the provider said of its limits; and where to look next."""
    tell = teller(language)
    url = f"{row.get('method', '')} {row.get('host', '')}{row.get('target', '')}"
    model, client = row.get("model") or "-", row.get("client") or "-"
    return [
        cell(tell("call.head", call=row["id"], url=url)),
        "  " + cell(tell("call.who", model=model, client=client, priority=row.get("priority") or "normal")),
        "  " + tell("call.began", when=clock(row.get("started_at"), now), answer=answer_text(row, language)),
        *[f"  {', '.join([one.told(language) for one in spent])}" for spent in [_spent(row)] if spent],
        "",
        *_steps(row, language),
        "",
        *[cell(one.told(language)) for one in _further(row)],
    ]


def _spent(row: Mapping[str, Any]) -> list[Phrase]:
    """What it took: time, sendings, tokens."""
    usage, out = row.get("usage"), []
    if row.get("duration_s") is not None:
        out.append(phrase("call.took", time=span(row["duration_s"])))
    if (row.get("waited_s") or 0.0) >= 0.05:
        out.append(phrase("call.waited", time=span(row["waited_s"])))
    if (row.get("attempts") or 0) > 1:
        out.append(phrase("call.sent", n=row["attempts"]))
    if usage:
        name = "call.tokens" if usage.get("reported") else "call.about_tokens"
        out.append(phrase(name, input=number(usage["input"]), output=number(usage["output"])))
    return out


def _steps(row: Mapping[str, Any], language: str) -> Iterable[str]:
    """The timeline; below an answer what its header says of limits."""
    start = row.get("started_at") or 0.0
    tries = {one.get("attempt"): one for one in row.get("tries", ())}
    for step in row.get("timeline", ()):
        text = cell(step.get("text", step.get("kind", "")))
        after = phrase("span.seconds", n=f"{max(0.0, step.get('at', start) - start):9.3f}").told(language)
        yield f"  {after}  {text}"
        if step.get("kind") == "answered":
            for line in _said(tries.get(step.get("attempt")) or {}, language):
                yield _INDENT + cell(line)


def _said(attempt: Mapping[str, Any], language: str) -> Iterable[str]:
    for reading in attempt.get("readings") or ():
        text = limit_text(reading, language)
        if reading.get("reset_s"):
            text = phrase("call.full_in", limit=text, time=span(reading["reset_s"])).told(language)
        yield text
    for name, value, _ in attempt.get("headers") or ():
        if value is not None and _TOLD_HEADERS.search(name):
            yield f"{name}: {value}"


def _further(row: Mapping[str, Any]) -> list[Phrase]:
    """Where to look next: the command that repeats it, the explanation."""
    request = row.get("request") or {}
    lost = request.get("bytes") and not request.get("file")
    if row.get("state") in OPEN:
        return [
            phrase("call.curl_open" if lost else "call.curl", call=row["id"]),
            phrase("call.cancel", call=row["id"]),
        ]
    repeats = phrase("call.no_curl") if lost else phrase("call.curl", call=row["id"])
    return [repeats, phrase("call.why", call=row["id"])] if row.get("state") == "failed" else [repeats]
