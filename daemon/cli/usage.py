"""What was used, for a terminal. Pure: values in, lines out."""

from __future__ import annotations

import time

from daemon import TYPE_CHECKING
from daemon.cli.safe import cell, safe
from daemon.cli.show import missing_text, number, table
from daemon.columns import folded
from daemon.phrases import phrase, teller

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

BAR = 20
"""Cells of a bar."""


def usage_text(answer: Mapping[str, Any], language: str = "en", most: int | None = None) -> list[str]:
    """`daemon usage`: a table, what it cost and by which prices, and what is left of the budgets; and what is missing,
    since the journal cannot be written. On a terminal of MOST columns."""
    tell, by, rows = teller(language), str(answer["by"]), answer["rows"]
    missing = missing_text(answer["journal"], time.time(), language, most) if answer.get("journal") else []
    if not rows:
        nothing = missing or folded(tell("usage.nothing", since=answer["since"]), most)
        return [*nothing, *budgets_text(answer, language)]
    priced = answer["total"]["cost"] is not None
    names = [by, "calls", "failed", "input", "output", "cached", *(["cost"] if priced else [])]
    head = [phrase(f"usage.{name}").told(language) for name in names]
    body = [_row(row, safe(cell(str(row[by]))), priced) for row in rows]
    if len(rows) > 1:
        body.append(_row(answer["total"], tell("usage.total"), priced))
    lines = [tell("usage.since", since=answer["since"]), "", *table(_aligned([head, *body]))]
    lines += [part for line in _about_prices(answer, language) for part in folded(line, most)]
    lines += [part for line in budgets_text(answer, language) for part in folded(line, most, " " * (BAR + 2))]
    return [*lines, "", *missing] if missing else lines


def _row(row: Mapping[str, Any], name: str, priced: bool) -> list[str]:
    counts = [number(row[key]) for key in ("calls", "failed", "input", "output", "cached_input")]
    return [name, *counts, *([money(row)] if priced else [])]


def money(row: Mapping[str, Any]) -> str:
    """The estimated cost; with a plus when some of it is not known, and a dash when nothing is."""
    if row["cost"] is None:
        return "-"
    return f"{row['cost']:,.2f}" + ("" if row["cost_is_whole"] else "+")


def _aligned(rows: list[list[str]]) -> list[list[str]]:
    """Numbers to the right: all columns but the first."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [[row[0], *(one.rjust(widths[i]) for i, one in enumerate(row[1:], 1))] for row in rows]


def _about_prices(answer: Mapping[str, Any], language: str) -> list[str]:
    tell, lines = teller(language), []
    if answer["total"]["cost"] is None:
        lines.append(tell("usage.no_prices"))
    else:
        known = answer["prices_of"] or tell("usage.undated")
        lines.append(tell("usage.estimated", currency=answer["currency"], since=known))
    if answer["unpriced"] and answer["total"]["cost"] is not None:
        lines.append(tell("usage.unpriced", models=cell(", ".join(answer["unpriced"]))))
    if answer["total"]["estimated"]:
        lines.append(tell("usage.counted", n=number(answer["total"]["estimated"])))
    return ["", *lines]


def budgets_text(answer: Mapping[str, Any], language: str = "en") -> list[str]:
    """What is left of each budget, with a bar; nothing when there is none."""
    lines = []
    for budget in answer.get("budgets") or ():
        full = min(BAR, round(BAR * budget["part"]))
        lines.append(f"{'█' * full}{'░' * (BAR - full)}  {cell(budget['words'])}")
        if budget["unpriced"]:
            lines.append(phrase("usage.unpriced", models=cell(", ".join(budget["unpriced"]))).told(language))
    return ["", *lines] if lines else []
