"""What came of a call, the first time and again, and what the two together say. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from daemon.cli.safe import cell
from daemon.cli.show import number, span, table
from daemon.columns import folded
from daemon.dimensions import what
from daemon.phrases import Phrase, phrase, teller, told


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
        return self.named("en")

    def named(self, language: str) -> str:
        """The same in LANGUAGE."""
        words = [str(self.status) if self.status else phrase("replay.no_answer").told(language), self.subtype or ""]
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


def verdict(first: Outcome, later: Sequence[Outcome], language: str = "en") -> tuple[str, str]:
    """One word for programs, and one sentence for people: was it a passing fault?"""
    word, sentence = _verdict(first, later, language)
    return word, sentence.told(language)


def _verdict(first: Outcome, later: Sequence[Outcome], language: str) -> tuple[str, Phrase]:
    good = [one for one in later if not one.failed]
    bad = [one for one in later if one.failed]
    why = _why(bad[-1], language) if bad else ""
    if good and bad:
        if len(good) == 1:
            return "sometimes", phrase("replay.one_works", all=len(later), why=why)
        return "sometimes", phrase("replay.some_work", good=len(good), all=len(later), why=why)
    if good:
        return ("passing", phrase("replay.passing")) if first.failed else ("works", phrase("replay.works"))
    if not first.failed:
        return "broken", phrase("replay.broken", why=why)
    if all((one.status, one.subtype) == (first.status, first.subtype) for one in bad):
        return "same", phrase("replay.same", why=why)
    return "other", phrase("replay.other", before=first.named(language), why=why)


def _why(one: Outcome, language: str) -> str:
    name = one.named(language)
    return f"{name}. {one.line}".rstrip() if one.line else f"{name}."


def page(first: Outcome, later: Sequence[Outcome], language: str = "en", most: int | None = None) -> list[str]:
    """All sendings below each other, and the sentence, on a terminal of MOST columns."""
    say = teller(language)
    rows = [["", say("replay.answer"), say("replay.took"), say("replay.limits")]]
    rows.append(_row(say("replay.first"), first, language))
    for n, one in enumerate(later, 1):
        name = say("replay.again") if len(later) == 1 else say("replay.again_n", n=n)
        rows.append(_row(name, one, language))
    return [*table(rows, most=most), "", *folded(cell(verdict(first, later, language)[1]), most)]


def _row(name: str, one: Outcome, language: str) -> list[str]:
    took = "-" if one.seconds is None else told(span(one.seconds), language)
    limits = ", ".join([limit_text(each, language) for each in one.limits])
    return [name, cell(one.named(language)), took, cell(limits) or phrase("replay.no_limits").told(language)]


def limit_text(each: Mapping[str, Any], language: str) -> str:
    """`3 of 60 requests left`."""
    dimension = what(str(each.get("dimension", "?")))
    if each.get("remaining") is None:
        return phrase("replay.limit", limit=number(each.get("limit")), what=dimension).told(language)
    left = number(each["remaining"])
    return phrase("replay.left", left=left, limit=number(each.get("limit")), what=dimension).told(language)
