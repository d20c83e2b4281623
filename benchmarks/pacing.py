"""How well calls are paced: Sluice and what people use instead, on one simulated provider, in one run.

    python benchmarks/pacing.py                                       all rows, all entrants; takes more than an hour
    python benchmarks/pacing.py --rows requests,tokens --entrants sluice --shapes bucket,fixed --rounds 3
    python benchmarks/pacing.py --base-url http://127.0.0.1:9000/v1 --shapes bucket --requests 30 --tokens 9000
    python benchmarks/pacing.py --upkeep                              cost of an admission, wake-ups while idle
    python benchmarks/pacing.py --picture doc/pictures/pacing.svg

Each run starts a fresh provider (`python -m daemon.sandbox`) and a fresh entrant, hands all jobs over, and compares the
time to the last answer with the shortest possible one. With --base-url another simulator takes the sandbox's place:
say by flags what it is like, so that the shortest time can be computed. Exit status 1: Sluice missed a bound.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.race import picture, table, upkeep  # noqa: E402
from benchmarks.race.jobs import Size  # noqa: E402
from benchmarks.race.peers import ENTRANTS, missing  # noqa: E402
from benchmarks.race.running import Setting, run  # noqa: E402
from benchmarks.race.scenarios import SCENARIOS, Scenario  # noqa: E402
from daemon.sandbox.__main__ import seconds  # noqa: E402
from daemon.sandbox.settings import SHAPES  # noqa: E402


def parser() -> argparse.ArgumentParser:
    """The flags."""
    out = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    out.add_argument("--rows", default="all", help=f"of {', '.join(SCENARIOS)}")
    out.add_argument("--entrants", default="all", help=f"of {', '.join(ENTRANTS)}")
    out.add_argument("--shapes", default="all", help=f"of {', '.join(SHAPES)}")
    out.add_argument("--rounds", type=int, default=1, help="the median of so many rounds counts")
    out.add_argument("--minute", type=seconds, default=6.0, help="how long the provider's minute is")
    out.add_argument("--service", type=seconds, default=0.2, help="how long one answer takes")
    out.add_argument("--seed", type=int, default=1)
    out.add_argument("--phases", default="0.1,0.4,0.7", help="where in a minute the rounds begin")
    out.add_argument("--unaligned", action="store_true", help="windows begin with the first call, not on the clock")
    out.add_argument("--base-url", help="another simulator, OpenAI-like")
    out.add_argument("--requests", type=float, default=60, help="its limit a minute")
    out.add_argument("--tokens", type=float, default=120_000, help="its limit a minute")
    out.add_argument("--json", type=Path, help="merge the results into this file")
    out.add_argument("--show", type=Path, help="only print the table of such a file")
    out.add_argument("--upkeep", action="store_true", help="measure what the pacer itself costs")
    out.add_argument("--picture", type=Path, help="run the rows of the picture and draw it (svg or png)")
    return out


async def rows(wanted: Sequence[tuple[Scenario, str, str]], setting: Setting, rounds: int) -> list[table.Row]:
    """Run each (row, shape, entrant), one after the other, and tell about each on stderr."""
    out = []
    for scenario, shape, entrant in wanted:
        scores: list[dict[str, Any]] = []
        name = entrant
        for round_ in range(rounds):
            racer = ENTRANTS[entrant]()
            name = racer.name
            result = await run(scenario, shape, racer, setting, round_)
            scores.append(result.score.as_json())
        row = {"scenario": scenario.name, "shape": shape, "entrant": entrant, "name": name, "rounds": scores}
        out.append(row)
        _tell(row)
    return out


def _tell(row: table.Row) -> None:
    names = table.figures(SCENARIOS[row["scenario"]])
    each = ["/".join(table.number(score.get(name), name) for name in names) for score in row["rounds"]]
    missed = table.misses(row) if row["entrant"] == "sluice" else []
    why = {key: count for score in row["rounds"] for key, count in score["why"].items()}
    print(
        f"{time.strftime('%H:%M:%S')} {row['scenario']:14} {row['shape']:8} {row['name']:24} {'  '.join(each)}"
        f"  {'MISSED ' + ', '.join(missed) if missed else ''} {why or ''}", file=sys.stderr, flush=True,
    )  # fmt: skip


def choose(arguments: argparse.Namespace) -> list[tuple[Scenario, str, str]]:
    """What is to be run; entrants whose library is not installed are named on stderr and left out."""
    entrants = _pick(arguments.entrants, ENTRANTS)
    for name in [name for name in entrants if missing(name)]:
        print(f"without {name}: {missing(name)} is not installed (pip install '.[bench]')", file=sys.stderr)
        entrants.remove(name)
    if "litellm" in entrants and arguments.minute != 60:
        print("without litellm: its minutes are the wall clock's; give it --minute 60s --service 2s", file=sys.stderr)
        entrants.remove("litellm")
    return [
        (SCENARIOS[name], shape, entrant)
        for name in _pick(arguments.rows, SCENARIOS)
        for shape in _pick(arguments.shapes, SHAPES)
        for entrant in entrants
        if shape in SCENARIOS[name].shapes and (entrant == "sluice" or SCENARIOS[name].peers)
    ]


def _pick(names: str, known: Any) -> list[str]:
    chosen = list(known) if names == "all" else names.split(",")
    if wrong := [name for name in chosen if name not in known]:
        raise SystemExit(f"{wrong[0]!r} is not known; there are: {', '.join(known)}")
    return chosen


async def draw(setting: Setting, path: Path) -> None:
    """Run what the picture shows, and draw it."""
    panels = []
    for shape in ("bucket", "fixed", "slices"):
        for entrant in ("sluice", "gather2", "aiolimiter"):
            if not missing(entrant):
                racer = ENTRANTS[entrant]()
                panels.append((racer.name, shape, await run(SCENARIOS["requests"], shape, racer, setting)))
    picture.draw(panels, path)
    print(f"wrote {path}", file=sys.stderr)


def main(argv: Sequence[str] | None = None) -> int:
    """Run; 1 if Sluice missed a bound."""
    arguments = parser().parse_args(argv)
    if arguments.show:
        print(table.show(table.load(arguments.show)))
        return 0
    setting = Setting(
        arguments.minute, arguments.service, not arguments.unaligned, arguments.seed, arguments.base_url,
        Size(arguments.requests, arguments.tokens) if arguments.base_url else None,
        tuple(float(phase) for phase in arguments.phases.split(",")),
    )  # fmt: skip
    if arguments.upkeep:
        found = asyncio.run(upkeep.measure())
        print(json.dumps(found, indent=1))
        return 0 if not upkeep.misses(found) else 1
    if arguments.picture:
        asyncio.run(draw(setting, arguments.picture))
        return 0
    new = asyncio.run(rows(choose(arguments), setting, arguments.rounds))
    if arguments.json:
        about = {"python": platform.python_version(), "minute_s": setting.minute_s, "service_s": setting.service_s}
        table.save(arguments.json, table.merge(table.load(arguments.json), new), about)
    print(table.show(new))
    return 1 if any(row["entrant"] == "sluice" and table.misses(row) for row in new) else 0


if __name__ == "__main__":
    sys.exit(main())
