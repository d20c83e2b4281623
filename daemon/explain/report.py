"""A failed call as one Markdown text for a provider's support: what they ask first, and nothing secret.

Made from a row of the journal, which has passed the redactor. Times are UTC, since support reads its logs in UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from daemon.explain.figures import span
from daemon.explain.language import Language, filled

REQUEST_ID: Final = re.compile(r"(?i)^(?:[\w-]*request-?id|cf-ray)$")
LIMIT: Final = re.compile(r"(?i)limit|retry|^x-codex-")
"""Fields of an answer that state a limit or a wait."""

Row = Mapping[str, Any]


def report(
    row: Row, language: Language, *, name: str, title: str, curl: str | None, calls_before: int | None, client: str
) -> str:
    """Return the text about ROW, a call of `Reader.call`.

    NAME: what people call the provider; TITLE: the kind of failure in words; CALLS_BEFORE: calls sent to the same host
    in the minute before it; CLIENT: name and version of what sent it.
    """
    words = language.data["report"]
    tries = row.get("tries") or ()
    last = tries[-1] if tries else {}
    facts = {"provider": name, "what": title, "status": str(row.get("status") or "")}
    out = [f"# {filled(words['title'], facts)}", "", f"> {words['before']}", ""]
    out += [
        "- " + language.labelled(label, value)
        for label, value in _facts(row, tries, words, calls_before, client)
        if value
    ]
    out += ["", f"## {words['tried']}", "", *_attempts(row, tries, language)]
    out += ["", f"## {words['expected']}", "", str(words["expect"].get(row.get("family") or "unknown", ""))]
    out += ["", f"## {words['error']}", "", *_fenced(_answer(row, last))]
    out += ["", f"## {words['again']}", "", *(_fenced(curl, "sh") if curl else [str(words["not_kept"])])]
    return "\n".join(out) + "\n"


def utc(at: float | None) -> str:
    """Return a Unix time as `2031-01-02 03:04:05.678 UTC`; nothing for None."""
    if at is None:
        return ""
    return datetime.fromtimestamp(at, UTC).isoformat(" ", "milliseconds").removesuffix("+00:00") + " UTC"


def _facts(
    row: Row, tries: Sequence[Row], words: Mapping[str, Any], calls_before: int | None, client: str
) -> Iterator[tuple[str, str]]:
    fields = [field for attempt in tries for field in _headers(attempt)]
    ids = dict.fromkeys(f"`{name}: {value}`" for name, value in fields if REQUEST_ID.match(name))
    limits = dict.fromkeys(
        f"`{name}: {value}`" for name, value in _headers(tries[-1] if tries else {}) if LIMIT.search(name)
    )
    streamed = f" ({words['streamed']})" if row.get("stream") else ""
    status = row.get("status")
    yield words["when"], utc(row.get("sent_at") or row.get("started_at"))
    yield words["ids"], ", ".join(ids)
    yield words["call"], f"`{row.get('method')} {row.get('url')}{row.get('target')}`{streamed}"
    yield words["model"], f"`{row['model']}`" if row.get("model") else ""
    yield words["answer"], f"HTTP {status}" if status else str(words["no_answer"])
    yield words["kind"], f"`{row['subtype']}`" if row.get("subtype") else ""
    yield words["limits"], ", ".join(limits)
    yield words["calls"], "" if calls_before is None else str(calls_before)
    yield words["client"], client


def _attempts(row: Row, tries: Sequence[Row], language: Language) -> Iterator[str]:
    """Yield a numbered line for each attempt, and what was waited before the next one."""
    words = language.data["report"]
    held = {step.get("attempt"): step for step in row.get("timeline") or () if step.get("kind") == "held"}
    for attempt in tries:
        sent, ended = attempt.get("sent_at"), attempt.get("answered_at") or attempt.get("ended_at")
        facts = {
            "at": utc(sent),
            "status": str(attempt.get("status") or ""),
            "fault": str(attempt.get("fault") or ""),
            "took": "" if sent is None or ended is None else f"{max(0.0, ended - sent):.2f} s",
        }
        line = filled(words["attempt"], facts) or ""
        if step := held.get(attempt["attempt"]):
            why = {"wait": span(step.get("wait_s"), language.data), "reason": str(step.get("reason") or "")}
            line = language.join(f"{line};", filled(words["held"], why) or "")
        yield f"{attempt['attempt']}. {line}"


def _answer(row: Row, last: Row) -> str:
    """Return the last answer as it came: status, the fields that are kept, body; or why there was none."""
    lines = [f"HTTP {last['status']}"] if last.get("status") else [f"{last.get('fault') or row.get('state')}"]
    lines += [f"{name}: {value}" for name, value in _headers(last)]
    lines += [str(last["detail"])] if last.get("detail") else []
    return "\n".join([*lines, "", str(last.get("body") or "").rstrip()]).rstrip()


def _headers(attempt: Row) -> Iterator[tuple[str, str]]:
    for name, value, *_ in attempt.get("headers") or ():
        if value is not None:
            yield str(name), str(value)


def _fenced(text: str, kind: str = "") -> list[str]:
    """Return TEXT in a fence that is longer than any in it."""
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return [fence + kind, text.rstrip("\n"), fence]
