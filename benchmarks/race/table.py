"""Results: kept as JSON, merged over several commands, and shown as tables."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.race.scenarios import ALL, SCENARIOS, Scenario

TITLES = {
    "ratio": "x bound", "refused": "429s", "lost": "lost", "labelled": "cut", "wait_p95": "p95 wait, min",
    "small_end": "small/big", "twice": "twice", "after_leaving": "after leaving", "after_quota": "after quota",
    "accepted": "accepted",
}  # fmt: skip
ALWAYS = ("ratio", "refused", "lost")

Row = dict[str, Any]
"""scenario, shape, entrant (for the command line), name, and rounds: a list of `Score.as_json`."""


def load(path: Path) -> list[Row]:
    """The rows of an earlier command; none if there is no such file."""
    rows: list[Row] = json.loads(path.read_text())["rows"] if path.exists() else []
    return rows


def merge(rows: list[Row], new: Iterable[Row]) -> list[Row]:
    """NEW rows take the place of old ones for the same scenario, shape and entrant."""
    kept = {_key(row): row for row in (*rows, *new)}
    order = {name: number for number, name in enumerate(SCENARIOS)}
    return sorted(kept.values(), key=lambda row: order.get(row["scenario"], 99))


def save(path: Path, rows: Sequence[Row], about: Mapping[str, Any]) -> None:
    """Write the rows and what they were measured with."""
    path.write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")


def _key(row: Row) -> tuple[str, str, str]:
    return row["scenario"], row["shape"], row["entrant"]


def median(row: Row, figure: str) -> float | None:
    """Over the rounds; None where the figure does not apply."""
    values = [score[figure] for score in row["rounds"] if score.get(figure) is not None]
    return statistics.median(values) if values else None


def worst(row: Row, figure: str) -> float | None:
    """The largest of the rounds."""
    values = [score[figure] for score in row["rounds"] if score.get(figure) is not None]
    return max(values) if values else None


def misses(row: Row) -> list[str]:
    """The bounds of the scenario that ROW, if it is Sluice's, does not keep: `ratio 1.12 > 1.06`."""
    scenario = SCENARIOS[row["scenario"]]
    out = []
    for figure, bound in scenario.reach.items():
        value, most = median(row, figure), bound.get(row["shape"], bound.get(ALL))
        if value is not None and most is not None and value > most + 1e-9:
            out.append(f"{figure} {value:.3g} > {most:g}")
    for figure, least in scenario.least.items():
        value = median(row, figure)
        if value is not None and value < least:
            out.append(f"{figure} {value:.3g} < {least:g}")
    return out


def figures(scenario: Scenario) -> tuple[str, ...]:
    """What is shown of a scenario."""
    more = [name for name in (*scenario.reach, *scenario.least) if name not in ALWAYS and name != "twice"]
    return (*ALWAYS, *dict.fromkeys(more))


def show(rows: Sequence[Row]) -> str:
    """Markdown: a table for each scenario, entrants down, shapes across."""
    out = []
    for scenario in SCENARIOS.values():
        own = [row for row in rows if row["scenario"] == scenario.name]
        if own:
            out += ["", f"### {scenario.name}: {scenario.about}", "", *_one(scenario, own)]
    return "\n".join(out).strip() + "\n"


def _one(scenario: Scenario, rows: Sequence[Row]) -> list[str]:
    shapes = [shape for shape in ("bucket", "fixed", "sliding", "slices") if any(r["shape"] == shape for r in rows)]
    names = figures(scenario)
    head = " / ".join(TITLES[name] for name in names)
    lines = [f"| {head} | " + " | ".join(shapes) + " |", "|---|" + "---|" * len(shapes)]
    for entrant in dict.fromkeys(row["entrant"] for row in rows):
        own = {row["shape"]: row for row in rows if row["entrant"] == entrant}
        name = next(iter(own.values()))["name"]
        cells = [_cell(own[shape], names) if shape in own else "" for shape in shapes]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return lines


def _cell(row: Row, names: Iterable[str]) -> str:
    """Medians in the order of the heading, and for Sluice whether all bounds are kept."""
    # Whoever lost jobs was not fast, only early at the end.
    star = "*" if median(row, "lost") else ""
    text = " / ".join(number(median(row, name), name) + (star if name == "ratio" else "") for name in names)
    if row["entrant"] != "sluice":
        return text
    missed = misses(row)
    return f"**{text}** " + ("ok" if not missed else "MISSED: " + ", ".join(missed))


def number(value: float | None, figure: str) -> str:
    """VALUE as people read it; `-` where it does not apply."""
    if value is None:
        return "-"
    return f"{value:.2f}" if figure in ("ratio", "wait_p95", "small_end") else f"{value:g}"
