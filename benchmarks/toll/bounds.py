"""What Sluice must reach, and whether it does."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from benchmarks.toll.found import Found
from benchmarks.toll.rounds import Results, over_rounds


@dataclass(frozen=True, slots=True)
class Bound:
    """One line: values of all rounds, of which the median counts."""

    what: str
    values: Sequence[float]
    bound: float
    at_least: bool = False
    unit: str = "x"
    aim: str = ""

    @property
    def reached(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def ok(self) -> bool:
        """True if it is kept."""
        return self.reached >= self.bound if self.at_least else self.reached <= self.bound


def bounds(found: Found) -> list[Bound]:
    """All bounds for which there are figures."""
    return [bound for make in (_calls, _streams, _start, _memory, _growth, _idle, _cli) for bound in make(found)
            if bound.values]  # fmt: skip


def added(mine: float, direct: float) -> float:
    """What a gateway adds, at least a microsecond, so that it can be divided by."""
    return max(0.001, mine - direct)


def added_ratio(results: Results, name: str, peer: str, figure: str = "p50_ms") -> list[float]:
    """What NAME adds to FIGURE, as a part of what PEER adds, in each round."""

    def ratio(mine: float, theirs: float, direct: float) -> float:
        return added(mine, direct) / added(theirs, direct)

    return over_rounds(results, {"mine": (name, figure), "theirs": (peer, figure), "direct": ("direct", figure)}, ratio)


def plain_ratio(results: Results, name: str, peer: str, figure: str) -> list[float]:
    """FIGURE of NAME as a part of PEER's, in each round."""
    return over_rounds(results, {"mine": (name, figure), "theirs": (peer, figure)}, lambda mine, theirs: mine / theirs)


def difference(results: Results, name: str, peer: str, figure: str) -> list[float]:
    """FIGURE of NAME less PEER's, in each round."""
    return over_rounds(results, {"mine": (name, figure), "theirs": (peer, figure)}, lambda mine, theirs: mine - theirs)


def _ours(found: Found) -> list[tuple[str, str]]:
    words = {"sluice": "", "sluice-speed": ", extra `speed`"}
    return [(name, word) for name, word in words.items() if name in found.results.rounds]


def _calls(found: Found) -> Iterator[Bound]:
    results = found.results
    for name, word in _ours(found):
        yield Bound(f"added p50 against bare aiohttp and uvloop{word}", added_ratio(results, name, "plain"), 1.25,
                    aim="aim 1.0")  # fmt: skip
        yield Bound(f"calls a second at 50 against it{word}", plain_ratio(results, name, "plain", "per_s"), 0.8, True)
        yield Bound(f"added p50 against LiteLLM{word}", added_ratio(results, name, "litellm"), 1 / 20)
        yield Bound(f"added p50 against Portkey{word}", added_ratio(results, name, "portkey"), 1 / 2)


def _streams(found: Found) -> Iterator[Bound]:
    for name, word in _ours(found):
        yield Bound(f"time to first token, added{word}", difference(found.results, name, "direct", "first_ms"), 1.0,
                    unit="ms")  # fmt: skip
        total = plain_ratio(found.results, name, "direct", "stream_ms")
        yield Bound(f"a stream to its end, against no gateway{word}", total, 1.01)


def _start(found: Found) -> Iterator[Bound]:
    for name, word in (("sluice", ""), ("sluice-speed", ", extra `speed`")):
        ratios = paired(found.starts.get(name, []), found.starts.get("import aiohttp", []))
        yield Bound(f"start to the first answered call, against `import aiohttp`{word}", ratios, 1.5)


def _memory(found: Found) -> Iterator[Bound]:
    for name, word in _ours(found):
        once = found.results.once.get(name, {})
        yield Bound(f"resident memory, idle{word}", [once["idle_mib"]] if "idle_mib" in once else [], 45.0, unit="MiB")
        if "after_many_mib" in once:
            growth = [(once["after_many_mib"] / once["after_calls_mib"] - 1) * 100]
            yield Bound(f"its growth over {found.long_calls:,} calls{word}", growth, 5.0, unit="%")


def _growth(found: Found) -> Iterator[Bound]:
    words = {"rows": "calls in the journal", "waiting": "calls waiting", "clients": "clients"}
    for name, levels in found.growth.items():
        (base, first), *others = levels.items()
        for level, times in others[-1:]:
            what = f"p50 with {int(level):,} {words[name]}, against {base}"
            yield Bound(what, paired(times, first), 1.05)


def _idle(found: Found) -> Iterator[Bound]:
    for name, word in (("sluice", ""), ("sluice-speed", ", extra `speed`")):
        count = [found.wake_ups[name]] if name in found.wake_ups else []
        yield Bound(f"wake-ups in a minute without calls{word}", count, 1.0, unit="")


def _cli(found: Found) -> Iterator[Bound]:
    nothing = found.commands.get("python -c pass", [])
    for name, times in found.commands.items():
        if name != "python -c pass":
            yield Bound(f"`{name}` against `python -c pass`", paired(times, nothing), 2.5)


def paired(values: Sequence[float], base: Sequence[float]) -> list[float]:
    """The ratios, round by round."""
    return [value / other for value, other in zip(values, base, strict=False)]


Rule = Callable[[Found], Iterator[Bound]]


def text(all_bounds: Sequence[Bound]) -> str:
    """The table: what, reached with its spread, the bound, and whether it is kept."""
    lines = ["| what | reached | spread | bound | |", "|---|---|---|---|---|"]
    for one in all_bounds:
        sign = ">=" if one.at_least else "<="
        unit = {"": "", "x": "", "%": " %"}.get(one.unit, f" {one.unit}")
        spread = f"{number(min(one.values))}–{number(max(one.values))}" if len(one.values) > 1 else ""
        aim = f", {one.aim}" if one.aim else ""
        lines.append(
            f"| {one.what} | {number(one.reached)}{unit} | {spread} | {sign} {number(one.bound)}{unit}{aim} "
            f"| {'ok' if one.ok else '**missed**'} |"
        )
    return "\n".join(lines)


def number(value: float) -> str:
    """VALUE with as many digits as tell something."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 20 else 2 if abs(value) >= 0.1 else 3
    return f"{value:,.{digits}f}"
