"""An explanation as one text for a terminal: fixed parts in a fixed order, so that eyes learn where to look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from daemon import columns
from daemon.explain.language import Language
from daemon.model import Explanation


def page(explanation: Explanation, language: Language, *, curl: str | None = None, width: int = 80) -> str:
    """Return the whole explanation, wrapped to WIDTH columns; links and the curl command are never broken."""
    width = max(width, 40)
    out = [explanation.title, "=" * min(columns.width(explanation.title), width), ""]
    for label, text in (
        ("what", explanation.what),
        ("why", explanation.why),
        ("now", explanation.now),
    ):
        out += _part(language.label(label), text, width)
    if explanation.actions:
        out.append(language.label("do"))
        for number, action in enumerate(explanation.actions, 1):
            out += columns.wrapped(f"{number}. {action.text}", width, "  ", "     ")
            if action.url:
                out.append(f"     {action.url}")
        out.append("")
    out += _part(language.label("not_this"), explanation.not_this, width)
    if explanation.finding.family != "network":  # there nobody answered: what the system said stands under Why
        out += _part(language.label("original"), explanation.finding.original, width)
    out += _part(language.label("evidence"), explanation.evidence, width)
    if curl:
        out += [language.label("curl"), curl.rstrip("\n"), ""]
    return "\n".join(out).rstrip("\n") + "\n"


def short(explanation: Explanation, language: Language, *, width: int = 80) -> str:
    """Return what fits at a glance: what happened, what happens now, and the first thing to do, with its link."""
    out = columns.wrapped(language.join(explanation.what, explanation.now), max(width, 40), "", "")
    for action in explanation.actions[:1]:
        out += columns.wrapped(language.labelled(language.label("do"), action.text), max(width, 40), "", "  ")
        out += [f"  {action.url}"] if action.url else []
    return "\n".join(out) + "\n"


def why(rows: Sequence[Mapping[str, Any]], language: Language, *, width: int = 80) -> str:
    """Return which rules looked: the one that decided and on which bytes, those that agree, and what others missed."""
    width = max(width, 40)
    matched = [row for row in rows if row["matched"]]
    missed: dict[str, list[str]] = {}
    for row in rows:
        if not row["matched"]:
            missed.setdefault(row["missing"], []).append(row["rule"])
    out = [language.label("rules")]
    for row, label in zip(matched, ["decided", *["matched"] * len(matched)], strict=False):
        name = language.labelled(language.label(label), f"{row['rule']} ({row['subtype']}, {row['rank']})")
        out += columns.wrapped(language.labelled(name, language.seen(row["on"])), width, "  ", "    ")
    out += ["", language.label("missed")]
    for condition, names in missed.items():
        out += columns.wrapped(f"{condition}: {', '.join(names)}", width, "  ", "    ")
    return "\n".join(out) + "\n"


def _part(label: str, text: str, width: int) -> list[str]:
    return [label, *columns.wrapped(text, width, "  ", "  "), ""] if text else []
