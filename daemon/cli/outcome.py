"""What came of a call, the first time and again, and what the two together say. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from daemon.cli.show import cell, number, span, table


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one sending ended."""

    status: int | None
    """None when no answer came."""
    subtype: str | None
    """What kind of failure it was; None for a success."""
    line: str = ""
    """What happened, for people."""
    limits: tuple[Mapping[str, Any], ...] = ()
    """What the headers say of limits: dimension, limit, remaining, reset_s, where they say it."""
    seconds: float | None = None
    """From sending to the end of the answer; of the last attempt."""
    call: str | None = None
    """The call's id, when the journal has it."""

    @property
    def failed(self) -> bool:
        return self.subtype is not None or self.status is None or self.status >= 400

    @property
    def name(self) -> str:
        """`200`, `429 insufficient_quota`, `no answer, timeout`."""
        words = [str(self.status) if self.status else "no answer", self.subtype or ""]
        return " ".join([word for word in words if word])

    def as_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {**asdict(self), "limits": [dict(one) for one in self.limits], "failed": self.failed}


def of_row(row: Mapping[str, Any]) -> Outcome:
    """The outcome of a journalled call."""
    last: Mapping[str, Any] = (row.get("tries") or [{}])[-1]
    end = last.get("ended_at") or last.get("answered_at") or row.get("ended_at")
    begin = last.get("sent_at")
    return Outcome(
        status=row.get("status"),
        subtype=row.get("subtype") or (None if row.get("state") in ("done", "failed") else str(row.get("state"))),
        line=row.get("line") or "",
        limits=tuple(last.get("readings") or ()),
        seconds=None if end is None or begin is None else max(0.0, end - begin),
        call=row.get("id"),
    )


def verdict(first: Outcome, later: Sequence[Outcome]) -> tuple[str, str]:
    """One word for programs, and one sentence for people: was it a passing fault?"""
    good = [one for one in later if not one.failed]
    bad = [one for one in later if one.failed]
    if good and bad:
        word = "works" if len(good) == 1 else "work"
        return "sometimes", f"{len(good)} of {len(later)} {word} now, so it comes and goes: {_why(bad[-1])}"
    if good and first.failed:
        return "passing", "The same call works now: it was a passing fault."
    if good:
        return "works", "The call works, as it did the first time."
    if not first.failed:
        return "broken", f"The call worked the first time, and fails now: {_why(bad[-1])}"
    if all((one.status, one.subtype) == (first.status, first.subtype) for one in bad):
        return "same", f"It fails in the same way: {_why(bad[-1])}"
    return "other", f"It fails, but in another way than before ({first.name}): {_why(bad[-1])}"


def _why(one: Outcome) -> str:
    return f"{one.name}. {one.line}".rstrip() if one.line else f"{one.name}."


def page(first: Outcome, later: Sequence[Outcome]) -> list[str]:
    """All sendings below each other, and the sentence."""
    rows = [["", "answer", "took", "limits in the headers"], _row("first", first)]
    rows += [_row("again" if len(later) == 1 else f"again {n}", one) for n, one in enumerate(later, 1)]
    return [*table(rows), "", cell(verdict(first, later)[1])]


def _row(name: str, one: Outcome) -> list[str]:
    took = "-" if one.seconds is None else span(one.seconds)
    return [name, cell(one.name), took, cell(", ".join([_limit(each) for each in one.limits])) or "none"]


def _limit(each: Mapping[str, Any]) -> str:
    """`3 of 60 requests left`."""
    what = str(each.get("dimension", "?")).replace("_", " ")
    if each.get("remaining") is None:
        return f"{number(each.get('limit'))} {what}"
    return f"{number(each['remaining'])} of {number(each.get('limit'))} {what} left"
