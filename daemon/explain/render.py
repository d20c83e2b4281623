"""An explanation as one text for a terminal: fixed parts in a fixed order, so that eyes learn where to look."""

from __future__ import annotations

import textwrap

from daemon.explain.words import Language
from daemon.model import Explanation


def page(explanation: Explanation, language: Language, *, curl: str | None = None, width: int = 80) -> str:
    """Return the whole explanation, wrapped to WIDTH columns; links and the curl command are never broken."""
    width = max(width, 40)
    out = [explanation.title, "=" * min(len(explanation.title), width), ""]
    for label, text in (
        ("what", explanation.what),
        ("why", explanation.why),
        ("now", explanation.now),
    ):
        out += _part(language.label(label), text, width)
    if explanation.actions:
        out.append(language.label("do"))
        for number, action in enumerate(explanation.actions, 1):
            out += textwrap.wrap(f"{number}. {action.text}", width, initial_indent="  ", subsequent_indent="     ")
            if action.url:
                out.append(f"     {action.url}")
        out.append("")
    out += _part(language.label("not_this"), explanation.not_this, width)
    out += _part(language.label("original"), explanation.finding.original, width)
    out += _part(language.label("evidence"), explanation.evidence, width)
    if curl:
        out += [language.label("curl"), curl.rstrip("\n"), ""]
    return "\n".join(out).rstrip("\n") + "\n"


def _part(label: str, text: str, width: int) -> list[str]:
    if not text:
        return []
    wrapped = textwrap.wrap(
        text, width, initial_indent="  ", subsequent_indent="  ", break_long_words=False, break_on_hyphens=False
    )
    return [label, *wrapped, ""]
