"""The figures as tables for people: the comparison, the bounds, and what grows."""

from __future__ import annotations

import re
import statistics
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from benchmarks.toll.bounds import added, bounds, number, paired, plain_ratio, text
from benchmarks.toll.contenders import CONTENDERS
from benchmarks.toll.found import Found
from benchmarks.toll.rounds import Results, each, over_rounds

README = Path(__file__).resolve().parents[2] / "README.md"
MARK = re.compile(r"(<!-- gateways: made by benchmarks/gateways\.py -->\n).*?(<!-- end of gateways -->)", re.DOTALL)

YARDSTICK = "plain"
COLUMNS: Sequence[tuple[str, str]] = (
    ("added p50, ms", "p50"),
    ("x bare aiohttp's", "p50_ratio"),
    ("added p99, ms", "p99"),
    ("calls a second, 50 at once", "per_s"),
    ("x bare aiohttp's", "per_s_ratio"),
    ("their p99, ms", "many_p99"),
    ("added before the first token, ms", "first"),
    ("a stream of 200, x no gateway", "stream"),
    ("100 streams at once, x no gateway", "at_once"),
    ("1 MB prompt, added ms", "large"),
    ("start, s", "start"),
    ("memory idle, MiB", "idle"),
    ("after 5,000 calls", "after"),
)
IN_README = ("p50", "p50_ratio", "per_s", "per_s_ratio", "first", "stream", "start", "idle")


def row(results: Results, name: str) -> dict[str, list[float]]:
    """The values of all rounds, for each column, of the contender NAME."""
    rounds = {figure: [value for value in each(results, name, figure) if value is not None]
              for figure in ("per_s", "many_p99_ms")}  # fmt: skip
    out = {"per_s": rounds["per_s"], "many_p99": rounds["many_p99_ms"]}
    for column, figure in (("p50", "p50_ms"), ("p99", "p99_ms"), ("first", "first_ms"), ("large", "large_ms")):
        out[column] = against(results, name, figure, lambda mine, direct: mine - direct)
    for column, figure in (("stream", "stream_ms"), ("at_once", "at_once_ms")):
        out[column] = against(results, name, figure, lambda mine, direct: mine / direct)
    out["per_s_ratio"] = plain_ratio(results, name, YARDSTICK, "per_s")
    out["p50_ratio"] = over_rounds(
        results, {"mine": (name, "p50_ms"), "theirs": (YARDSTICK, "p50_ms"), "direct": ("direct", "p50_ms")},
        lambda mine, theirs, direct: added(mine, direct) / added(theirs, direct),
    )  # fmt: skip
    once = results.once.get(name, {})
    for column, figure in (("start", "start_s"), ("idle", "idle_mib"), ("after", "after_calls_mib")):
        out[column] = [once[figure]] if figure in once else []
    return out


def against(results: Results, name: str, figure: str, make: Callable[..., float]) -> list[float]:
    """MAKE of FIGURE of NAME and of no gateway, in each round."""
    return over_rounds(results, {"mine": (name, figure), "direct": ("direct", figure)}, make)


def comparison(found: Found, columns: Sequence[str] = tuple(key for _, key in COLUMNS), *, spread: bool = True) -> str:
    """Contenders down, figures across: the median of the rounds, and with SPREAD the smallest and the largest."""
    shown = [(title, key) for title, key in COLUMNS if key in columns]
    lines = ["| | " + " | ".join(title for title, _ in shown) + " |", "|---|" + "---|" * len(shown)]
    for name, contender in CONTENDERS.items():
        note = found.results.notes.get(name, "")
        if name not in found.results.rounds:
            if note:
                lines.append(f"| {contender.title} | {first_line(note)} |" + " |" * (len(shown) - 1))
            continue
        values = row(found.results, name)
        lines.append(f"| {contender.title} | " + " | ".join(cell(values[key], spread) for _, key in shown) + " |")
    return "\n".join(lines)


def first_line(text_: str) -> str:
    """What fits into a cell."""
    return text_.splitlines()[0][:200].replace("|", "/")


def cell(values: Sequence[float], spread: bool) -> str:
    """Median, and smallest to largest."""
    if not values:
        return "-"
    middle = number(statistics.median(values))
    if not spread or len(values) == 1:
        return middle
    return f"{middle} ({number(min(values))}–{number(max(values))})"


def times(found: Mapping[str, Sequence[float]], base: str) -> str:
    """A series whose values are compared with those of BASE."""
    lines = [f"| | ms | x `{base}` |", "|---|---|---|"]
    for name, values in found.items():
        milliseconds = [value * 1000 for value in values]
        lines.append(f"| `{name}` | {cell(milliseconds, True)} | {cell(paired(values, found[base]), True)} |")
    return "\n".join(lines)


def growth(found: Found) -> str:
    """What a call costs with much of something, against little of it."""
    words = {"rows": "calls in the journal", "waiting": "calls waiting", "clients": "clients"}
    lines = ["| | p50, ms | x the first |", "|---|---|---|"]
    for name, levels in found.growth.items():
        first = next(iter(levels.values()))
        for level, values in levels.items():
            lines.append(
                f"| {int(level):,} {words[name]} | {cell(values, True)} | {cell(paired(values, first), True)} |"
            )
    return "\n".join(lines)


def everything(found: Found) -> str:
    """All tables that there are figures for."""
    parts = []
    if found.results.rounds:
        parts += ["## Through each gateway", "", comparison(found), ""]
        parts += [f"- {CONTENDERS[name].title}: {note}" for name, note in found.results.notes.items()] + [""]
        parts += ["Processor time of a call in a row, ms: " + processor(found), ""]
    if found.starts:
        parts += ["## Start to the first answered call", "", times(found.starts, "import aiohttp"), ""]
    if found.commands:
        parts += ["## Commands", "", times(found.commands, "python -c pass"), ""]
    if found.growth:
        parts += ["## What grows", "", growth(found), ""]
    if found.wake_ups:
        said = ", ".join(f"{CONTENDERS[name].title} {number(count)}" for name, count in found.wake_ups.items())
        parts += ["## Wake-ups in a minute without calls", "", said, ""]
    return "\n".join([*parts, "## Bounds", "", text(bounds(found))])


def processor(found: Found) -> str:
    """The processor time of each contender."""
    said = []
    for name in found.results.rounds:
        values = [value for value in each(found.results, name, "processor_ms") if value]
        if values:
            said.append(f"{CONTENDERS[name].title} {cell(values, True)}")
    return "; ".join(said)


def write(found: Found, readme: Path = README) -> None:
    """Put the comparison between its marks in README.md. Raises SystemExit when they are not there."""
    page = readme.read_text(encoding="utf-8")
    if not MARK.search(page):
        raise SystemExit(f"{readme} has no place for the table: <!-- gateways: made by benchmarks/gateways.py -->")
    table = comparison(found, IN_README, spread=False)
    readme.write_text(MARK.sub(lambda match: f"{match[1]}\n{table}\n\n{match[2]}", page), encoding="utf-8")
