"""An explanation as one text for a terminal: fixed parts in a fixed order, so that eyes learn where to look."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from daemon.explain.words import Language
from daemon.model import Explanation

_WIDE: Final = r"\u2e80-\ua4fd\uf900-\ufaff\ufe30-\ufe4f\uff00-\uff60"
_CLOSING: Final = r"\u3001\u3002\u300d\u300f\u3011\uff01\uff09\uff0c\uff1a\uff1b\uff1f"
_UNIT: Final = re.compile(rf"\s+|[{_WIDE}][{_CLOSING}]*|[^\s{_WIDE}]+[{_CLOSING}]*")
"""What stays on one line: a word, or a Chinese character with the marks that close it. Korean breaks between words."""


def page(explanation: Explanation, language: Language, *, curl: str | None = None, width: int = 80) -> str:
    """Return the whole explanation, wrapped to WIDTH columns; links and the curl command are never broken."""
    width = max(width, 40)
    out = [explanation.title, "=" * min(columns(explanation.title), width), ""]
    for label, text in (
        ("what", explanation.what),
        ("why", explanation.why),
        ("now", explanation.now),
    ):
        out += _part(language.label(label), text, width)
    if explanation.actions:
        out.append(language.label("do"))
        for number, action in enumerate(explanation.actions, 1):
            out += wrapped(f"{number}. {action.text}", width, "  ", "     ")
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
    out = wrapped(language.join(explanation.what, explanation.now), max(width, 40), "", "")
    for action in explanation.actions[:1]:
        out += wrapped(f"{language.label('do')}: {action.text}", max(width, 40), "", "  ")
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
        text = f"{language.label(label)}: {row['rule']} ({row['subtype']}, {row['rank']}): {'; '.join(row['on'])}"
        out += wrapped(text, width, "  ", "    ")
    out += ["", language.label("missed")]
    for condition, names in missed.items():
        out += wrapped(f"{condition}: {', '.join(names)}", width, "  ", "    ")
    return "\n".join(out) + "\n"


def columns(text: str) -> int:
    """Return how many columns of a terminal TEXT takes: East Asian characters are two wide."""
    return len(text) + sum(unicodedata.east_asian_width(char) in "WF" for char in text)


def wrapped(text: str, width: int, first: str, later: str) -> list[str]:
    """Return TEXT in lines of at most WIDTH columns, indented by FIRST and LATER; a longer word is not broken."""
    lines, line, indent = [], "", first
    for unit in _units(text):
        if line.strip() and columns(indent + line + unit.rstrip()) > width:
            lines.append(indent + line.rstrip())
            line, indent = "", later
        line += unit if line or unit.strip() else ""
    return [*lines, indent + line.rstrip()] if line.strip() else lines


def _units(text: str) -> Iterator[str]:
    for found in _UNIT.finditer(text):
        yield " " if found[0].isspace() else found[0]


def _part(label: str, text: str, width: int) -> list[str]:
    return [label, *wrapped(text, width, "  ", "  "), ""] if text else []
